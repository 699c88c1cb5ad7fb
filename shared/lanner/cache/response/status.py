"""`Cache-Status` (RFC 9211): one member per cache, the one nearest to the client last."""

from __future__ import annotations


def member_name(name: str) -> str:
    """A cache's name as the field writes it: a token where it is one, else a quoted string (section 2)."""
    if name.isascii() and name.isalnum() and name[0].isalpha():
        return name
    from lanner.http.structured.values import ALPHA, TOKEN

    is_token = bool(name) and TOKEN.issuperset(name) and (name[0] in ALPHA or name[0] == "*")
    return name if is_token else quoted(name)


def quoted(text: str) -> str:
    """A structured-field string (RFC 9651 section 3.3.3); what it cannot hold is percent-encoded."""
    pieces = []
    for character in text:
        if character in '"\\':
            pieces.append(f"\\{character}")
        elif " " <= character <= "~":
            pieces.append(character)
        else:
            pieces.extend(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
    return f'"{"".join(pieces)}"'


def hit(name: str, ttl: int, detail: str = "") -> str:
    """Answered from the store, with the seconds of freshness left: negative when it is stale (sections 2.1, 2.5)."""
    text = f"{name}; hit; ttl={ttl}"
    return f"{text}; detail={detail}" if detail else text


def forwarded(
    name: str,
    reason: str,
    status: int | None = None,
    *,
    stored: bool = False,
    collapsed: bool = False,
    ttl: int | None = None,
    detail: str = "",
) -> str:
    """Asked of the origin, and why (section 2.2); `status` is the origin's, `stored` and `collapsed` only when true."""
    text = f"{name}; fwd={reason}"
    if status is not None:
        text += f"; fwd-status={status}"
    if ttl is not None:
        text += f"; ttl={ttl}"
    if stored:
        text += "; stored"
    if collapsed:
        text += "; collapsed"
    return f"{text}; detail={detail}" if detail else text


def appended(upstream: str | None, member: str) -> str:
    """The field with our member after what caches nearer to the origin said (section 2)."""
    return f"{upstream}, {member}" if upstream else member
