"""One request on its way to the origin: what it is about, and what has to be remembered until the answer is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lanner.cache.response.directives import RequestDirectives
    from lanner.cache.response.record import Record
    from lanner.cache.response.storage import Found
    from lanner.http.message import Request, Response

    Origin = Callable[[Request], Response]


class Trip:
    """What is stored for the request (`found`), why it goes (`reason`, RFC 9211 section 2.2), and what was read before.

    - `usable`: the stored record may be validated, or stand in for a failing origin.
    - `behind`: the refresh of something that could be served as it is.
    - `holder`: the token under which the key's lease is held, "" without it.
    - `guard`, `before`, `mark`: the key's guard, its tags' generations and the point in the order of things (see
      `tagging`), from before the origin was asked at `requested`.
    """

    __slots__ = (
        "asked",
        "before",
        "behind",
        "found",
        "guard",
        "holder",
        "key",
        "mark",
        "origin",
        "reason",
        "request",
        "requested",
        "usable",
    )

    def __init__(
        self, request: Request, origin: Origin, key: str, found: Found, asked: RequestDirectives, reason: str
    ) -> None:
        self.request = request
        self.origin = origin
        self.key = key
        self.found = found
        self.asked = asked
        self.reason = reason
        self.usable = True
        self.behind = False
        self.holder = ""
        self.guard: bytes | None = None
        self.before: dict[str, int] | None = {}
        self.mark = 0
        self.requested = 0.0

    @property
    def record(self) -> Record | None:
        """The stored response that fits, where it may be used."""
        return self.found.record if self.usable else None

    def lead(self, holder: str, found: Found) -> None:
        """The lease is ours; `found` is what is stored by now."""
        self.holder = holder
        if self.usable and found.available:
            self.found = found
