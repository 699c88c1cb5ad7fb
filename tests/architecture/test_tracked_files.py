"""What must not be in any file: machines, indexes, credentials, promises."""

from __future__ import annotations

import re

import pytest

from tests.architecture.source_tree import ROOT, tracked_files

# Written apart, so that this file does not find itself.
PROMISES = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
HOME = re.compile(r"(?<![\w$}.])/(?:home/(?!\{)|Users/|root/)[a-z_][\w.-]*/")
INDEX_OPTIONS = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host")
KEY_ID = re.compile(r"\b(?:AKIA|ASIA)(?!IOSFODNN7|IDEXAMPLE|EXAMPLE)[0-9A-Z]{16}\b")  # AWS's own examples are fine
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----")

LOCKS = ["shared/requirements.txt", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "requirements").glob("*.txt"))]
TEXT = {".py", ".toml", ".yaml", ".yml", ".json", ".md", ".txt", ".in", ".js", ".css", ".html", ".cfg", ""}


def texts() -> list[tuple[str, str]]:
    return [
        (str(file), (ROOT / file).read_text("utf-8"))
        for file in tracked_files()
        if file.suffix in TEXT and file.name != "LICENSE"
    ]


@pytest.mark.parametrize("pattern", [PROMISES, HOME, KEY_ID, PRIVATE_KEY], ids=["promise", "home", "key id", "key"])
def test_no_file_has(pattern: re.Pattern[str]) -> None:
    """Files hold what is true for everybody, and nothing that is not done."""
    wrong = [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {found.group()}"
        for name, text in texts()
        for found in pattern.finditer(text)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_hashes_and_no_index(name: str) -> None:
    """Where packages come from is the machine's business; what they are is the lock's."""
    text = (ROOT / name).read_text("utf-8")
    pins = re.findall(r"^([\w.-]+)==", text, flags=re.MULTILINE)
    assert pins, f"{name} pins nothing"
    assert not INDEX_OPTIONS.search(text), f"{name} names an index"
    assert "://" not in text, f"{name} has a URL"
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    bare = [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not bare, f"{name}: no hash for {bare}"


def test_locks_agree() -> None:
    """What is tested is what is shipped: every pin of the runtime is the same in the development lock."""

    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE))

    shipped, tested = pins("shared/requirements.txt"), pins("requirements/dev.txt")
    different = {name: (version, tested.get(name)) for name, version in shipped.items() if tested.get(name) != version}
    assert not different, different
    documentation = pins("functions/docs/requirements.txt")
    assert {name: tested.get(name) for name in documentation} == documentation
