"""A handler's document: what is looked for in a picture, what has to be good about it, whom it is matched with, what is
kept and told.

In: JSON. Out: a frozen document, or everything that is wrong with it. Pure: it says nothing about who may run it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec
from msgspec import Meta

from custodes.core.errors import InvalidParameterError
from custodes.engine.results.face import QualityFilter
from custodes.engine.results.portrait import LIMITS

MAX_BYTES = 64 * 1024
Percent = Annotated[float, Meta(ge=0, le=100)]
Degrees = Annotated[float, Meta(ge=0, le=180)]
Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.\-]{1,64}$")]
CollectionName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.\-]{1,255}$")]
ExternalId = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.\-:]{1,255}$")]
Pattern = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.\-:*?]{1,255}$")]
Attribute = Annotated[str, Meta(pattern=r"^[A-Z_]{1,32}$")]


class MatchBy(StrEnum):
    """What a list is searched for."""

    FACES = "faces"
    USERS = "users"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the document: what it does not know is refused."""


class FaceCondition(_Part, frozen=True):
    """When something is done with a face: all that is stated holds.

    Attributes:
        matched: names of lists; the face is like somebody on each.
        unmatched: names of lists that were searched; the face is like nobody on each.
        tagged: tags that the face has.
        min_similarity: in percent, of the best match on each of ``matched``.
    """

    matched: tuple[Name, ...] = ()
    unmatched: tuple[Name, ...] = ()
    tagged: tuple[Name, ...] = ()
    min_similarity: Percent = 0.0

    def holds(self, best: Mapping[str, float | None], tags: Collection[str]) -> bool:
        """Whether it holds; ``best`` has the best similarity by searched list, None for no match."""
        alike = (best.get(name) for name in self.matched)
        return (
            all(pct is not None and pct >= self.min_similarity for pct in alike)
            and all(name in best and best[name] is None for name in self.unmatched)
            and all(tag in tags for tag in self.tagged)
        )


ALWAYS = FaceCondition()


class Detect(_Part, frozen=True):
    """Which faces are looked at: at most so many, largest first, and what is told of each (API's ``Attributes``)."""

    max_faces: Annotated[int, Meta(ge=1, le=100)] = 10
    attributes: tuple[Attribute, ...] = ()


class Gates(_Part, frozen=True):
    """What a face has to be like to be matched and kept. Angles are bounds on both sides.

    Attributes:
        filter: the API's quality filter.
        min_side_px: shorter side of the box.
        portrait: names of portrait checks that have to pass, see docs/quality.md.
    """

    filter: QualityFilter = QualityFilter.NONE
    min_side_px: Annotated[int, Meta(ge=0, le=10_000)] = 0
    min_confidence: Percent = 0.0
    min_brightness: Percent = 0.0
    min_sharpness: Percent = 0.0
    max_yaw: Degrees = 180.0
    max_pitch: Degrees = 180.0
    max_roll: Degrees = 180.0
    portrait: tuple[Name, ...] = ()


class MatchList(_Part, frozen=True):
    """One list of candidates: a collection, who of it, from which similarity on, how many at most, for which faces."""

    name: Name
    collection: CollectionName
    by: MatchBy = MatchBy.FACES
    threshold: Percent = 80.0
    limit: Annotated[int, Meta(ge=1, le=100)] = 5
    only: Pattern | None = None
    when: FaceCondition = ALWAYS

    def wants(self, identifier: str | None) -> bool:
        """Whether a candidate with this external id (or id of a user) is of the list."""
        return self.only is None or (identifier is not None and fnmatchcase(identifier, self.only))


class TagRule(_Part, frozen=True):
    """A tag and when a face gets it. Rules are read in their order."""

    tag: Name
    when: FaceCondition = ALWAYS


class StoreEvent(_Part, frozen=True):
    """Events that are kept of faces, for so many days, with their picture or without."""

    days: Annotated[int, Meta(ge=1, le=365)]
    picture: bool = False
    when: FaceCondition = ALWAYS


class Enrol(_Part, frozen=True):
    """Faces that are enrolled, and under which external id."""

    collection: CollectionName
    external_id: ExternalId | None = None
    when: FaceCondition = ALWAYS


class Store(_Part, frozen=True):
    """What is kept."""

    event: StoreEvent | None = None
    enrol: Enrol | None = None


class HandlerDocument(_Part, frozen=True):
    """All of it.

    Attributes:
        purpose: what it is for, one of the purposes that the account declared; every step states it.
        notify: names of the operator's destinations that its events are sent to.
    """

    purpose: Annotated[str, Meta(pattern=r"^[a-z0-9\-]{1,64}$")]
    legal_basis: Annotated[str, Meta(pattern=r"^[a-z0-9\-]{1,64}$")] | None = None
    detect: Detect = Detect()
    gates: Gates = Gates()
    match: Annotated[tuple[MatchList, ...], Meta(max_length=32)] = ()
    tags: Annotated[tuple[TagRule, ...], Meta(max_length=64)] = ()
    store: Store = Store()
    notify: Annotated[tuple[Name, ...], Meta(max_length=16)] = ()

    @property
    def least_threshold_pct(self) -> float:
        """The lowest similarity that any list asks for; 100 without lists."""
        return min((one.threshold for one in self.match), default=100.0)


def read_document(data: bytes) -> HandlerDocument:
    """The document of ``data``. Raises InvalidParameterError with what is wrong first."""
    problems = problems_of(data)
    if problems:
        raise InvalidParameterError(f"Request has invalid parameters: the handler is not valid: {problems[0]}")
    return _decoded(data)


def problems_of(data: bytes) -> tuple[str, ...]:
    """Everything that is wrong, each with its place; of what is no such document at all, the first."""
    if len(data) > MAX_BYTES:
        return (f"it is longer than {MAX_BYTES} bytes",)
    try:
        document = _decoded(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return (str(error),)
    return tuple(_problems(document))


def _decoded(data: bytes) -> HandlerDocument:
    return msgspec.json.decode(data, type=HandlerDocument)


def _problems(document: HandlerDocument) -> Iterator[str]:
    for at, name in enumerate(document.gates.portrait):
        if name not in LIMITS:
            yield f"there is no check {name} of portraits - at `$.gates.portrait[{at}]`"
    lists: list[str] = []
    for at, one in enumerate(document.match):
        yield from _unknown(f"$.match[{at}].when", one.when, lists, ())
        if one.name in lists:
            yield f"the list {one.name} is there twice - at `$.match[{at}].name`"
        lists.append(one.name)
    tags: list[str] = []
    for at, rule in enumerate(document.tags):
        yield from _unknown(f"$.tags[{at}].when", rule.when, lists, tags)
        tags.append(rule.tag)
    if document.store.event is not None:
        yield from _unknown("$.store.event.when", document.store.event.when, lists, tags)
    elif document.notify:
        yield "events are told that are not kept - at `$.notify`"
    if document.store.enrol is not None:
        yield from _unknown("$.store.enrol.when", document.store.enrol.when, lists, tags)


def _unknown(place: str, when: FaceCondition, lists: Collection[str], tags: Collection[str]) -> Iterator[str]:
    for name in (*when.matched, *when.unmatched):
        if name not in lists:
            yield f"there is no list {name} before it - at `{place}`"
    for tag in when.tagged:
        if tag not in tags:
            yield f"there is no tag {tag} before it - at `{place}`"
    if when.min_similarity and not when.matched:
        yield f"a similarity is asked for of no list - at `{place}`"
