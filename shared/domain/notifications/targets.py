"""The URL of a webhook: what one may be, decided before anything is resolved or connected to.

    https://hooks.example.com/path?query      a name with a dot, port 443 or 8443
    https://198.51.99.7/path                  an address, if it is public (`domain.notifications.addresses`)

Refused, each with a sentence for the client: another scheme, credentials, a fragment, another port, spaces, control
characters and backslashes (which parsers disagree about), names of one label or of a local zone, and every spelling
of an IPv4 address but four decimal numbers: `2130706433`, `0x7f.1`, `0177.0.0.1` and `127.1` all reach loopback in
some libraries (the "ends in a number" rule of the WHATWG URL standard, section 3.5). Internationalised names have to
come in their ASCII form: two standards translate some of them differently, and a message must not reach the other
owner.

`LANNER_WEBHOOK_ALLOW` opens loopback for development and tests: hosts as they stand in URLs, separated by commas, each
with a port where only that one is meant (`127.0.0.1,localhost:9000`). For these, http is allowed, any port and the
addresses of loopback; private networks and metadata services stay closed. Never set it where functions run in AWS.
"""

from __future__ import annotations

import os
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.notifications.addresses import is_public

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from domain.notifications.addresses import Address

ALLOW_SETTING = "LANNER_WEBHOOK_ALLOW"

URL_MAX = 2_048
PORTS = frozenset({443, 8443})
DEFAULT_PORTS = {"https": 443, "http": 80}
LOCAL_ZONES = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
)
"""RFC 6761, 6762, 8375, ICANN's `internal` and names that networks use for themselves; clouds' metadata among them."""

NAME_MAX = 253
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_HEXADECIMAL = frozenset("0123456789abcdef")


class TargetRefused(ValueError):
    """A URL to which no webhook is sent; the message is a sentence for the client, to follow the member's name."""


class Target:
    """Where one request goes: `host` is a name in ASCII lower case, or an address; `path` has the query."""

    __slots__ = ("address", "allowed", "host", "path", "port", "scheme")

    def __init__(self, scheme: str, host: str, address: Address | None, port: int, path: str, allowed: bool) -> None:
        self.scheme = scheme
        self.host = host
        self.address = address
        self.port = port
        self.path = path
        self.allowed = allowed

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def accepts(self, address: Address) -> bool:
        """Whether one of the addresses behind the host may be connected to."""
        return is_public(address) or (self.allowed and address.is_loopback)

    def __repr__(self) -> str:
        return f"Target({self.scheme}://{self.authority})"  # a path may hold what only its owner should know


def read_target(url: str) -> Target:
    """The target that a URL names. Raises `TargetRefused`."""
    parts = _split(url)
    host, address = _read_host(parts.hostname or "", bracketed="[" in parts.netloc)
    try:
        port = DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        raise TargetRefused("has no valid port") from None
    allowed = _is_allowed(host, port)
    if parts.scheme != "https" and not allowed:
        raise TargetRefused("must begin with https://")
    if port not in PORTS and not allowed:
        raise TargetRefused(f"may name port {' or '.join(map(str, sorted(PORTS)))} only")
    target = Target(parts.scheme, host, address, port, _path(parts), allowed)
    if address is None:
        if not allowed:
            _check_name(host)
    elif not target.accepts(address):
        raise TargetRefused("must not name an address that is not public")
    return target


def _split(url: str) -> SplitResult:
    if not 1 <= len(url) <= URL_MAX:
        raise TargetRefused(f"must have 1 to {URL_MAX} characters")
    if not url.isascii():
        raise TargetRefused("must be ASCII: write the host as xn--..., and percent-encode the rest")
    if "\\" in url or any(not "!" <= character <= "~" for character in url):
        raise TargetRefused("must not hold spaces, backslashes or control characters")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise TargetRefused("is not a URL") from None
    if parts.scheme not in DEFAULT_PORTS or not url[len(parts.scheme) :].startswith("://"):
        raise TargetRefused("must begin with https://")
    if "@" in parts.netloc:
        raise TargetRefused("must not hold credentials")
    if not _is_authority(parts.netloc):
        raise TargetRefused("has no valid host and port")
    if "#" in url:
        raise TargetRefused("must not have a fragment")
    return parts


def _is_authority(written: str) -> bool:
    """RFC 3986 section 3.2, without percent-encoding and an empty port: `urlsplit` reads over what is behind a `]`."""
    if "%" in written or written.endswith(":"):
        return False
    address, bracket, port = written.rpartition("]")
    if bracket:
        return address.startswith("[") and not {"[", "]"} & set(address[1:]) and port[:1] in ("", ":")
    return "[" not in written and written.count(":") <= 1


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _read_host(written: str, *, bracketed: bool) -> tuple[str, Address | None]:
    """A host as it is compared and sent, and the address that it is, if it is one."""
    host = written.lower().removesuffix(".")
    if bracketed or ":" in host:
        try:
            six = IPv6Address(host)
        except AddressValueError:
            raise TargetRefused("has no valid IPv6 address") from None
        return six.compressed, six
    if not 1 <= len(host) <= NAME_MAX:
        raise TargetRefused("has no host" if not host else "has a host that is too long")
    labels = host.split(".")
    if not all(_is_label(label) for label in labels):
        raise TargetRefused("has no valid host")
    if not _is_number(labels[-1]):
        return host, None
    try:
        four = IPv4Address(host)
    except AddressValueError:
        raise TargetRefused("must write an IPv4 address as four decimal numbers") from None
    return str(four), four


def _is_label(label: str) -> bool:
    return 1 <= len(label) <= 63 and _LABEL.issuperset(label) and label[0] != "-" and label[-1] != "-"


def _is_number(label: str) -> bool:
    return label.isdigit() or (label.startswith("0x") and _HEXADECIMAL.issuperset(label[2:]))


def _check_name(host: str) -> None:
    if "." not in host or any(host == zone or host.endswith(f".{zone}") for zone in LOCAL_ZONES):
        raise TargetRefused("must name a host of the public Internet")


def _is_allowed(host: str, port: int) -> bool:
    allowed = os.environ.get(ALLOW_SETTING, "")
    if not allowed:
        return False
    name = f"[{host}]" if ":" in host else host
    entries = {entry.strip().lower() for entry in allowed.split(",")}
    return name in entries or f"{name}:{port}" in entries
