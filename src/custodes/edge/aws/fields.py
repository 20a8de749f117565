"""Every member of an operation's input or output, found by walking its shapes.

In: a shape of the model. Out: one ``Field`` per member, lists and maps looked into, in the model's order. It says
nothing about which of them this server reads or returns: see ``edge.translate.absent``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custodes.edge.aws.model import Shape, ShapeKind


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a structure somewhere below an operation's input or output.

    Attributes:
        path: from the outside in, ``FaceDetails[].Pose.Yaw``; ``[]`` stands for each element of a list or map.
        owner: name of the structure that has the member.
        member: its wire name.
    """

    path: str
    owner: str
    member: str


def fields_of(shape: Shape, skipped: Callable[[Field], bool] = lambda _: False) -> Iterator[Field]:
    """All fields below ``shape``; what ``skipped`` picks is left out together with everything inside it."""
    yield from _walk(shape, "", skipped)


def _walk(shape: Shape, path: str, skipped: Callable[[Field], bool]) -> Iterator[Field]:
    if shape.kind in {ShapeKind.LIST, ShapeKind.MAP}:
        assert shape.item is not None
        yield from _walk(shape.item, f"{path}[]", skipped)
    for name, member in shape.members.items():
        field = Field(f"{path}.{name}".removeprefix("."), shape.name, name)
        if not skipped(field):
            yield field
            yield from _walk(member, field.path, skipped)


def paths_in(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all members that occur in ``value`` (an input or output in AWS members), as ``Field.path`` has them.

    Keys of maps look like members; no output of an image operation has a map.
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            inner = f"{path}.{name}".removeprefix(".")
            yield inner
            yield from paths_in(item, inner)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for item in value:
            yield from paths_in(item, f"{path}[]")
