"""Commands of the operator about known people: whom RecognizeCelebrities can name. Portraits come through the API.

In: commands. Out: people, changed or listed. A name that is put or dropped has an entry on record before it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.gallery.celebrities import Celebrity, KnownGender
from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties

_MEMBERS = frozenset({"celebrity_id", "name", "urls", "gender"})


class CelebrityRegister(Protocol):
    """Where known people are kept. Raises UnavailableError when it cannot be read or written."""

    def people(self, celebrity_ids: Sequence[str]) -> Mapping[str, Celebrity]:
        """Those of ``celebrity_ids`` that are known, by id."""
        ...

    def everybody(self) -> Sequence[Celebrity]:
        """All people by name."""
        ...

    def put(self, people: Iterable[Celebrity]) -> None:
        """Add ``people``, or change those whose id is there already. All or none."""
        ...

    def drop(self, celebrity_ids: Sequence[str]) -> None:
        """Forget people."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PutCelebrities(AdminCommand):
    """Add people, or change those whose id is there: each with ``celebrity_id``, ``name``, ``urls`` and ``gender``."""

    operation: ClassVar[str] = "celebrities put"
    people: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCelebrities(AdminCommand):
    """All known people by name."""

    operation: ClassVar[str] = "celebrities list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCelebrities(AdminCommand):
    """Forget names; their portraits are erased through the API before."""

    operation: ClassVar[str] = "celebrities drop"
    celebrity_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CelebrityCount:
    """How many people a command was about."""

    people: int


@dataclass(frozen=True, slots=True)
class CelebrityList:
    """Known people by name."""

    people: tuple[Celebrity, ...]


def celebrity_handlers(register: CelebrityRegister) -> AdminHandlers:
    """What carries these commands out. They raise InvalidParameterError, NotFoundError, UnavailableError."""

    def put(command: PutCelebrities) -> CelebrityCount:
        people = [_person(members) for members in command.people]
        register.put(people)
        return CelebrityCount(len(people))

    def drop(command: DropCelebrities) -> CelebrityCount:
        ids = sorted(set(command.celebrity_ids))
        unknown = sorted(set(ids) - register.people(ids).keys())
        if unknown:
            raise NotFoundError(f"nobody has the id {unknown[0]}")
        register.drop(ids)
        return CelebrityCount(len(ids))

    return {
        PutCelebrities: put,
        ListCelebrities: lambda _: CelebrityList(tuple(register.everybody())),
        DropCelebrities: drop,
    }


def _person(members: Mapping[str, object]) -> Celebrity:
    urls, gender = members.get("urls") or [], members.get("gender")
    texts = [members.get("celebrity_id"), members.get("name"), *(urls if isinstance(urls, list) else [None])]
    if members.keys() - _MEMBERS or not all(isinstance(text, str) and text for text in texts):
        raise InvalidParameterError("a known person has celebrity_id, name, urls and gender")
    try:
        known = None if gender is None else KnownGender(str(gender))
    except ValueError:
        raise InvalidParameterError(f"no gender is called {gender!r}") from None
    celebrity_id, name, *addresses = map(str, texts)
    return Celebrity(celebrity_id, name, tuple(addresses), known)
