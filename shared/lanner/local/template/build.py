"""From a template to a plan: `load_plan` is the only way in.

The stages, each over the whole stack with its nested stacks: open (load, parameters, conditions, globals), register
names, plan functions, plan APIs, plan the rest. Findings are collected all the way; `TemplateError` ends it.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from lanner.local.plan import CloudPlan, FunctionPlan, Where, by_stage
from lanner.local.template.apis import api_drafts
from lanner.local.template.domains import domain_plans
from lanner.local.template.findings import Findings, TemplateError, fatal
from lanner.local.template.functions import function_plan
from lanner.local.template.nested import StackTree
from lanner.local.template.parameters import ACCOUNT, SamConfig
from lanner.local.template.resources import resource_plans
from lanner.local.template.sources import Sources, collect_sources
from lanner.local.template.substitution import text_of
from lanner.local.template.usage import usage_plans
from lanner.local.template.visibility import check_visibility
from lanner.local.template.world import FUNCTIONS, World

__all__ = ["TemplateError", "load_plan"]

REGION = "eu-west-1"
NAMES = ("template.yaml", "template.yml", "template.json")


def load_plan(
    template: Path,
    *,
    stack_name: str = "lanner-local",
    region: str | None = None,
    overrides: Mapping[str, str] | None = None,
    secrets: Path | None = None,
    built: bool = False,
    config_env: str = "default",
    engine_url: str = "http://127.0.0.1:5000",
) -> CloudPlan:
    """The plan of `template` (a file, or a folder with a template.yaml).

    `overrides` and `region` win over samconfig.toml's environment `config_env`, which wins over defaults. `built`
    reads what `sam build` left in `.aws-sam/build` beside the template. `engine_url` is where queue URLs point.
    Raises `TemplateError` when nothing can be served at all; everything else is in the plan's findings.
    """
    source = _template_file(template)
    config = SamConfig(source.parent, config_env)
    file = _built_template(source) if built else source
    findings = Findings()
    region = region or text_of(config.get("region") or "") or REGION
    tree = StackTree(findings, region, engine_url.rstrip("/"), secrets, source.parent)
    if config.missing:
        findings.error("", config.missing, Where(config.file or source, 1))
    given = {**config.overrides(), **(overrides or {})}
    root = tree.open_root(file, stack_name, given, Where(config.file or file, 1))
    world = World()
    for stack in tree.stacks():
        world.register(stack)
    sources = Sources()
    for stack in tree.stacks():
        collect_sources(stack, world, sources)
    resources = {name: each for stack in tree.stacks() for name, each in resource_plans(stack).items()}
    functions = _functions(tree, world, sources)
    check_visibility(functions.values(), resources, findings)
    if built:
        _compiled_for_here(functions.values(), findings, Where(file, 1))
    drafts = api_drafts(tree.stacks(), world, set(functions))
    domains = domain_plans(tree.stacks(), drafts, world)
    usage = [plan for stack in tree.stacks() for plan in usage_plans(stack, drafts, world)]
    files = dict.fromkeys([*tree.files, *([config.file] if config.file else [])])
    return CloudPlan(
        template=source,
        stack_name=stack_name,
        region=region,
        account=ACCOUNT,
        functions=functions,
        apis=by_stage(api for draft in drafts.values() for api in draft.plans()),
        domains=tuple(domains),
        usage_plans=tuple(usage),
        notifications=tuple(sources.notifications),
        rules=tuple(sources.rules),
        subscriptions=tuple(sources.subscriptions),
        resources=resources,
        physical_ids=world.physical_ids,
        outputs=tree.outputs(root),
        findings=findings.sorted(),
        files=tuple(files),
    )


def _functions(tree: StackTree, world: World, sources: Sources) -> dict[str, FunctionPlan]:
    """The functions of all stacks that can run, by logical id."""
    made = [
        function_plan(resource, stack, world, sources)
        for stack in tree.stacks()
        for resource in stack.of_type(*FUNCTIONS)
    ]
    return {plan.logical_id: plan for plan in made if plan is not None}


def _template_file(template: Path) -> Path:
    path = template.expanduser().resolve()
    if path.is_dir():
        found = next((path / name for name in NAMES if (path / name).is_file()), None)
        if found is None:
            raise fatal(f"there is no {', '.join(NAMES)} in {path}", Where(path, 1))
        return found
    return path


def _compiled_for_here(functions: Iterable[FunctionPlan], findings: Findings, where: Where) -> None:
    """A finding for each artifact that was built for another machine: an ImportError would blame the packages."""
    here = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    for function in functions:
        library = next((file.name for file in function.code.rglob("*-linux-*.so")), "")
        if library and not (sys.platform == "linux" and f"-{here}-" in library):
            message = f"its artifact has {library}, which {sys.platform} on {here} cannot load; serve without --built"
            findings.unsupported(function.logical_id, message, where)


def _built_template(source: Path) -> Path:
    file = source.parent / ".aws-sam" / "build" / "template.yaml"
    if not file.is_file():
        raise fatal(f"there is no {file}: run `sam build` first", Where(file, 1))
    return file
