"""What each member of a user may be. Limits are in characters (Unicode code points), as JSON Schema counts them.

Every rule gives a value that is stored as it is, or a sentence for the client. What one version can store the other
can write back: v2's two names with the space between them are at most as long as v1's one name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unicodedata import category, normalize

from domain import locales, times
from domain.bodies import kind
from domain.reading import Reading, is_one_line
from domain.users.model import DEFAULT_LOCALE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME_MAX = 200
EMAIL_MAX = 254
"""RFC 5321 section 4.5.3.1.3: a path of 256 octets holds two angle brackets."""
EMAIL_LOCAL_MAX = 64
LABEL_MAX = 63

_FORBIDDEN_IN_EMAIL = frozenset('()<>[]:;,\\"@')


class UserReading(Reading):
    """One pass over the members of a user."""

    def __init__(self, document: Mapping[str, Any], known: Iterable[str]) -> None:
        super().__init__()
        self.document = document
        self.members(document, known)

    def name(self, name: str) -> str:
        """A required name of 1 to `NAME_MAX` characters without control characters, stripped."""
        if name not in self.document:
            self.wrong((name,), "is required")
            return ""
        return self.line(self.document[name], (name,), NAME_MAX) or ""

    def optional_name(self, name: str) -> str | None:
        """As `name`, or null; absent means null."""
        return None if self.document.get(name) is None else self.name(name)

    def email(self) -> str:
        """A required e-mail address, kept as written."""
        value = self._string("email")
        if value is None:
            return ""
        try:
            check_email(value)
        except ValueError as error:
            self.wrong(("email",), str(error))
        return value

    def locale(self) -> str:
        """A language tag in its recommended case; absent means `DEFAULT_LOCALE`."""
        if "locale" not in self.document:
            return DEFAULT_LOCALE
        value = self._string("locale")
        if value is None:
            return DEFAULT_LOCALE
        try:
            return locales.canonical(value)
        except ValueError as error:
            self.wrong(("locale",), str(error))
            return DEFAULT_LOCALE

    def unchanged_id(self, stored: str) -> None:
        """`id` may be repeated, and then must be the stored one, in any case."""
        if "id" in self.document:
            value = self._string("id")
            if value is not None and value.lower() != stored:
                self.wrong(("id",), "is read-only and must be what it was; leave it out or repeat it")

    def unchanged_time(self, name: str, stored: str) -> None:
        """A read-only time may be repeated, in any spelling of the same millisecond."""
        if name not in self.document:
            return
        value = self._string(name)
        if value is None or value == stored:
            return
        try:
            same = times.parse_rfc3339(value) == times.parse_rfc3339(stored)
        except ValueError:
            same = False
        if not same:
            self.wrong((name,), "is read-only and must be what it was; leave it out or repeat it")

    def _string(self, name: str) -> str | None:
        if name not in self.document:
            self.wrong((name,), "is required")
            return None
        value = self.document[name]
        if not isinstance(value, str):
            self.wrong((name,), f"must be a string, not {kind(value)}")
            return None
        return value


def check_email(email: str) -> None:
    """Raise `ValueError`, with a sentence for a client, for what cannot be an address: `local@label.label`.

    The dot-atom form of RFC 5322 section 3.4.1 with the lengths of RFC 5321 section 4.5.3.1 and the letters of RFC 6531
    (any script); quoted local parts, comments and address literals are refused.
    """
    if not 3 <= len(email) <= EMAIL_MAX:
        raise ValueError(f"must have 3 to {EMAIL_MAX} characters")
    local, at, domain = email.rpartition("@")
    if not at or "@" in local:
        raise ValueError("must be an e-mail address with one @, for example ana@example.com")
    if any(character.isspace() or character in _FORBIDDEN_IN_EMAIL for character in local + domain):
        raise ValueError("must be an e-mail address without spaces, quotes, brackets, commas, colons and backslashes")
    if not is_one_line(email):
        raise ValueError("must not hold control characters")
    if len(local) > EMAIL_LOCAL_MAX or not all(local.split(".")):
        raise ValueError(
            f"needs 1 to {EMAIL_LOCAL_MAX} characters before the @, without a dot at either end or two in a row"
        )
    labels = domain.split(".")
    if len(labels) < 2 or not all(_is_label(label) for label in labels):
        raise ValueError("needs a domain name after the @, for example example.com")


def email_key(email: str) -> str:
    """What two spellings of one address have in common: NFC and lower case, so that an address is unique."""
    return normalize("NFC", normalize("NFC", email).lower())


def check_together(reading: UserReading, given_name: str, family_name: str | None) -> None:
    """Both names with the space between them must fit v1's one name."""
    if family_name and not reading.errors and len(given_name) + 1 + len(family_name) > NAME_MAX:
        reading.wrong(("family_name",), f"and given_name together, with a space, may have {NAME_MAX} characters")


def _is_label(label: str) -> bool:
    return (
        1 <= len(label) <= LABEL_MAX
        and label[0] != "-"
        and label[-1] != "-"
        and all(character == "-" or category(character)[0] in "LNM" for character in label)
    )
