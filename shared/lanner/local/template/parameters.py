"""Template parameters: defaults, overrides from the command line and samconfig.toml, and the pseudo parameters.

A value is taken from, in this order: the command line, samconfig.toml, the template's `Default`. A parameter with none
of them is a finding and takes an empty placeholder, so that the rest of the template can still be read. Parameters of
the SSM types name a Parameter Store entry; its value comes from the local secrets file.

Source: AWS CloudFormation User Guide, "Parameters section syntax reference"; AWS SAM CLI configuration file.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path

import yaml

from lanner.local.plan import Where
from lanner.local.template.findings import Findings, did_you_mean, fatal
from lanner.local.template.secrets import LocalSecrets
from lanner.local.template.source import Node, Section, convert
from lanner.local.template.substitution import text_of

ACCOUNT = "123456789012"
DEFAULT_ENVIRONMENT = "default"
_TYPES = ("String", "Number", "CommaDelimitedList", "List<Number>")
_SSM = re.compile(r"AWS::SSM::Parameter::(Name|Value<(.+)>)\Z")
_LISTS = ("CommaDelimitedList", "List<")
_KEYS = (
    "AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description", "MaxLength", "MaxValue",
    "MinLength", "MinValue", "NoEcho", "Type",
)  # fmt: skip


def pseudo_parameters(stack_name: str, region: str) -> dict[str, Node]:
    """The values of `AWS::Region` and its like for a local stack."""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::NotificationARNs": [],
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": f"arn:{partition}:cloudformation:{region}:{ACCOUNT}:stack/{stack_name}/local",
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }


def read_parameters(
    declared: Node, overrides: Mapping[str, str], secrets: LocalSecrets, findings: Findings
) -> dict[str, Node]:
    """Every declared parameter's value; `overrides` may hold `ImportValue:<name>` entries too."""
    values: dict[str, Node] = {key: value for key, value in overrides.items() if key.startswith("ImportValue:")}
    if not isinstance(declared, Section):
        return values
    for name, declaration in declared.items():
        where = declared.at(name)
        if not isinstance(declaration, Section):
            findings.error(name, f"parameter '{name}' is a mapping with a Type", where)
            values[name] = overrides.get(name, "")
            continue
        values[name] = _value(name, declaration, overrides, secrets, findings)
    return values


def unknown_overrides(declared: Node, overrides: Mapping[str, str], findings: Findings, where: Where) -> None:
    """A finding for each override that the template does not declare."""
    known = list(declared) if isinstance(declared, Section) else []
    for name in overrides:
        if name not in known and not name.startswith("ImportValue:"):
            hint = did_you_mean(name, known)
            findings.ignored("", f"the template has no parameter '{name}', which is overridden{hint}", where)


def _value(
    name: str, declaration: Section, overrides: Mapping[str, str], secrets: LocalSecrets, findings: Findings
) -> Node:
    where = declaration.at("Type")
    for key in declaration:
        if key not in _KEYS:
            findings.error(name, f"a parameter has no '{key}'{did_you_mean(key, _KEYS)}", declaration.at(key))
    kind = text_of(declaration.get("Type", "String"))
    if not (kind in _TYPES or _SSM.match(kind) or kind.startswith(("AWS::", "List<AWS::"))):
        findings.error(name, f"'{kind}' is not a parameter type{did_you_mean(kind, _TYPES)}", where)
    if name in overrides:
        text = overrides[name]
    elif "Default" in declaration:
        default = declaration["Default"]
        text = ",".join(text_of(item) for item in default) if isinstance(default, list) else text_of(default)
        where = declaration.at("Default")
    else:
        message = f"parameter '{name}' has no Default: give it with --parameter-overrides {name}=VALUE"
        findings.error(name, message, declaration.where)
        return convert([], where) if kind.startswith(_LISTS) else ""
    _check(name, kind, text, declaration, findings, where)
    stored = _SSM.match(kind)
    if stored and stored[1] != "Name":
        kind = stored[2]
        text = secrets.parameter(text, name, where) or ""
    if kind.startswith(_LISTS):
        return convert([item.strip() for item in text.split(",")] if text else [], where)
    return text


def _check(name: str, kind: str, text: str, declaration: Section, findings: Findings, where: Where) -> None:
    shown = "the given value" if text_of(declaration.get("NoEcho", "")).lower() == "true" else f"'{text}'"
    allowed = declaration.get("AllowedValues")
    if isinstance(allowed, list) and kind != "CommaDelimitedList":
        choices = [text_of(choice) for choice in allowed]
        if text not in choices:
            findings.error(name, f"{shown} is not an allowed value of '{name}': {', '.join(choices)}", where)
    pattern = declaration.get("AllowedPattern")
    if isinstance(pattern, str):
        try:
            matches = re.fullmatch(pattern, text) is not None
        except re.error:
            matches = True  # Java's syntax, not Python's: nothing can be said
        if not matches:
            why = declaration.get("ConstraintDescription") or f"it must match {pattern}"
            findings.error(name, f"{shown} is not allowed for '{name}': {why}", where)
    if kind == "Number" and not re.fullmatch(r"[-+]?\d+(\.\d+)?", text):
        findings.error(name, f"{shown} is not a number, which '{name}' has to be", where)
    _check_range(name, kind, text, declaration, findings, where)


def _check_range(name: str, kind: str, text: str, declaration: Section, findings: Findings, where: Where) -> None:
    try:
        measured = float(text) if kind == "Number" else float(len(text))
    except ValueError:
        return
    least, most = ("MinValue", "MaxValue") if kind == "Number" else ("MinLength", "MaxLength")
    for key in (least, most):
        bound = text_of(declaration.get(key, ""))
        if not re.fullmatch(r"-?\d+(\.\d+)?", bound):
            continue
        if measured < float(bound) if key == least else measured > float(bound):
            findings.error(name, f"'{name}' breaks its {key} of {bound}", where)


def parse_overrides(text: str | list[str]) -> dict[str, str]:
    """`--parameter-overrides` as SAM takes them: `A=1 B="two words"` or `ParameterKey=A,ParameterValue=1`."""
    words = shlex.split(text) if isinstance(text, str) else [str(word) for word in text]
    values: dict[str, str] = {}
    for word in words:
        long_form = re.match(r"ParameterKey=([^,]+),ParameterValue=(.*)\Z", word, re.DOTALL)
        key, _, value = (long_form[1], "=", long_form[2]) if long_form else word.partition("=")
        if not key or (not long_form and "=" not in word):
            raise ValueError(f"'{word}' is not a parameter override; write Name=Value")
        values[key] = value.strip("\"'") if long_form else value
    return values


def _no_environment(environment: str, document: object) -> str:
    sections = document.items() if isinstance(document, dict) else ()
    known = [str(name) for name, table in sections if isinstance(table, dict)]
    hint = did_you_mean(environment, known)
    return f"--config-env: there is no environment '{environment}'{hint}; it has {', '.join(known) or 'none'}"


class SamConfig:
    """What samconfig.toml (or .yaml) beside the template says of parameters and region.

    `local_start_api`, `deploy` and `global` are read in this order of precedence, as `sam local` and `sam deploy`
    would each take them. A file that cannot be read raises `TemplateError`; `missing` says that it has no such
    environment, which `sam` passes over in silence.
    """

    def __init__(self, folder: Path, environment: str) -> None:
        self.file: Path | None = None
        self.missing = ""
        self._tables: list[Mapping[str, Node]] = []
        for name in ("samconfig.toml", "samconfig.yaml", "samconfig.yml"):
            if (folder / name).is_file():
                self.file = folder / name
                self._read(self.file, environment)
                return

    def _read(self, file: Path, environment: str) -> None:
        try:
            text = file.read_text(encoding="utf-8")
            document = tomllib.loads(text) if file.suffix == ".toml" else yaml.safe_load(text)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, yaml.YAMLError) as error:
            line = re.search(r"line (\d+)", str(error))
            raise fatal(f"cannot be read: {error}", Where(file, int(line[1]) if line else 1)) from error
        chosen = document.get(environment, {}) if isinstance(document, dict) else {}
        if not chosen and environment != DEFAULT_ENVIRONMENT:
            self.missing = _no_environment(environment, document)
        for command in ("local_start_api", "deploy", "global"):
            table = chosen.get(command, {})
            parameters = table.get("parameters", {}) if isinstance(table, dict) else {}
            if isinstance(parameters, dict):
                self._tables.append(parameters)

    def get(self, key: str) -> Node:
        """The first value of `key`, or None."""
        return next((table[key] for table in self._tables if key in table), None)

    def overrides(self) -> dict[str, str]:
        """The parameter overrides; a malformed one raises `TemplateError`."""
        found = self.get("parameter_overrides")
        if not found:
            return {}
        if isinstance(found, dict):
            return {str(key): text_of(value) for key, value in found.items()}
        try:
            return parse_overrides(found)
        except ValueError as error:
            raise fatal(f"parameter_overrides: {error}", Where(self.file or Path("samconfig.toml"), 1)) from error
