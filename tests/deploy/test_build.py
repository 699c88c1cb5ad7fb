"""`sam build`: artifacts that hold what a function needs and nothing else, byte for byte the same when nothing changed.

Builds run in a copy of what git has, so that a sibling can be changed in it; the copy uses the cache of packages that
functions/Makefile keeps, as every later build on a machine does.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest

from tests.architecture.source_tree import ROOT, function_packages, tracked_files
from tests.architecture.test_layout import FUNCTIONS, folders_in_makefile
from tests.deploy.tools import clean_environment, program

pytestmark = [pytest.mark.sam, pytest.mark.slow]

LARGEST = 25_000_000  # bytes unpacked, byte code apart; Lambda allows 250 MB, a cold start pays for each of them
LARGEST_BYTE_CODE = 12_000_000  # pays for itself: without it a cold start compiles what it imports
NEVER_SHIPPED = ("lanner/local", "lanner/export", "lanner/cli.py", "botocore", "boto3", "tests", "bin")


class Project:
    """A copy of the project, and the artifacts that SAM builds from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for file in tracked_files():
            if file.parts[0] in ("shared", "functions", "events") or len(file.parts) == 1:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / file, target)

    def build(self, umask: int = 0o022, **environment: str) -> None:
        sam = program(".venv-sam", "sam", "sam")
        done = subprocess.run(
            [sam, "build"],
            cwd=self.folder,
            env=clean_environment(PYTHON=sys.executable, **environment),
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def artifact(self, name: str) -> Path:
        return self.folder / ".aws-sam" / "build" / name

    def digest(self, name: str) -> str:
        """Over names, contents, permissions and times of everything in an artifact, as a zip file holds them."""
        found = hashlib.sha256()
        root = self.artifact(name)
        for file in sorted(root.rglob("*")):
            status = file.stat()
            found.update(f"{file.relative_to(root)} {status.st_mode:o} {int(status.st_mtime)}\n".encode())
            if file.is_file():
                found.update(hashlib.sha256(file.read_bytes()).digest())
        return found.hexdigest()

    def digests(self) -> dict[str, str]:
        return {name: self.digest(name) for name in FUNCTIONS}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built once."""
    made = Project(tmp_path_factory.mktemp("project"))
    made.build()
    return made


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_artifact_holds_its_function_and_no_other(project: Project, name: str) -> None:
    """Its own folder, the toolkit, the domain and the packages; nothing for laptops, nothing that Lambda brings."""
    artifact = project.artifact(name)
    own = folders_in_makefile()[name]
    assert (artifact / own / "app.py").is_file()
    assert (artifact / "lanner" / "group.py").is_file()
    assert (artifact / "domain" / "versions.py").is_file()
    assert (artifact / "orjson").is_dir()
    siblings = set(function_packages()) - {own}
    assert not [each for each in (*siblings, *NEVER_SHIPPED) if (artifact / each).exists()]
    assert not list(artifact.glob("**/requirements.txt"))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_artifact_has_byte_code_for_the_runtime(project: Project, name: str) -> None:
    """Every module is compiled for the runtime's Python, names its place there, and never looks at its source."""
    compiled = {file.parent.parent / f"{file.name.partition('.')[0]}.py" for file in _byte_code(project, name)}
    if not compiled:
        assert not _has_runtime(), "a Python of the runtime's version is here, and nothing was compiled"
        return
    artifact = project.artifact(name)
    ours = [
        file
        for folder in ("lanner", "domain", folders_in_makefile()[name])
        for file in (artifact / folder).rglob("*.py")
    ]
    assert [file for file in ours if file not in compiled] == []
    assert artifact / "fastapi" / "routing.py" in compiled
    for file in _byte_code(project, name):
        flags = int.from_bytes(file.read_bytes()[4:8], "little")
        assert (file.name.split(".")[-2], flags) == ("cpython-313", 0b01)  # PEP 552: hash-based, unchecked
        assert str(artifact).encode() not in file.read_bytes()


def _byte_code(project: Project, name: str) -> list[Path]:
    return list(project.artifact(name).rglob("__pycache__/*.pyc"))


def _has_runtime() -> bool:
    pyenv = Path.home().glob(".pyenv/versions/3.13.*/bin/python3")
    return any(
        subprocess.run(
            [candidate, "-c", "import sys; sys.exit(sys.version_info[:2] != (3, 13))"], check=False
        ).returncode
        == 0
        for candidate in (shutil.which("python3.13"), *pyenv)
        if candidate
    )


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_artifact_is_small(project: Project, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sizes are printed, so that a change of them is seen."""
    artifact = project.artifact(name)
    files = [file for file in artifact.rglob("*") if file.is_file()]
    unpacked = sum(file.stat().st_size for file in files)
    byte_code = sum(file.stat().st_size for file in files if file.suffix == ".pyc")
    packed = tmp_path / "artifact.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(artifact))
    with capsys.disabled():
        sizes = f"{unpacked / 1e6:.1f} MB unpacked ({byte_code / 1e6:.1f} MB of it byte code)"
        print(f"\n{name}: {sizes}, {packed.stat().st_size / 1e6:.1f} MB zipped", end="")
    assert unpacked - byte_code < LARGEST
    assert byte_code < LARGEST_BYTE_CODE


def test_libraries_are_those_of_the_runtime(project: Project) -> None:
    """Compiled for Graviton and Python 3.13, whatever machine builds."""
    compiled = [file.name for file in project.artifact("UsersV2Function").rglob("*.so")]
    assert compiled
    assert all("aarch64" in name for name in compiled if "-linux-gnu" in name)
    assert any("cpython-313-aarch64" in name for name in compiled)


def test_the_artifact_answers(project: Project) -> None:
    """What was packed imports and answers, here with this machine's own packages: those packed are Graviton's."""
    artifact = project.artifact("HealthFunction")
    code = (
        "import json, sys; sys.path.append(sys.argv[1])\n"
        "from health.app import lambda_handler\n"
        "import lanner; assert lanner.__file__.startswith(sys.argv[1]), lanner.__file__\n"
        "event = json.load(open(sys.argv[2]))\n"
        "sys.exit(lambda_handler(event, None)['statusCode'] != 200)\n"
    )
    only = artifact.parent / "only"
    for package in ("health", "lanner", "domain"):
        shutil.copytree(artifact / package, only / package, dirs_exist_ok=True)
    third_party = Path(orjson.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, only, ROOT / "events" / "health" / "live_200.json"],
        env={"PYTHONPATH": str(third_party)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_hooks_have_the_requests_to_send(project: Project) -> None:
    """events/ is packed beside the hooks, all of it."""
    packed = project.artifact("DeployHooksBeforeTrafficFunction") / "events"
    assert sorted(file.name for file in (packed / "health").iterdir()) == sorted(
        file.name for file in (ROOT / "events" / "health").iterdir()
    )


def test_the_documentation_has_its_files(project: Project) -> None:
    """Swagger UI's files and the OpenAPI documents are packed, its Python dependencies are not needed."""
    artifact = project.artifact("DocsFunction")
    assert (artifact / "fastapi_swagger" / "resources" / "swagger-ui-bundle.js").is_file()
    assert list((artifact / "docs" / "openapi").glob("v*.json"))


def test_a_build_is_repeatable_and_needs_no_network(project: Project) -> None:
    """The same bytes, names, permissions and times; pip is told that there is no index and is not asked anything.

    So too where others may read nothing: Lambda unpacks what the zip says, and runs as another user.
    """
    before = project.digests()
    for file in project.folder.rglob("*"):
        if not file.is_relative_to(project.folder / ".aws-sam") and not file.is_symlink():
            file.chmod(file.stat().st_mode & 0o700)
    project.build(umask=0o077, PIP_NO_INDEX="1", PIP_INDEX_URL="http://127.0.0.1:9/", HTTPS_PROXY="http://127.0.0.1:9/")
    assert project.digests() == before


def test_a_change_touches_those_that_it_concerns(project: Project) -> None:
    """A sibling's change leaves an artifact as it is, and no version of it is published; shared/ concerns all."""
    before = project.digests()
    changed = project.folder / "functions" / "health" / "answers.py"
    original = changed.read_bytes()
    changed.write_bytes(original + b"\n# changed\n")
    project.build()
    after = project.digests()
    assert {name for name in after if after[name] != before[name]} == {"HealthFunction"}
    changed.write_bytes(original)
    shared = project.folder / "shared" / "domain" / "versions.py"
    shared.write_bytes(shared.read_bytes() + b"\n# changed\n")
    project.build()
    after = project.digests()
    assert {name for name in after if after[name] != before[name]} == set(FUNCTIONS)


def test_a_function_without_a_folder_is_named(tmp_path: Path) -> None:
    """A forgotten line in functions/Makefile says which one it is."""
    done = subprocess.run(
        ["make", "--makefile", "functions/Makefile", "build-NewFunction", f"ARTIFACTS_DIR={tmp_path}"],
        cwd=ROOT,
        env=clean_environment(PYTHON=sys.executable),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "folder_NewFunction" in done.stderr
