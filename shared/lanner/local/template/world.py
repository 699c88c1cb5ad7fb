"""Which resource a physical name means: ARNs, URLs and ids back to logical ids, over all nested stacks.

References have become text when properties are read (`arn:aws:lambda:...:function:x`), often wrapped in another
(`arn:aws:apigateway:...:lambda:path/2015-03-31/functions/<arn>/invocations`), and may have passed through a nested
stack's parameters. So everything that can be pointed at is registered by its name before plans are made.
"""

from __future__ import annotations

import re
from pathlib import Path

from lanner.local.template.identities import Identity
from lanner.local.template.stack import Stack

FUNCTIONS = ("AWS::Serverless::Function", "AWS::Lambda::Function")
LAYERS = ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion")
_APIS = ("AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api")
_FUNCTION_ARN = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:([A-Za-z0-9_-]+)")


class World:
    """The names of all stacks that one template opens."""

    def __init__(self) -> None:
        self._functions: dict[str, str] = {}
        self._apis: dict[str, str] = {}
        self._queues: dict[str, str] = {}
        self.layers: dict[str, tuple[Stack, str]] = {}
        self.refs: dict[str, str] = {}  # of any resource: what `Ref` gives -> qualified logical id
        self.physical_ids: dict[str, str] = {}
        self.code: dict[str, Path] = {}

    def register(self, stack: Stack) -> None:
        """Learn the names of a stack's resources and of what SAM generates for it."""
        for logical_id in stack.known():
            resource = stack.resources.get(logical_id)
            identity = stack.identity(logical_id, resource.where if resource else stack.document.where)
            if identity is not None:
                type_ = resource.type if resource else stack.generated[logical_id]
                self._register(stack, logical_id, type_, identity)

    def _register(self, stack: Stack, logical_id: str, type_: str, identity: Identity) -> None:
        name = stack.prefix + logical_id
        self.physical_ids[name] = identity.ref
        if type_ in FUNCTIONS:
            first = self._functions.setdefault(identity.name, name)
            if first != name and logical_id in stack.resources:
                message = f"FunctionName '{identity.name}' is the name of {first} already"
                stack.findings.error(name, message, stack.resources[logical_id].where)
        elif type_ in _APIS:
            self._apis[identity.ref] = name
        elif type_ == "AWS::SQS::Queue":
            self._queues[identity.attributes["Arn"]] = name
            self._queues[identity.ref] = name
        elif type_ in LAYERS and logical_id in stack.resources:
            self.layers[identity.ref] = (stack, logical_id)
        if not type_.startswith(("stage ", "alias ", "version ")):
            self.refs.setdefault(identity.ref, name)

    def function(self, reference: str) -> str | None:
        """The function that a name, an ARN (with or without a qualifier) or an integration URI means."""
        found = _FUNCTION_ARN.search(reference)
        return self._functions.get(found[1] if found else reference.split(":")[0])

    def api(self, reference: str) -> str | None:
        """The API that an id means."""
        return self._apis.get(reference)

    def queue(self, reference: str) -> str | None:
        """The queue that an ARN or a URL means."""
        return self._queues.get(reference)
