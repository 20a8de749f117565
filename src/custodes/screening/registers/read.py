"""Ownership as registers publish it: BODS statements, the UK's PSC snapshot, GLEIF's relationship records.

In: a file and the party that it is about. Out: that party's onboarding graph: everybody who stands behind it in the
file, with shares as ranges where the register knows only bands. What a register calls unknown stays an unknown party,
never a missing one. It fetches nothing and screens nothing.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.screening.entities import Edge, Organisation, Party
from custodes.screening.organisation import organisation
from custodes.screening.registers.bods import read_bods
from custodes.screening.registers.gleif import read_gleif
from custodes.screening.registers.psc import read_psc

Reader = Callable[[Path, str], tuple[str, Iterable[Party], Iterable[Edge]]]

READERS: Mapping[str, Reader] = MappingProxyType({"bods": read_bods, "psc": read_psc, "gleif": read_gleif})


def read_register(path: Path, form: str, subject: str) -> Organisation:
    """Read the graph behind ``subject`` from a register's file.

    Args:
        path: the file.
        form: ``bods``, ``psc`` or ``gleif``.
        subject: whom it is about: for BODS an id of a record or statement, an identifier or a name; for PSC a company
            number; for GLEIF an LEI.

    Raises:
        InvalidParameterError: the file is not of this form.
        NotFoundError: the file knows nobody like that.
        OSError: it cannot be read.
    """
    reader = READERS.get(form)
    if reader is None:
        raise InvalidParameterError(f"no such register: {form}; there are {', '.join(sorted(READERS))}")
    found, parties, edges = reader(path, subject)
    by_id = {party.id: party for party in parties}
    if found not in by_id:
        raise NotFoundError(f"{path.name} says nothing about {subject!r}")
    return _behind(found, by_id, edges)


def _behind(subject: str, parties: Mapping[str, Party], edges: Iterable[Edge]) -> Organisation:
    """Leave whoever leads to ``subject`` by any edge, and the edges among them."""
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.owner in parties and edge.asset in parties:
            into[edge.asset].append(edge)
    kept, waiting = {subject: None}, deque([subject])
    chosen: list[Edge] = []
    while waiting:
        for edge in into[waiting.popleft()]:
            chosen.append(edge)
            for end in (edge.owner, edge.holder):
                if end not in kept:
                    kept[end] = None
                    waiting.append(end)
    return organisation(subject, (parties[one] for one in kept), chosen)
