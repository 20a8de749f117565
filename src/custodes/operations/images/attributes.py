"""Facial attributes as requests ask for them, and how much the engine has to find out to answer.

In: the API's attribute tokens. Out: the set of attributes to show, the Detail to detect with, the Traits to describe.
What was not asked for is not computed, so it cannot be told by mistake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from custodes.engine.results.face import Detail, Trait


class Attribute(StrEnum):
    """What a request may ask about a face (API enum ``Attribute``)."""

    DEFAULT = "DEFAULT"
    ALL = "ALL"
    AGE_RANGE = "AGE_RANGE"
    BEARD = "BEARD"
    EMOTIONS = "EMOTIONS"
    EYE_DIRECTION = "EYE_DIRECTION"
    EYEGLASSES = "EYEGLASSES"
    EYES_OPEN = "EYES_OPEN"
    GENDER = "GENDER"
    MOUTH_OPEN = "MOUTH_OPEN"
    MUSTACHE = "MUSTACHE"
    FACE_OCCLUDED = "FACE_OCCLUDED"
    SMILE = "SMILE"
    SUNGLASSES = "SUNGLASSES"


Attributes = frozenset[Attribute]

DEFAULT_ATTRIBUTES: Attributes = frozenset({Attribute.DEFAULT})

_GEOMETRIC: Attributes = frozenset({Attribute.EYES_OPEN, Attribute.MOUTH_OPEN, Attribute.EYE_DIRECTION})
"""Attributes that follow from where the mesh's and the eyes' points lie."""


def requested(tokens: Iterable[str] | None) -> Attributes:
    """The set a request asks for; nothing or an empty list is DEFAULT. Raises ValueError for an unknown token."""
    return frozenset(Attribute(token) for token in tokens or ()) or DEFAULT_ATTRIBUTES


def without(attributes: Attributes, withheld: Collection[str]) -> Attributes:
    """``attributes`` but for those called ``withheld``; ALL becomes everything else by name."""
    if not withheld:
        return attributes
    every = frozenset(Attribute) - {Attribute.ALL} if Attribute.ALL in attributes else attributes
    return frozenset(attribute for attribute in every if attribute not in withheld) or DEFAULT_ATTRIBUTES


def shows(attributes: Attributes, attribute: Attribute) -> bool:
    """Whether an answer to this request has ``attribute``: asked for by name or with ALL."""
    return attribute in attributes or Attribute.ALL in attributes


def detail_for(attributes: Attributes) -> Detail:
    """The cheapest detection that can answer: ALL needs the 30 landmarks, single tokens may need the mesh as well."""
    return Detail.FULL if attributes & (_GEOMETRIC | {Attribute.ALL}) else Detail.BOX


def traits_for(attributes: Attributes) -> frozenset[Trait]:
    """The traits that an answer to this request has."""
    return frozenset(trait for trait in Trait if shows(attributes, Attribute(trait.value)))
