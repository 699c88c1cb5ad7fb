"""Dynamic references (`{{resolve:ssm:...}}`, `{{resolve:secretsmanager:...}}`) from a local file.

The file is TOML or JSON, `.lanner/secrets.toml` beside the template unless another is named:

    [ssm]
    "/app/table" = "users"
    [secretsmanager]
    "app/database" = { password = "local only" }    # or plain text

An SSM name may be given with its version (`name:3`) to hold one version apart. What the file does not have is a
finding that says which line to add, and an empty text; secrets and parameters that the template itself declares need
no line.

Source: AWS CloudFormation User Guide, "Get values stored in other services using dynamic references".
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from lanner.local.plan import Where
from lanner.local.template.findings import Findings, fatal
from lanner.local.template.source import Node
from lanner.local.template.substitution import text_of

DEFAULT_FILE = Path(".lanner") / "secrets.toml"
_REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]*)\}\}")


Declared = Callable[[str, str], str | None]  # (store, name) -> a value that the template itself declares


def _nothing(store: str, name: str) -> None:
    """No template declares anything."""


class LocalSecrets:
    """The local stand-in for Parameter Store and Secrets Manager while a template is read."""

    def __init__(self, folder: Path, file: Path | None, findings: Findings) -> None:
        self.file = file or folder / DEFAULT_FILE
        self._findings = findings
        self._stores: Mapping[str, Node] = {}
        self.found = self.file.is_file()
        if self.found:
            self._stores = _read(self.file)
        elif file is not None:
            raise fatal(f"there is no secrets file {file}", Where(file, 1))

    def parameter(self, reference: str, resource: str, where: Where, declared: Declared = _nothing) -> str:
        """The Parameter Store value of `name` or `name:version`; a missing one is a finding and empty."""
        store = self._store("ssm")
        name = re.sub(r":\d+\Z", "", reference)
        for key in (reference, name):
            if key in store:
                return text_of(store[key])
        value = declared("ssm", name)
        if value is None:
            self._missing("ssm", name, resource, where)
        return value or ""

    def secret(self, reference: str, resource: str, where: Where, declared: Declared = _nothing) -> str:
        """The secret `id[:SecretString[:key[:stage[:version]]]]`; a missing one is a finding and empty."""
        parsed = re.match(r"(arn:[^:]*:secretsmanager:[^:]*:\d*:secret:[^:]+|[^:]+)(?::(.*))?\Z", reference)
        if parsed is None:
            self._findings.error(resource, f"'{reference}' is not a reference to a secret", where)
            return ""
        name = parsed[1].rpartition(":secret:")[2]
        _, _, key = (parsed[2] or "").partition(":")
        key = key.partition(":")[0]
        store = self._store("secretsmanager")
        value = store.get(name, store.get(re.sub(r"-\w{6}\Z", "", name)))
        if value is None:
            value = declared("secretsmanager", name)
        if value is None:
            self._missing("secretsmanager", name, resource, where)
            return ""
        if not key:
            return text_of(value)
        fields = _as_mapping(value)
        if key not in fields:
            self._findings.error(resource, f"the secret '{name}' in {self.file} has no '{key}'", where)
            return ""
        return text_of(fields[key])

    def replace(self, text: str, resource: str, where: Where, declared: Declared = _nothing) -> str:
        """`text` with each dynamic reference replaced by its value: the file's, else what `declared` knows."""

        def value(found: re.Match[str]) -> str:
            if found[1] == "secretsmanager":
                return self.secret(found[2], resource, where, declared)
            return self.parameter(found[2], resource, where, declared)

        return _REFERENCE.sub(value, text)

    def _store(self, name: str) -> Mapping[str, Node]:
        store = self._stores.get(name, {})
        return store if isinstance(store, dict) else {}

    def _missing(self, store: str, name: str, resource: str, where: Where) -> None:
        message = f"{store} '{name}' has no local value: add '\"{name}\" = \"...\"' under [{store}] in {self.file}"
        self._findings.error(resource, message, where)


def _as_mapping(value: Node) -> Mapping[str, Node]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _read(file: Path) -> Mapping[str, Node]:
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise fatal(f"cannot be read: {error}", Where(file, 1)) from error
    if not isinstance(document, dict):
        raise fatal("a secrets file has the tables [ssm] and [secretsmanager]", Where(file, 1))
    return document
