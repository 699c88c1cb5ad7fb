"""`AWS::Serverless::Function` and `AWS::Lambda::Function` as plans.

Functions that cannot run here (another runtime, an image, code in S3, no folder) are left out with a finding. A handler
whose file does not exist is a finding too, but stays: the file may be written while the local cloud runs.

Source: AWS SAM Developer Guide, "AWS::Serverless::Function"; AWS Lambda quotas.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from lanner.local.plan import FunctionPlan, FunctionUrlPlan, LoggingPlan
from lanner.local.template.asynchronous import async_policy
from lanner.local.template.code import inline_folder, local_folder
from lanner.local.template.layers import function_layers
from lanner.local.template.reader import Reader
from lanner.local.template.source import Section
from lanner.local.template.sources import Sources
from lanner.local.template.stack import Resource, Stack
from lanner.local.template.substitution import text_of
from lanner.local.template.urls import function_url
from lanner.local.template.world import World

TIMEOUT_LIMIT = 900  # seconds
MEMORY_LIMITS = (128, 10_240)  # MB
STORAGE_LIMITS = (512, 10_240)  # MB of /tmp
INLINE_HANDLER = "index.handler"
TEMPLATE_FOLDER = "."  # what `sam build` and `sam package` take where a function says no CodeUri
LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def function_plan(resource: Resource, stack: Stack, world: World, sources: Sources) -> FunctionPlan | None:
    """The plan of one function, or None after findings when it cannot run here."""
    properties = stack.properties(resource.logical_id)
    runtime = properties.text("Runtime")
    if not _is_python(properties, runtime):
        return None
    code = _code(resource, properties, stack)
    if code is None:
        return None
    name = stack.prefix + resource.logical_id
    layers, complete = function_layers(properties, world)
    handler = properties.text("Handler", INLINE_HANDLER if "InlineCode" in properties else "")
    if complete:
        _check_handler(handler, code, layers, properties)
    identity = stack.identity(resource.logical_id, resource.where)
    assert identity is not None
    return FunctionPlan(
        logical_id=name,
        name=identity.name,
        handler=handler,
        runtime=runtime,
        code=code,
        layers=layers,
        environment=properties.child("Environment").texts("Variables"),
        timeout=_limited(properties, "Timeout", 3, 1, TIMEOUT_LIMIT),
        memory=_limited(properties, "MemorySize", 128, *MEMORY_LIMITS),
        reserved_concurrency=_reserved(properties),
        alias=properties.optional("AutoPublishAlias") or sources.aliases.get(name),
        snap_start=properties.child("SnapStart").text("ApplyOn") == "PublishedVersions",
        tracing=_tracing(properties),
        ephemeral_storage=_limited(properties.child("EphemeralStorage"), "Size", 512, *STORAGE_LIMITS),
        queues=tuple(sources.queues.get(name, ())),
        streams=tuple(sources.streams.get(name, ())),
        schedules=tuple(sources.schedules.get(name, ())),
        asynchronous=async_policy(properties, sources.invoke_configs.get(name), world),
        url=_url(properties) or sources.urls.get(name),
        logging=_logging(properties),
        where=resource.where,
    )


def _is_python(properties: Reader, runtime: str) -> bool:
    findings, name = properties.findings, properties.resource
    if properties.text("PackageType", "Zip") == "Image" or "ImageUri" in properties:
        where = properties.at("PackageType", "ImageUri")
        findings.unsupported(name, "container images are not run locally; its routes are skipped", where)
        return False
    if not runtime:
        findings.error(name, "a function needs a Runtime, for instance python3.13", properties.at("Runtime"))
        return False
    if not re.fullmatch(r"python3\.\d+", runtime):
        message = f"runtime {runtime} is not run locally, only python3.x is; its routes are skipped"
        findings.unsupported(name, message, properties.at("Runtime"))
        return False
    return True


def _code(resource: Resource, properties: Reader, stack: Stack) -> Path | None:
    metadata = resource.section.get("Metadata")
    if isinstance(metadata, Section) and isinstance(metadata.get("aws:asset:path"), str):
        location = metadata["aws:asset:path"]  # as the CDK writes it beside the template
        return local_folder(stack.file, location, "asset", properties.resource, stack.findings, metadata.where)
    key = "CodeUri" if resource.type == "AWS::Serverless::Function" else "Code"
    if "InlineCode" in properties:
        return inline_folder(properties.text("InlineCode"))
    value = properties.get(key)
    if value is None and key == "CodeUri":
        value = TEMPLATE_FOLDER
    if isinstance(value, dict) and isinstance(value.get("ZipFile"), str):
        return inline_folder(value["ZipFile"])
    if isinstance(value, dict):
        message = f"{key} is in S3; its routes are skipped (name a local folder)"
        stack.findings.unsupported(properties.resource, message, properties.at(key))
        return None
    if value is None:
        stack.findings.error(properties.resource, f"a function needs {key}", properties.at(key))
        return None
    return local_folder(stack.file, text_of(value), key, properties.resource, stack.findings, properties.at(key))


def _check_handler(handler: str, code: Path, layers: tuple[Path, ...], properties: Reader) -> None:
    where = properties.at("Handler")
    if "." not in handler:
        message = f"Handler {handler!r} is not of the form module.function" if handler else "a function needs a Handler"
        properties.findings.error(properties.resource, message, where)
        return
    module, _, function = handler.rpartition(".")
    relative = module.replace(".", "/")
    roots = [code, *(layer / "python" for layer in layers)]
    candidates = [root / name for root in roots for name in (f"{relative}.py", f"{relative}/__init__.py")]
    file = next((each for each in candidates if each.is_file()), None)
    if file is None:
        shown = f"{relative}.py"
        near = get_close_matches(shown, (str(each.relative_to(code)) for each in _python_files(code)), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        message = f"Handler {handler}: there is no {shown} in {code}{hint}"
        properties.findings.error(properties.resource, message, where)
    elif not re.search(rf"\b{re.escape(function)}\b", file.read_text(encoding="utf-8", errors="replace")):
        properties.findings.error(properties.resource, f"Handler {handler}: {file} has no '{function}'", where)


def _python_files(code: Path) -> list[Path]:
    """Python files of the code folder, two levels deep: enough to guess a misspelled handler."""
    return [*code.glob("*.py"), *code.glob("*/*.py")]


def _limited(properties: Reader, key: str, default: int, least: int, most: int) -> int:
    value = properties.number(key, default)
    if least <= value <= most:
        return value
    message = f"{key} is {value}; Lambda allows {least} to {most}"
    properties.findings.error(properties.resource, message, properties.at(key))
    return min(max(value, least), most)


def _reserved(properties: Reader) -> int | None:
    value = properties.optional_number("ReservedConcurrentExecutions")
    return None if value is None else int(value)


def _tracing(properties: Reader) -> bool:
    value = properties.get("Tracing")
    if value is None:  # AWS::Lambda::Function spells it TracingConfig: {Mode: Active}
        value = properties.child("TracingConfig").text("Mode")
    return text_of(value) == "Active"


def _logging(properties: Reader) -> LoggingPlan:
    config = properties.child("LoggingConfig")
    group, level = config.text("LogGroup"), config.text("ApplicationLogLevel").upper()
    wanted = config.text("LogFormat", "Text")
    if wanted not in ("Text", "JSON"):
        message = f"LogFormat takes Text or JSON, not {wanted!r}"
        properties.findings.error(properties.resource, message, config.at("LogFormat"))
    if level and level not in LOG_LEVELS:
        message = f"ApplicationLogLevel takes one of {', '.join(LOG_LEVELS)}, not {level!r}"
        properties.findings.error(properties.resource, message, config.at("ApplicationLogLevel"))
        level = ""
    if wanted == "JSON":
        return LoggingPlan("JSON", level or "INFO", group)
    if level:
        message = "ApplicationLogLevel needs LogFormat: JSON"
        properties.findings.error(properties.resource, message, config.at("ApplicationLogLevel"))
    return LoggingPlan(group=group)


def _url(properties: Reader) -> FunctionUrlPlan | None:
    if "FunctionUrlConfig" not in properties:
        return None
    return function_url(properties.child("FunctionUrlConfig"))
