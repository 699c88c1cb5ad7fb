"""The tree is as ARCHITECTURE.md draws it, and a function is complete: folder, template, build, events, tests agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.architecture.source_tree import ROOT, SOURCE_FOLDERS, function_packages, modules, tracked_files

# Words that say nothing about what is inside.
EMPTY_WORDS = {"utils", "util", "utilities", "helpers", "helper", "common", "manager", "misc", "base"}
LONGEST_FILE = 400  # lines
LONGEST_TEST = 600  # tables of cases may be long
VERSION_SUFFIX = re.compile(r"_v[1-9][0-9]*$")

TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
FUNCTIONS: dict[str, dict[str, Any]] = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
PYTHON_FILES = [file for file in tracked_files() if file.suffix == ".py"]


def is_ours(file: Path) -> bool:
    """Projects under tests/local/projects stand for other people's."""
    return not file.as_posix().startswith("tests/local/projects/")


def logical_id(handler: str) -> str:
    """`users_v1.app.lambda_handler` -> `UsersV1Function`; another handler's name stands in it too."""
    package, _, name = handler.partition(".app.")
    words = package.split("_") + ([] if name == "lambda_handler" else name.split("_"))
    return "".join(word.capitalize() for word in words) + "Function"


def folders_in_makefile() -> dict[str, str]:
    text = (ROOT / "functions" / "Makefile").read_text("utf-8")
    return dict(re.findall(r"^folder_(\w+) := (\w+)$", text, flags=re.MULTILINE))


@pytest.mark.parametrize("package", function_packages())
def test_a_function_is_complete(package: str) -> None:
    """Adding a function is a folder, a resource, events and tests; this fails until all of them are there."""
    folder = ROOT / "functions" / package
    assert (folder / "__init__.py").is_file(), f"functions/{package} has no __init__.py"
    assert (folder / "app.py").is_file(), f"functions/{package} has no app.py"
    handlers = [each["Handler"] for each in FUNCTIONS.values() if each["Handler"].startswith(f"{package}.app.")]
    assert handlers, f"template.yaml has no function with the handler {package}.app.lambda_handler"
    assert list((ROOT / "events" / package).glob("*.json")), f"events/{package} has no payloads"
    tests = "".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    assert re.search(rf"\b{package}\.app\b|\bfrom {package} import\b|\"{package}\"", tests), f"no test names {package}"


def test_functions_of_the_template_have_folders() -> None:
    """Nothing is deployed that is not in functions/."""
    deployed = {properties["Handler"].partition(".")[0] for properties in FUNCTIONS.values()}
    assert deployed == set(function_packages())


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_built_from_its_folder(name: str) -> None:
    """Handler, build rule and folder say the same."""
    properties = FUNCTIONS[name]
    package = properties["Handler"].partition(".")[0]
    assert name == logical_id(properties["Handler"])
    assert properties["CodeUri"] == "functions/"
    assert folders_in_makefile().get(name) == package, f"functions/Makefile: folder_{name} := {package}"
    assert properties.get("AutoPublishAliasAllProperties") is True, f"{name} would not publish a change of memory"
    metadata = TEMPLATE["Resources"][name]["Metadata"]
    assert (metadata["BuildMethod"], metadata["ProjectRootDirectory"], metadata["ContextPath"]) == (
        "makefile",
        ".",
        "functions",
    )


def test_the_build_knows_no_other_functions() -> None:
    """A rule for a function that is gone would hide a typing error."""
    assert sorted(folders_in_makefile()) == sorted(FUNCTIONS)


def test_versioned_functions_serve_their_version() -> None:
    """The suffix of a folder is the version that its group declares."""
    versioned = [package for package in function_packages() if VERSION_SUFFIX.search(package)]
    assert versioned, "there is no versioned function"
    for package in versioned:
        source = (ROOT / "functions" / package / "app.py").read_text("utf-8")
        assert f'versions=("{package.rpartition("_")[2]}",)' in source, f"functions/{package}/app.py"


def test_names_say_what_is_inside() -> None:
    """No file or folder is called after nothing."""
    wrong = [
        file
        for file in PYTHON_FILES
        if is_ours(file) and EMPTY_WORDS & {part.removesuffix(".py") for part in file.parts}
    ]
    assert not wrong, f"name these after what they hold: {[str(file) for file in wrong]}"


def test_files_have_one_reason_to_exist() -> None:
    """A file that is too long has two."""
    sizes = {file: (ROOT / file).read_text("utf-8").count("\n") for file in PYTHON_FILES if is_ours(file)}
    long = {
        str(file): lines
        for file, lines in sizes.items()
        if lines > (LONGEST_TEST if file.parts[0] == "tests" else LONGEST_FILE)
    }
    assert not long, f"longer than {LONGEST_FILE} lines, or {LONGEST_TEST} of tests: {long}"


def test_packages_are_regular() -> None:
    """Every folder with modules in shared/ and functions/ is a package of its own, so that no import is by accident."""
    folders = {file.parent for file in modules().values()} - set(SOURCE_FOLDERS)
    missing = [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]
    assert not missing, f"no __init__.py in {missing}"


def test_events_belong_to_functions() -> None:
    """events/ has one folder per function, nothing else but the seed."""
    found = {file.parts[1] for file in tracked_files() if file.parts[0] == "events" and len(file.parts) > 2}
    assert found <= set(function_packages()), f"events/ has folders without a function: {found}"
