"""`make bench`: everything that is measured, as Markdown.

`python -m bench requests imports` for some of it; `--readme` puts what was printed into README.md, between its markers.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable

from bench.cache_memory import cache_memory
from bench.caching import caching
from bench.measure import ROOT
from bench.requests import imports, requests
from bench.storage import storage
from bench.wire import markdown as wire

MARKERS = ("<!-- bench -->", "<!-- /bench -->")


def local() -> list[str]:
    """The local cloud, in a process of its own: it starts servers."""
    done = subprocess.run([sys.executable, "-m", "bench.local"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and not done.stdout:
        raise RuntimeError(f"bench.local failed: {done.stderr.strip().splitlines()[-1:]}")
    return [*done.stdout.rstrip().splitlines(), ""]


def jobs() -> list[str]:
    """Imported late: it brings an engine and half of the tests' fixtures."""
    from bench.jobs import jobs as measured

    return measured()


SECTIONS: dict[str, Callable[[], list[str]]] = {
    "requests": requests,
    "imports": imports,
    "storage": storage,
    "caching": caching,
    "memory": cache_memory,
    "jobs": jobs,
    "wire": wire,
    "local": local,
}


def write_readme(text: str) -> None:
    """Put `text` between README.md's markers. Raises `ValueError` where they are missing."""
    page = ROOT / "README.md"
    before, start, rest = page.read_text().partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not (start and end):
        raise ValueError(f"README.md must hold {MARKERS[0]} and {MARKERS[1]}")
    page.write_text(f"{before}{start}\n{text.strip()}\n{end}{after}")


def main(arguments: list[str]) -> int:
    names = [each for each in arguments if each != "--readme"]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        print(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    printed = [f"Python {platform.python_version()}, {platform.system()} {platform.machine()}", ""]
    print("\n".join(printed))
    for name in names or SECTIONS:
        section = SECTIONS[name]()
        print("\n".join(section), flush=True)
        printed += section
    if "--readme" in arguments:
        write_readme("\n".join(printed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
