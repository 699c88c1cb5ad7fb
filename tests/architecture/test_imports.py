"""Who may import whom, as docs say it: layers, independence of functions, nothing heavy before it is needed.

Imports inside functions count for layers too: a late import still is a dependency. Imports for types alone do not
make one at run time, but a layer that cannot be named without the layer above it is inverted all the same, with two
exceptions that `PROTOCOLS` lists.
"""

from __future__ import annotations

import pytest

from tests.architecture.source_tree import ROOT, function_packages, imports_of, modules

# From the top down: a module may import its own concern and what stands on a line below; names on one line do not
# import each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("lanner.cli",),
    ("lanner.local", "lanner.export"),
    ("domain",),
    ("lanner.group",),
    ("lanner.pipeline",),
    (
        "lanner.versioning",
        "lanner.cache",
        "lanner.limits",
        "lanner.auth",
        "lanner.idempotency",
        "lanner.jobs",
        "lanner.health",
    ),
    ("lanner.observe",),
    ("lanner.aws",),
    ("lanner.http",),
    ("lanner.clock", "lanner.settings"),
)

# Names for types only, upwards: the value that a request carries, and what a step is made for.
PROTOCOLS = {"lanner.versioning.registry", "lanner.group", "lanner.http.cors"}

# Never at module level, except where `is_light` says otherwise.
HEAVY = {
    "asyncio",
    "aws_lambda_powertools",
    "aws_xray_sdk",
    "boto3",
    "botocore",
    "cryptography",
    "fastapi",
    "joserfc",
    "jwt",
    "mangum",
    "pydantic",
    "pymemcache",
    "redis",
    "starlette",
    "valkey",
    "yaml",
}

# Laptops and build machines only; functions/Makefile leaves it out of every artifact.
UNSHIPPED = ("lanner.local", "lanner.export", "lanner.cli")
# The one file that knows Mangum, and what it is made of: imported together with routes.
APPLICATION = {"lanner.pipeline.asgi", "lanner.pipeline.inline", "lanner.pipeline.validation"}


def concern(module: str) -> str:
    """The name in LAYERS that a module belongs to, or "" where it is none of them."""
    for layer in LAYERS:
        for name in layer:
            if module == name or module.startswith(f"{name}."):
                return name
    return ""


def level(name: str) -> int:
    return next(index for index, layer in enumerate(LAYERS) if name in layer)


def is_light(module: str) -> bool:
    """Whether a cold start may import it: all but the application, and `routes` and `models` of a function."""
    package, _, rest = module.partition(".")
    in_function = package in function_packages() and rest.startswith(("routes", "models"))
    return module not in APPLICATION and not in_function


SHIPPED = sorted(name for name in modules() if not name.startswith(UNSHIPPED))
LAYERED = sorted(name for name in modules() if concern(name))


def test_every_module_of_the_toolkit_has_a_layer() -> None:
    """A new concern has to be given its place in the order before it is used."""
    homeless = [name for name in modules() if name.startswith(("lanner.", "domain")) and not concern(name)]
    assert not homeless, f"not in LAYERS: {homeless}"


@pytest.mark.parametrize("module", LAYERED)
def test_a_module_imports_only_what_stands_below_it(module: str) -> None:
    """The table in ARCHITECTURE.md holds for every import, late ones included."""
    own = concern(module)
    wrong = []
    for each in imports_of(module):
        other = concern(each.module)
        if not other or other == own or level(other) > level(own):
            continue
        if not each.at_start and each.module in PROTOCOLS:
            continue
        wrong.append(f"{modules()[module].relative_to(ROOT)}:{each.line} imports {each.module}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", sorted(name for name in modules() if name.split(".")[0] == "lanner"))
def test_the_toolkit_knows_nothing_of_this_api(module: str) -> None:
    """`lanner` could be taken to another repository as it is."""
    foreign = {"domain", *function_packages()}
    wrong = [each.module for each in imports_of(module) if each.module.split(".")[0] in foreign]
    assert not wrong, f"{module} imports {wrong}"


@pytest.mark.parametrize("package", function_packages())
def test_functions_are_independent(package: str) -> None:
    """A Lambda's artifact has no sibling in it, so no function may import another, nor domain a function."""
    others = set(function_packages()) - {package}
    wrong = [
        f"{name} imports {each.module}"
        for name in modules()
        if name.split(".")[0] == package
        for each in imports_of(name)
        if each.module.split(".")[0] in others
    ]
    assert not wrong, "\n".join(wrong)


def test_the_domain_knows_no_function() -> None:
    """Business rules serve every version; a version's wire format stays in its function."""
    wrong = [
        f"{name} imports {each.module}"
        for name in modules()
        if name.split(".")[0] == "domain"
        for each in imports_of(name)
        if each.module.split(".")[0] in function_packages()
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", [name for name in SHIPPED if is_light(name)])
def test_nothing_heavy_is_imported_at_module_level(module: str) -> None:
    """A cold start pays for imports; what is heavy is imported by the request that needs it."""
    wrong = [
        f"{modules()[module].relative_to(ROOT)}:{each.line} imports {each.module}"
        for each in imports_of(module)
        if each.at_start and each.module.split(".")[0] in HEAVY
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", SHIPPED)
def test_what_ships_does_not_import_what_does_not(module: str) -> None:
    """An artifact has no lanner.local, lanner.export or lanner.cli; nothing in it may need them."""
    wrong = [each.module for each in imports_of(module) if each.module.startswith(UNSHIPPED)]
    assert not wrong, f"{module} imports {wrong}"


def test_steps_of_a_concern_are_named_step() -> None:
    """Whoever looks for what a concern does to a request finds it in its `step.py`."""
    from lanner.pipeline.stack import STACK

    for name, target in STACK:
        module = target.partition(":")[0]
        if module and not module.startswith("lanner.pipeline."):
            assert module.endswith(".step"), f"the step {name} is in {module}"
