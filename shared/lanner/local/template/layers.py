"""Layers: the folders that Lambda would unpack to /opt.

A layer of the template is its `ContentUri`: as it is when it is finished (with `python/`, `bin/`, `lib/` or data, as
`sam build` leaves it too), under `python/` when SAM would build it from sources. A layer by ARN is not on this machine:
its packages must be in the project's environment, which a finding says. So does one of a layer that can be of no use
(modules beside `python/` are on no path), and one of extensions, which are not started.
"""

from __future__ import annotations

from pathlib import Path

from lanner.local.template.code import layer_of, local_folder
from lanner.local.template.reader import Reader
from lanner.local.template.source import Section
from lanner.local.template.stack import Stack
from lanner.local.template.substitution import text_of
from lanner.local.template.world import World


def function_layers(properties: Reader, world: World) -> tuple[tuple[Path, ...], bool]:
    """The folders of a function's `Layers`, and whether all of them are here."""
    folders: list[Path] = []
    complete = True
    layers = properties.items("Layers")
    for index, reference in enumerate(layers):
        text = text_of(reference)
        known = world.layers.get(text) or world.layers.get(text.rpartition(":")[0] + ":1")
        folder = _layer_folder(*known) if known else None
        if known is None:
            message = f"layer {text} is not in the template; its packages are taken from the project's environment"
            properties.findings.unsupported(properties.resource, message, layers.at(index))
        complete = complete and folder is not None
        if folder is not None:
            folders.append(folder)
    return tuple(folders), complete


def _layer_folder(stack: Stack, logical_id: str) -> Path | None:
    resource = stack.resources[logical_id]
    properties = stack.properties(logical_id)
    key = "ContentUri" if resource.type == "AWS::Serverless::LayerVersion" else "Content"
    metadata = resource.section.get("Metadata")
    location = properties.get(key)
    if isinstance(metadata, Section) and isinstance(metadata.get("aws:asset:path"), str):
        location = metadata["aws:asset:path"]  # as the CDK writes it beside the template
    if not isinstance(location, str):
        message = f"{key} is not a local folder; its packages are taken from the project's environment"
        stack.findings.unsupported(properties.resource, message, properties.at(key))
        return None
    folder = local_folder(stack.file, location, key, properties.resource, stack.findings, properties.at(key))
    if folder is None:
        return None
    if not (folder / "python").is_dir():
        if isinstance(metadata, Section) and "BuildMethod" in metadata:
            return layer_of(folder)
        if _is_sources(folder):
            message = (
                f"{key} {location} has no python/ folder, so nothing in it is on sys.path; add it, or "
                "Metadata.BuildMethod"
            )
            stack.findings.error(properties.resource, message, properties.at(key))
    if (folder / "extensions").is_dir():
        message = f"{key} {location} has extensions/: extensions are not started"
        stack.findings.unsupported(properties.resource, message, properties.at(key))
    return folder


def _is_sources(folder: Path) -> bool:
    """Whether a folder looks like what belongs below `python/`: modules, packages or the list of them."""
    return (folder / "requirements.txt").is_file() or any(
        found for pattern in ("*.py", "*/__init__.py") for found in folder.glob(pattern)
    )
