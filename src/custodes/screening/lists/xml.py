"""XML lists read safely: no document type, no entities, bounded depth; one record at a time.

In: a file. Out: elements of one name, with namespaces taken off. Entity bombs and outside references cannot be written
without a DOCTYPE, so every DOCTYPE is refused before a tree is built.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from custodes.core.errors import InvalidParameterError
from custodes.screening import dates
from custodes.screening.lists.files import MAX_BYTES

_DEEPEST = 64


def records(path: Path, names: frozenset[str]) -> Iterator[ET.Element]:
    """Elements called one of ``names``, namespaces removed; each is forgotten once used.

    Raises:
        InvalidParameterError: not well-formed, with a DOCTYPE, too deep or too large.
    """
    _refuse_hostile(path)
    for _, element in ET.iterparse(path, events=("end",)):  # noqa: S314 - see above
        element.tag = element.tag.rpartition("}")[2]
        if element.tag in names:
            yield element
            element.clear()


def _refuse_hostile(path: Path) -> None:
    if path.stat().st_size > MAX_BYTES:
        raise InvalidParameterError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
    depth = 0

    def opened(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise InvalidParameterError(f"{path.name} nests deeper than {_DEEPEST} elements")

    def closed(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refused(*_: object) -> None:
        raise InvalidParameterError(f"{path.name} declares a document type or entities, which lists do not")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refused
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise InvalidParameterError(f"{path.name} is truncated or not XML: {error}") from error


def texts(element: ET.Element, pattern: str) -> list[str]:
    """Non-empty texts of the elements that ``pattern`` (ElementTree's XPath) finds."""
    return [text for found in element.findall(pattern) if (text := " ".join((found.text or "").split()))]


def iso_date(text: str) -> str:
    """A date or a range as ``dates.iso_date`` writes it; of what that cannot read the year, or nothing."""
    if read := dates.iso_date(text):
        return read
    found = re.search(r"\b(1[89]\d\d|20\d\d)\b", text)
    return found.group(1) if found else ""


def uid(element: ET.Element, name: str) -> str:
    """The publisher's number of an entry.

    Raises:
        InvalidParameterError: there is none.
    """
    found = texts(element, name)
    if not found:
        raise InvalidParameterError(f"an entry without {name}")
    return found[0]


def root_of(path: Path) -> str:
    """The name of a file's root element, without namespace.

    Raises:
        InvalidParameterError: not well-formed, with a DOCTYPE, too deep or too large.
    """
    _refuse_hostile(path)
    for _, element in ET.iterparse(path, events=("start",)):  # noqa: S314 - see above
        return str(element.tag).rpartition("}")[2]
    return ""
