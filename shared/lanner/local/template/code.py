"""Where a function's code is: a folder, a zip file beside the template, or text in the template itself.

What must be laid out as a folder first (inline code, zip files, layers that AWS would build) goes to a folder of the
temporary directory that is named by its content, so that a second start finds it and nothing grows without end.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from lanner.local.plan import Where
from lanner.local.template.findings import Findings


def scratch(kind: str, content: bytes) -> Path:
    """A private folder of the temporary directory for `content`; the caller fills it when it does not exist."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    root = Path(tempfile.gettempdir()) / f"lanner-{user}"
    root.mkdir(mode=0o700, exist_ok=True)
    return root / f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}"


def _settle(draft: Path, folder: Path) -> None:
    """Move a finished folder to its name; another process may have been first."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(draft, ignore_errors=True)


def _draft(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=folder.name, dir=folder.parent))


def inline_folder(text: str) -> Path:
    """A folder with `text` as `index.py`, as Lambda lays out `InlineCode` and `ZipFile`."""
    folder = scratch("inline", text.encode())
    if not (folder / "index.py").is_file():
        draft = _draft(folder)
        (draft / "index.py").write_text(text, encoding="utf-8")
        _settle(draft, folder)
    return folder


def unzipped(archive: Path) -> Path:
    """A zip file's content as a folder. Raises `OSError` or `zipfile.BadZipFile`."""
    status = archive.stat()
    folder = scratch("zip", f"{archive}:{status.st_mtime_ns}:{status.st_size}".encode())
    if not folder.is_dir():
        draft = _draft(folder)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(draft)
            _restore_modes(opened, draft)
        _settle(draft, folder)
    return folder


def _restore_modes(archive: zipfile.ZipFile, folder: Path) -> None:
    """Make programs executable and links links again, which `extractall` does not; links last: nothing goes through."""
    links: list[Path] = []
    for entry in archive.infolist():
        mode = entry.external_attr >> 16  # where the archive was made on Unix, and 0 otherwise
        path = folder / entry.filename
        if stat.S_ISLNK(mode):
            links.append(path)
        elif stat.S_ISREG(mode) and path.is_file():
            path.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
    for path in links:
        if path.is_file():
            target = path.read_text(encoding="utf-8")
            path.unlink()
            path.symlink_to(target)


def layer_of(content: Path) -> Path:
    """A layer folder whose `python/` is `content`, as `sam build` makes it of a folder of sources."""
    folder = scratch("layer", str(content).encode())
    if not (folder / "python").exists():
        draft = _draft(folder)
        try:
            (draft / "python").symlink_to(content, target_is_directory=True)
        except OSError:  # Windows without the right to make links
            shutil.copytree(content, draft / "python")
        _settle(draft, folder)
    return folder


def local_folder(
    template: Path, location: str, key: str, resource: str, findings: Findings, where: Where
) -> Path | None:
    """The folder that `CodeUri`, `Code` or `ContentUri` means; None after a finding that says what is wrong."""
    if location.startswith(("s3://", "https://", "http://")):
        findings.unsupported(resource, f"{key} {location} is not on this machine; name a local folder", where)
        return None
    path = (template.parent / location).resolve()
    if path.is_dir():
        return path
    if path.is_file() and zipfile.is_zipfile(path):
        return unzipped(path)
    kind = "is not a folder or a zip file" if path.exists() else "does not exist"
    findings.error(resource, f"{key} {location}: {path} {kind}", where)
    return None
