"""Faces that were asked for lately: what is kept, for how long, and that no change is ever overlooked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from custodes.core.box import BoxRatio
from custodes.core.ids import FaceId, ImageId, ModelVersion, UserId
from custodes.gallery.entities import Face
from custodes.gallery.known_faces import KnownFaces


def face(row: int) -> Face:
    box = BoxRatio(0.1, 0.1, 0.2, 0.2)
    return Face(row, FaceId(f"face-{row}"), ImageId("i"), None, box, 99.0, ModelVersion("1.0"), enrolled_ts_ms=0)


class Store:
    """Knows faces 1 to 9; ``asked`` lists the rows of each question."""

    def __init__(self) -> None:
        self.faces = {row: face(row) for row in range(1, 10)}
        self.asked: list[list[int]] = []

    def look_up(self, rows: Sequence[int]) -> dict[int, Face]:
        self.asked.append(list(rows))
        return {row: self.faces[row] for row in rows if row in self.faces}


def test_only_what_is_not_known_is_asked_for_and_the_order_is_that_of_the_rows() -> None:
    store, known = Store(), KnownFaces()
    assert list(known.of([3, 1], store.look_up)) == [3, 1]
    assert list(known.of([1, 2, 3], store.look_up)) == [1, 2, 3]
    assert known.of([], store.look_up) == {}
    assert store.asked == [[3, 1], [2]]


def test_what_does_not_exist_is_asked_for_again() -> None:
    store, known = Store(), KnownFaces()
    assert known.of([77], store.look_up) == known.of([77], store.look_up) == {}
    store.faces[77] = face(77)
    assert list(known.of([77], store.look_up)) == [77]


def test_the_least_recently_asked_go_first() -> None:
    store, known = Store(), KnownFaces(limit=3)
    for rows in ([1], [2], [3], [1], [4]):
        known.of(rows, store.look_up)
    store.asked.clear()
    known.of([1, 3, 4], store.look_up)
    assert store.asked == []
    known.of([2], store.look_up)
    assert store.asked == [[2]]


def test_more_at_once_than_are_kept() -> None:
    store, known = Store(), KnownFaces(limit=3)
    assert list(known.of(range(1, 10), store.look_up)) == list(range(1, 10))
    store.asked.clear()
    known.of([7, 8, 9], store.look_up)
    known.of([6], store.look_up)
    assert store.asked == [[6]]


def test_after_a_change_the_store_is_asked() -> None:
    store, known = Store(), KnownFaces()
    known.of([1, 2], store.look_up)
    store.faces[1] = replace(face(1), user_id=UserId("ann"))
    del store.faces[2]
    known.forget()
    assert {row: found.user_id for row, found in known.of([1, 2], store.look_up).items()} == {1: "ann"}


def test_what_was_looked_up_before_a_change_is_not_kept_after_it() -> None:
    store, known = Store(), KnownFaces()

    def overtaken(rows: Sequence[int]) -> dict[int, Face]:
        found = store.look_up(rows)
        del store.faces[1]
        known.forget()  # the change is acknowledged while the answer is on its way
        return found

    assert list(known.of([1], overtaken)) == [1]
    assert known.of([1], store.look_up) == {}


def test_a_failed_look_up_keeps_nothing() -> None:
    store, known = Store(), KnownFaces()

    def fails(_: Sequence[int]) -> dict[int, Face]:
        raise OSError

    with pytest.raises(OSError):
        known.of([1], fails)
    assert list(known.of([1], store.look_up)) == [1]
