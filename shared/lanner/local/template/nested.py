"""A template and its nested stacks (`AWS::Serverless::Application`, `AWS::CloudFormation::Stack`) by local path.

A nested stack is opened when one of its outputs is first asked for, at the latest when the tree is complete; its
parameters are the parent's expressions. A stack that needs its own outputs, or a file that nests itself, is a cycle.
Logical ids of a nested stack are prefixed: `Child.Function`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lanner.local.plan import Where
from lanner.local.template.declared import declared_value
from lanner.local.template.findings import Findings, fatal
from lanner.local.template.globals import Globals
from lanner.local.template.identities import Place
from lanner.local.template.language import apply_transforms
from lanner.local.template.parameters import ACCOUNT, pseudo_parameters, read_parameters, unknown_overrides
from lanner.local.template.schema import check_document, check_resources
from lanner.local.template.secrets import LocalSecrets
from lanner.local.template.source import Section, load
from lanner.local.template.stack import NESTED, Dynamic, Resource, Stack
from lanner.local.template.substitution import text_of


class StackTree:
    """The stacks that one template opens, parents before children."""

    def __init__(self, findings: Findings, region: str, engine_url: str, secrets: Path | None, folder: Path) -> None:
        self.files: list[Path] = []
        self._findings = findings
        self._region = region
        self._engine_url = engine_url
        self._secrets = LocalSecrets(folder, secrets, findings)
        if self._secrets.found:
            self.files.append(self._secrets.file)
        self._stacks: dict[str, Stack] = {}
        self._opening: list[str] = []

    def stacks(self) -> list[Stack]:
        return list(self._stacks.values())

    def open_root(self, file: Path, stack_name: str, overrides: Mapping[str, str], where: Where) -> Stack:
        """Open the template and everything nested in it; `where` is what overrides are reported at."""
        stack = self._open(file, stack_name, "", overrides, where)
        index = 0
        while index < len(self._stacks):  # grows while children open
            parent = self.stacks()[index]
            for resource in parent.of_type(*NESTED):
                self._child(parent, resource.logical_id)
            index += 1
        return stack

    def outputs(self, stack: Stack) -> dict[str, str]:
        """A stack's outputs, resolved; those whose condition is false are left out."""
        declared = stack.document.get("Outputs")
        outputs: dict[str, str] = {}
        if not isinstance(declared, Section):
            return outputs
        for name, output in declared.items():
            if not isinstance(output, Section) or "Value" not in output:
                self._findings.error("", f"output '{name}' is a mapping with a Value", declared.at(name))
                continue
            condition = output.get("Condition")
            if isinstance(condition, str) and not stack.resolver.condition(condition, output.at("Condition")):
                continue
            outputs[name] = text_of(stack.resolver.value(output["Value"], output.at("Value")))
        return outputs

    def _open(self, file: Path, name: str, prefix: str, overrides: Mapping[str, str], where: Where) -> Stack:
        document = load(file, self._findings)
        if not isinstance(document, Section):
            raise fatal("a template is a mapping with Resources", Where(file, 1))
        self.files.append(file)
        check_document(document, self._findings)
        pseudo = pseudo_parameters(name, self._region)
        place = Place(name, self._region, ACCOUNT, text_of(pseudo["AWS::Partition"]), self._engine_url)
        declared = document.get("Parameters")
        if not prefix:
            unknown_overrides(declared, overrides, self._findings, where)
        parameters = read_parameters(declared, overrides, self._secrets, self._findings)
        globals_ = Globals(document.get("Globals"), self._findings)
        stack = Stack(file, place, document, globals_, self._findings, self.files, prefix)
        stack.scope_with(parameters, pseudo, self._dynamic(stack))
        apply_transforms(stack)
        stack.open_resources()
        check_resources(stack)
        stack.outputs_of = lambda logical_id: self._child_outputs(stack, logical_id)
        self._stacks[prefix] = stack
        return stack

    def _dynamic(self, stack: Stack) -> Dynamic:
        def declared(store: str, name: str) -> str | None:
            return declared_value(stack, store, name)

        return lambda text, resource, where: self._secrets.replace(text, resource, where, declared)

    def _child_outputs(self, parent: Stack, logical_id: str) -> dict[str, str]:
        child = self._child(parent, logical_id)
        return self.outputs(child) if child else {}

    def _child(self, parent: Stack, logical_id: str) -> Stack | None:
        prefix = f"{parent.prefix}{logical_id}."
        if prefix in self._stacks:
            return self._stacks[prefix]
        resource = parent.resources[logical_id]
        if prefix in self._opening:
            raise fatal(f"the nested stack '{logical_id}' needs its own outputs", resource.where, logical_id)
        file = self._child_file(parent, resource)
        if file is None:
            return None
        self._opening.append(prefix)
        try:
            properties = parent.properties(logical_id)
            name = f"{parent.place.stack}-{logical_id}"
            return self._open(file, name, prefix, properties.texts("Parameters"), resource.where)
        finally:
            self._opening.pop()

    def _child_file(self, parent: Stack, resource: Resource) -> Path | None:
        key = "Location" if resource.type == "AWS::Serverless::Application" else "TemplateURL"
        raw = resource.raw.get(key)
        where = resource.raw.at(key)
        name = parent.prefix + resource.logical_id
        location = parent.resolver.for_resource(name).value(raw, where)
        if not isinstance(location, str) or location.startswith(("https://", "http://", "s3://")):
            message = f"{key} is not a local file: this nested application is skipped"
            self._findings.unsupported(name, message, where)
            return None
        file = (parent.file.parent / location).resolve()
        if not file.is_file():
            self._findings.error(name, f"{key}: there is no file {file}", where)
            return None
        ancestors = [stack.file for stack in self._stacks.values() if parent.prefix.startswith(stack.prefix)]
        if file in ancestors:
            raise fatal(f"{file} nests itself", where, name)
        return file
