"""Structured fields, read: the algorithms of RFC 9651 section 4.2, character by character and strict."""

from __future__ import annotations

from binascii import a2b_base64

from lanner.http.structured.values import (
    ALPHA,
    DIGITS,
    KEY,
    LOWER,
    TOKEN,
    BareItem,
    Date,
    DisplayString,
    InnerList,
    Item,
    Member,
    Params,
    StructuredFieldError,
    Token,
)

_BASE64 = ALPHA | DIGITS | frozenset("+/")
_PADDING = frozenset("=")
_HEX = frozenset("0123456789abcdef")


def parse_item(text: str) -> Item:
    """A field whose value is one item (section 4.2.3)."""
    reader = _Reader(text)
    reader.skip_spaces()
    item = reader.item()
    reader.skip_spaces()
    if not reader.ended:
        raise reader.error("the end")
    return item


def parse_list(text: str) -> list[Member]:
    """A field whose value is a list (section 4.2.1); an empty one is an empty list."""
    reader = _Reader(text)
    members: list[Member] = []
    reader.skip_spaces()
    while not reader.ended:
        members.append(reader.member())
        if not reader.more():
            break
    return members


def parse_dictionary(text: str) -> dict[str, Member]:
    """A field whose value is a dictionary (section 4.2.2). The last of a repeated key counts, in the first's place."""
    reader = _Reader(text)
    members: dict[str, Member] = {}
    reader.skip_spaces()
    while not reader.ended:
        key = reader.key()
        if reader.take("="):
            member = reader.member()
        else:
            member = Item(True, reader.params())
        members[key] = member
        if not reader.more():
            break
    return members


class _Reader:
    """A field's text and how far it has been read."""

    __slots__ = ("position", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    @property
    def ended(self) -> bool:
        return self.position >= len(self.text)

    def error(self, expected: str) -> StructuredFieldError:
        return StructuredFieldError(f"expected {expected} at character {self.position} of {self.text[:80]!r}")

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self, character: str) -> bool:
        if self.peek() != character:
            return False
        self.position += 1
        return True

    def run(self, allowed: frozenset[str]) -> str:
        """The longest run of allowed characters from here on."""
        start, text = self.position, self.text
        end = start
        while end < len(text) and text[end] in allowed:
            end += 1
        self.position = end
        return text[start:end]

    def skip_spaces(self, spaces: str = " ") -> None:
        while not self.ended and self.peek() in spaces:
            self.position += 1

    def more(self) -> bool:
        """Step over a comma to the next member; False at the end."""
        self.skip_spaces(" \t")
        if self.ended:
            return False
        if not self.take(","):
            raise self.error("a comma")
        self.skip_spaces(" \t")
        if self.ended:
            raise self.error("a member after the comma")
        return True

    def key(self) -> str:
        if self.peek() not in LOWER and self.peek() != "*":
            raise self.error("a key")
        return self.run(KEY)

    def member(self) -> Member:
        return self.inner_list() if self.peek() == "(" else self.item()

    def item(self) -> Item:
        value = self.bare_item()
        return Item(value, self.params())

    def inner_list(self) -> InnerList:
        self.take("(")
        items: list[Item] = []
        while True:
            self.skip_spaces()
            if self.take(")"):
                return InnerList(items, self.params())
            items.append(self.item())
            if self.peek() not in (" ", ")"):
                raise self.error("a space or a closing parenthesis")

    def params(self) -> Params:
        params: Params = {}
        while self.take(";"):
            self.skip_spaces()
            name = self.key()
            value: BareItem = self.bare_item() if self.take("=") else True
            params[name] = value
        return params

    def bare_item(self) -> BareItem:
        first = self.peek()
        if first == '"':
            return self.string()
        if first in DIGITS or first == "-":
            return self.number()
        if first in ALPHA or first == "*":
            return Token(self.run(TOKEN))
        if first == "?":
            return self.boolean()
        if first == ":":
            return self.byte_sequence()
        if first == "@":
            return self.date()
        if first == "%":
            return self.display_string()
        raise self.error("a value")

    def number(self) -> int | float:
        start = self.position
        self.take("-")
        whole = self.run(DIGITS)
        if not whole:
            raise self.error("a digit")
        if not self.take("."):
            if len(whole) > 15:
                raise self.error("at most 15 digits")
            return int(self.text[start : self.position])
        fraction = self.run(DIGITS)
        if len(whole) > 12 or not 1 <= len(fraction) <= 3:
            raise self.error("a decimal of at most 12 digits before the point and 1 to 3 after it")
        return float(self.text[start : self.position])

    def string(self) -> str:
        self.take('"')
        pieces: list[str] = []
        while not self.ended:
            character = self.text[self.position]
            if character == '"':
                self.position += 1
                return "".join(pieces)
            if character == "\\":
                self.position += 1
                character = self.peek()
                if character not in ('"', "\\"):
                    raise self.error("a quote or a backslash after a backslash")
            elif not " " <= character <= "~":
                raise self.error("printable ASCII")
            pieces.append(character)
            self.position += 1
        raise self.error("a closing quote")

    def boolean(self) -> bool:
        self.take("?")
        if self.take("1"):
            return True
        if self.take("0"):
            return False
        raise self.error("?0 or ?1")

    def byte_sequence(self) -> bytes:
        self.take(":")
        digits = self.run(_BASE64)
        self.run(_PADDING)
        if not self.take(":"):
            raise self.error("a colon after base64")
        try:
            # Padding may be left out, and pad bits need not be zero (section 4.2.7).
            return a2b_base64(digits + "=" * (-len(digits) % 4))
        except ValueError:
            raise self.error("base64 before this place") from None

    def date(self) -> Date:
        self.take("@")
        value = self.number()
        if isinstance(value, float):
            raise self.error("a date in whole seconds")
        return Date(value)

    def display_string(self) -> DisplayString:
        self.take("%")
        if not self.take('"'):
            raise self.error("a quote")
        raw = bytearray()
        while not self.ended:
            character = self.text[self.position]
            self.position += 1
            if character == '"':
                try:
                    return DisplayString(raw.decode())
                except UnicodeDecodeError:
                    raise self.error("UTF-8 before this place") from None
            if character == "%":
                digits = self.text[self.position : self.position + 2]
                if len(digits) < 2 or not _HEX.issuperset(digits):
                    raise self.error("two lower-case hexadecimal digits")
                raw.append(int(digits, 16))
                self.position += 2
            elif " " <= character <= "~":
                raw.append(ord(character))
            else:
                raise self.error("printable ASCII")
        raise self.error("a closing quote")
