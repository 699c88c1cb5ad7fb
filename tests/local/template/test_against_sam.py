"""Our reading of functions, routes and authorizers against aws-sam-translator's, template by template."""

from __future__ import annotations

from pathlib import Path

import pytest
from samtranslator.model import sam_resources

from lanner.local.plan import CloudPlan
from lanner.local.template import load_plan, spelling
from tests.local.template import oracle

REPOSITORY = Path(__file__).parents[3]
PROJECTS = REPOSITORY / "tests" / "local" / "projects"
OWN = PROJECTS / "sam_cases"

TEMPLATES = [
    REPOSITORY / "template.yaml",
    PROJECTS / "gallery_rest" / "template.yaml",
    PROJECTS / "hooks_urls" / "template.json",
    PROJECTS / "notes_http" / "template.yml",
    *sorted(OWN.glob("*.yaml")),
]
IDS = [f"{path.parent.name}/{path.name}" for path in TEMPLATES]


def ours(template: Path) -> CloudPlan:
    """The plan, of which the template has to be free of errors."""
    plan = load_plan(template)
    assert [str(each) for each in plan.findings if each.level == "error"] == []
    return plan


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_routes_are_those_that_sam_makes(template: Path) -> None:
    """Every API, method and path with its function, SAM's preflight mocks included."""
    plan = ours(template)
    found = {
        (api.logical_id, route.method, route.path, route.function or "mock")
        for api in plan.apis.values()
        for route in api.routes
        if "." not in api.logical_id
    }
    assert found == oracle.routes(oracle.expand(template))


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_functions_are_those_that_sam_makes(template: Path) -> None:
    """Handler, runtime, timeout, memory, environment keys, and the number of layers."""
    plan = ours(template)
    expanded = oracle.functions(oracle.expand(template))
    own = {name: each for name, each in plan.functions.items() if "." not in name}
    assert set(own) == set(expanded)
    for name, function in own.items():
        properties = expanded[name]
        assert function.handler == properties["Handler"]
        assert function.runtime == properties["Runtime"]
        for ours_is, key, default in ((function.timeout, "Timeout", 3), (function.memory, "MemorySize", 128)):
            given = properties.get(key, default)
            if not isinstance(given, dict):  # an expression: the translator leaves it to CloudFormation
                assert ours_is == int(given)
        variables = properties.get("Environment", {}).get("Variables", {})
        assert set(function.environment) == set(variables)
        assert len(function.layers) == len(properties.get("Layers", ()))


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_authorizers_and_api_keys_are_those_that_sam_requires(template: Path) -> None:
    """Default authorizers, exceptions from them, and preflights."""
    plan = ours(template)
    found = set()
    for api in plan.apis.values():
        for route in api.routes:
            names = {route.authorizer} if route.authorizer else set()
            names |= {"api_key"} if route.api_key_required else set()
            if names:
                path = route.path.replace("$default", "/$default")
                found.add((api.logical_id, route.method, path, frozenset(names)))
    assert found == oracle.security(oracle.expand(template))


@pytest.mark.parametrize("type_", [type_ for type_ in spelling.PROPERTIES if "Serverless" in type_])
def test_our_lists_of_properties_have_what_sam_has(type_: str) -> None:
    """A property that SAM gains and we do not know would be called misspelled."""
    models = {getattr(each, "resource_type", None): each for each in vars(sam_resources).values()}
    known = {name for name in models[type_].property_types if not name.startswith("__")}
    assert known - set(spelling.PROPERTIES[type_]) == set()
