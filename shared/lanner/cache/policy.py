"""`CachePolicy`: what a route declares about caching, once, for the edge's own cache, for clients and for CDNs.

    CachePolicy(ttl=3600, client_ttl=60, stale_while_revalidate=60, stale_if_error=86400, tags=("catalog",))

From it follow

- `Cache-Control` for everybody behind us: `public, max-age=60, s-maxage=3600, stale-while-revalidate=60, ...`, or with
  `scope="principal"` `private, max-age=...`; a `client_ttl` of 0 is `no-cache`: kept, and asked about each time;
- the field of the edge's own cache (RFC 9213 section 2, `TARGET`), which alone it obeys and nobody behind it sees. It
  says `public` for either scope, because the key of scope `principal` has the principal in it (`lanner.cache.step`);
- `Vary` with the names in `vary`, besides what the version step adds;
- the tags of what was read: `"user:{id}"` takes the path's parameter `id`, percent-encoded;
- and from the tags `Cache-Groups` (RFC 9875), `Surrogate-Key` and CloudFront's field, where `LANNER_CACHE_TAG_HEADERS`
  is on.

Only a 200 without a Cache-Control of its own gets any of it, a 404 with `negative_ttl` too. What a route says itself
stands: `no-store` is how one answer of a cached route is kept out.

Raises `CacheConfigError` where the declaration cannot work: at import, so that a deployment fails and not a request.
"""

from __future__ import annotations

from lanner.cache.errors import CacheConfigError

TYPE_CHECKING = False  # importing `typing` for this would cost 2 ms
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from lanner.http.message import Response

    Scope = Literal["public", "principal", "private"]

TARGET = "lanner-cache-control"
"""Our own name in the list of targeted fields (RFC 9213 section 2.1), the first that the edge's cache looks at."""

LONGEST_TTL = 31_536_000
"""Seconds, a year: RFC 9111 section 1.2.2 lets a cache cut there, and no client keeps anything for longer."""

LONGEST_TAG_VALUE = 64
_LIFETIME = "public, max-age="


class CachePolicy:
    """How the answers of one route may be kept. Times in whole seconds.

    - `ttl`: fresh for so long in shared caches, the edge's own first.
    - `client_ttl`: fresh for so long at the client, from when it got it, and not beyond `ttl`; `ttl` where it is not
      given.
    - `stale_while_revalidate`, `stale_if_error`: RFC 5861, after `ttl`.
    - `vary`: request fields that the answer depends on.
    - `tags`: names under which it is invalidated; `{name}` stands for a parameter of the path.
    - `scope`: `public` for one answer for everybody, `principal` (or, in HTTP's word, `private`) for one each.
    - `negative_ttl`: how long a 404 is remembered; 0 for not at all.

    `parameters` are the names of those that its tags take from the path.
    """

    __slots__ = (
        "_client",
        "_edge",
        "_negative",
        "_rest",
        "client_ttl",
        "negative_ttl",
        "parameters",
        "renews",
        "scope",
        "stale_if_error",
        "stale_while_revalidate",
        "tags",
        "ttl",
        "vary",
    )

    def __init__(
        self,
        ttl: int,
        vary: Sequence[str] = (),
        stale_while_revalidate: int = 0,
        stale_if_error: int = 0,
        tags: Sequence[str] = (),
        scope: Scope = "public",
        *,
        client_ttl: int | None = None,
        negative_ttl: int = 0,
    ) -> None:
        self.ttl = _seconds("ttl", ttl)
        self.client_ttl = _seconds("client_ttl", ttl if client_ttl is None else client_ttl)
        self.stale_while_revalidate = _seconds("stale_while_revalidate", stale_while_revalidate)
        self.stale_if_error = _seconds("stale_if_error", stale_if_error)
        self.negative_ttl = _seconds("negative_ttl", negative_ttl)
        if scope not in ("public", "principal", "private"):
            raise CacheConfigError(f"CachePolicy: scope is 'public' or 'principal', not {scope!r}")
        self.scope: Scope = "public" if scope == "public" else "principal"
        self.vary = _names("vary", vary)
        self.tags = _names("tags", tags)
        self.parameters = frozenset(name for tag in self.tags for name in _parameters(tag))
        extensions = "".join(
            f", {name}={value}"
            for name, value in (
                ("stale-while-revalidate", self.stale_while_revalidate),
                ("stale-if-error", self.stale_if_error),
            )
            if value
        )
        self._edge = f"public, max-age={self.ttl}{extensions}"
        self._client = self._for_clients(self.ttl, self.client_ttl, extensions)
        self.renews = self.scope == "public" and 0 < self.client_ttl < self.ttl
        self._rest = self._client.removeprefix(f"{_LIFETIME}{self.client_ttl}")
        negative = self.negative_ttl
        self._negative = self._for_clients(negative, min(negative, self.client_ttl), "")

    def _for_clients(self, ttl: int, client_ttl: int, extensions: str) -> str:
        lifetime = f"max-age={client_ttl}" if client_ttl else "no-cache"
        if self.scope == "principal":
            return f"private, {lifetime}{extensions if client_ttl else ''}"
        # no-cache forbids every cache to reuse unasked (RFC 9111 section 5.2.2.4): s-maxage then says nothing.
        shared = f", s-maxage={ttl}" if client_ttl and client_ttl != ttl else ""
        return f"public, {lifetime}{shared}{extensions if client_ttl else ''}"

    def renew(self, headers: dict[str, str]) -> None:
        """On a stored answer, let `client_ttl` count from now: for clients its Age is part of `max-age` (RFC 9111
        section 4.2), so that what has been here for longer would be stale when they get it. Where `renews` is set.

        A stale answer stays stale for them too, and shared caches have `s-maxage`.
        """
        aged = headers.get("age", "0")
        if aged != "0" and headers.get("cache-control") == self._client:
            age = int(aged)
            if age < self.ttl:
                headers["cache-control"] = f"{_LIFETIME}{min(age + self.client_ttl, self.ttl)}{self._rest}"

    @property
    def cache_control(self) -> str:
        """The `Cache-Control` of a 200 as clients get it."""
        return self._client

    def tags_for(self, parameters: Mapping[str, str]) -> list[str]:
        """The tags of one request. Raises `CacheConfigError` for a parameter that its path does not have."""
        if not self.parameters:
            return list(self.tags)
        try:
            return [each.format_map(_Quoted(parameters)) if "{" in each else each for each in self.tags]
        except KeyError as error:
            raise CacheConfigError(f"CachePolicy: a tag names the parameter {error}, which the path lacks") from None

    def mark(self, response: Response) -> None:
        """Write on an answer what clients and the edge's cache are to do with it."""
        headers = response.headers
        status = response.status
        if status == 200:
            edge, client = self._edge, self._client
        elif status == 404 and self.negative_ttl:
            edge, client = f"public, max-age={self.negative_ttl}", self._negative
        else:
            return
        if self.vary:
            response.vary(*self.vary)
        if "cache-control" not in headers or (status == 404 and headers["cache-control"] == "no-store"):
            headers["cache-control"] = client
            headers[TARGET] = edge

    def __repr__(self) -> str:
        return f"CachePolicy({self.ttl}, scope={self.scope!r}, tags={self.tags!r})"


class _Quoted(dict[str, str]):
    """Parameters of a path as parts of a tag: percent-encoded, and a long one by its digest."""

    def __getitem__(self, name: str) -> str:
        from urllib.parse import quote

        value = quote(super().__getitem__(name), safe="")
        if len(value) <= LONGEST_TAG_VALUE:
            return value
        from hashlib import blake2b

        return blake2b(value.encode(), digest_size=16).hexdigest()


def _parameters(tag: str) -> list[str]:
    """The parameters that a tag names in braces. Raises `CacheConfigError` for any other brace."""
    names: list[str] = []
    rest = tag
    while "{" in rest or "}" in rest:
        before, _, rest = rest.partition("{")
        name, end, rest = rest.partition("}")
        if "}" in before or not end or not name.replace("-", "_").isidentifier():
            raise CacheConfigError(f"CachePolicy: {tag!r} in tags: braces stand around the name of a parameter alone")
        names.append(name)
    return names


def _seconds(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_TTL:
        raise CacheConfigError(
            f"CachePolicy: {name} is a whole number of seconds from 0 to {LONGEST_TTL}, not {value!r}"
        )
    return value


def _names(what: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise CacheConfigError(f"CachePolicy: {what} is a sequence of names, not the string {values!r}")
    for each in values:
        if not each or not each.isascii() or not each.isprintable() or set(each) & set(' ,"'):
            raise CacheConfigError(
                f"CachePolicy: {each!r} in {what}: printable ASCII without spaces, commas and quotes"
            )
    return tuple(values)
