"""A strict reader of DER, as far as time stamps need it.

In: bytes. Out: elements, each with its tag, its content and its own bytes. Refused: indefinite and padded lengths, tags
of several bytes, anything behind the end. Source: ITU-T X.690 (DER).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

INTEGER, OCTETS, OID, SEQUENCE, SET, TIME = 0x02, 0x04, 0x06, 0x30, 0x31, 0x18


class DerError(ValueError):
    """The bytes are no DER, or not what stands at this place."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    encoded: bytes

    def items(self, tag: int = SEQUENCE) -> list[Element]:
        """The elements within one that has ``tag``."""
        self.expect(tag)
        found, at = [], 0
        while at < len(self.content):
            found.append(_read(self.content, at))
            at += len(found[-1].encoded)
        return found

    def expect(self, tag: int) -> bytes:
        """The content, if this has ``tag``."""
        if self.tag != tag:
            raise DerError(f"an element has tag {self.tag:#x} instead of {tag:#x}")
        return self.content

    def integer(self) -> int:
        """The value of an INTEGER that is not negative."""
        content = self.expect(INTEGER)
        if not content or content[0] & 0x80 or (len(content) > 1 and content[0] == 0 and not content[1] & 0x80):
            raise DerError("an integer is negative or padded")
        return int.from_bytes(content, "big")

    def oid(self) -> str:
        """The value of an OBJECT IDENTIFIER, as numbers with dots."""
        content, numbers, value = self.expect(OID), list[int](), 0
        if not content or content[-1] & 0x80:
            raise DerError("an object identifier is cut off")
        for byte in content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(value)
                value = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(str(number) for number in (first, numbers[0] - 40 * first, *numbers[1:]))

    def time(self) -> datetime:
        """The value of a GeneralizedTime in UTC."""
        text = self.expect(TIME).decode("ascii", "replace")
        form = "%Y%m%d%H%M%S.%fZ" if "." in text else "%Y%m%d%H%M%SZ"
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError as error:
            raise DerError("a time is malformed") from error


def read(data: bytes) -> Element:
    """The one element that ``data`` is.

    Raises:
        DerError: it is none, or something stands behind it.
    """
    element = _read(data, 0)
    if element.encoded != data:
        raise DerError("something stands behind the end")
    return element


def _read(data: bytes, at: int) -> Element:
    if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
        raise DerError("an element is cut off, or has a tag of several bytes")
    length, begin = data[at + 1], at + 2
    if length & 0x80:
        width = length & 0x7F
        length = int.from_bytes(data[begin : begin + width], "big")
        begin += width
        if not 1 <= width <= 4 or length < 0x80 or length >> (8 * (width - 1)) == 0:
            raise DerError("a length is not in its shortest form")
    if begin + length > len(data):
        raise DerError("an element is longer than what holds it")
    return Element(data[at], data[begin : begin + length], data[at : begin + length])
