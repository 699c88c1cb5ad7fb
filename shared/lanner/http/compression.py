"""Content coding of answers (RFC 9110 sections 8.4 and 12.5.3): which bodies, which coding, and what becomes of ETags.

gzip comes from zlib. zstd comes from `compression.zstd` (Python 3.14) or from the package `zstandard` where one of them
is installed; neither is looked for before a client asks for zstd.

A strong ETag names the exact bytes of a representation, so a compressed one gets the coding as a suffix inside its
quotes, `"abc"` -> `"abc-gzip"` (RFC 9110 section 8.8.3.3). What clients send back is stripped before anything further
in compares it; `held_form` finds the form that a 304 has to repeat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lanner.http.headers import choose_encoding, etags

MINIMUM_SIZE = 1_400  # bytes: a smaller answer travels in one packet (1,460 bytes of TCP payload), compressed or not
GZIP_LEVEL = 5  # on pages of 4 to 220 KB of JSON, 10 to 20% less CPU than level 6 for 1 to 3% more bytes
ZSTD_LEVEL = 1  # on the same pages, a third less CPU than level 3 for the same size, give or take 3%
MAXIMUM_CHOICES = 256  # Accept-Encoding values remembered; a handful of browsers make up nearly all traffic

_GZIP_WINDOW = 31  # zlib: the largest window, plus 16 for a gzip header, which then holds no time
_SUFFIXES = ("+json", "+xml", "/json", "/xml", "/javascript", "/x-javascript", "/ecmascript", "/yaml", "/x-ndjson")

Compressor = Callable[[bytes], bytes]

_choices: dict[str, str] = {}
_zstd: list[Compressor | None] = []  # one entry once it has been looked for


def compressible(content_type: str) -> bool:
    """Whether bodies of this Content-Type shrink: text, JSON, XML, JavaScript, SVG and the +json and +xml types."""
    if content_type.startswith(("application/json", "text/", "application/problem+json")):
        return True
    return content_type.partition(";")[0].rstrip().lower().endswith(_SUFFIXES) or content_type[:5].lower() == "text/"


def coding_for(accept_encoding: str) -> str:
    """The coding for a client that sent this Accept-Encoding: `zstd`, `gzip` or `identity`.

    A client that excludes everything we have gets identity, as RFC 9110 section 12.5.3 allows: an answer that it may
    not read is of more use to it than a 406. Answers are remembered, since few different values are ever sent.
    """
    choice = _choices.get(accept_encoding)
    if choice is None:
        if len(_choices) >= MAXIMUM_CHOICES:
            _choices.clear()
        lower = accept_encoding.lower()
        offers = ("zstd", "gzip") if "zstd" in lower and zstd_compressor() is not None else ("gzip",)
        choice = _choices[accept_encoding] = choose_encoding(accept_encoding, offers) or "identity"
    return choice


def encode(body: bytes, coding: str) -> bytes:
    """The body in a coding that `coding_for` gave. Raises `ValueError` for any other."""
    if coding == "gzip":
        import zlib

        return zlib.compress(body, GZIP_LEVEL, _GZIP_WINDOW)
    compressor = zstd_compressor() if coding == "zstd" else None
    if compressor is None:
        raise ValueError(f"cannot encode in {coding!r} here")
    return compressor(body)


def zstd_compressor() -> Compressor | None:
    """What compresses with zstd on this Python, or None; looked for once."""
    if not _zstd:
        _zstd.append(_find_zstd())
    return _zstd[0]


def _find_zstd() -> Compressor | None:
    from importlib import import_module

    for name in ("compression.zstd", "zstandard"):
        try:
            module: Any = import_module(name)  # Any: the first is not known to type checkers of older Pythons
        except ImportError:
            continue
        return lambda body: bytes(module.compress(body, ZSTD_LEVEL))
    return None


def has_suffix(tags: str) -> bool:
    """Whether a list of entity-tags may hold one of a compressed representation."""
    return '-gzip"' in tags or '-zstd"' in tags


def without_suffixes(tags: str) -> str:
    """A list of entity-tags as the uncompressed representations have them."""
    return tags.replace('-gzip"', '"').replace('-zstd"', '"')


def with_suffix(etag: str, coding: str) -> str:
    """The ETag of a compressed representation; a weak one stays, since it never promised equal bytes."""
    return f'{etag[:-1]}-{coding}"' if etag.startswith('"') and etag.endswith('"') else etag


def held_form(etag: str, sent: str) -> str:
    """The form of `etag` that a client named in its If-None-Match (`sent`): what its 304 has to repeat.

    The first form that it sent, when it holds several.
    """
    if sent in (with_suffix(etag, "gzip"), with_suffix(etag, "zstd")):  # nearly always: one tag, the one we sent
        return sent
    tags = etags(sent)
    forms = {without_suffixes(f'"{tag}"'): f'"{tag}"' for _, tag in reversed(tags)} if isinstance(tags, list) else {}
    return forms.get(etag, etag)
