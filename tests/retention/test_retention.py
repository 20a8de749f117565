"""Rules of retention: who goes, who stays, what is on record, and what happens when somebody is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.core.ids import FaceId, UserId
from custodes.gallery.entities import CollectionKey, GalleryUser
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.ports import FloatArray
from custodes.gallery.rules import user_vector
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.verifier.invoices.meter import Month
from custodes.operations.collections.retention import DAY_MS
from tests.fakes.vectors import KEY, units

if TYPE_CHECKING:
    from conftest import Keeper

ANN = UserId("ann")


def days(keeper: Keeper, number: object, name: str = KEY.collection_id) -> Any:
    return keeper.order("set", collection=name, days=number)


def left(keeper: Keeper) -> list[FaceId]:
    return [face.face_id for face in keeper.gallery.faces(KEY, None, 100_000).items]


def test_faces_go_when_their_days_are_over_and_not_before(keeper: Keeper) -> None:
    old = keeper.enrol(3)
    days(keeper, 30)
    keeper.clock.advance(10 * DAY_MS)
    young = keeper.enrol(2, seed=2)
    keeper.clock.advance(20 * DAY_MS)
    (due,) = keeper.retention().run()
    assert (due.erased, due.more) == (0, False), "exactly 30 days are not more than 30 days"
    assert keeper.entries("ret") == []
    keeper.clock.advance(1)
    (due,) = keeper.retention().run()
    assert (due.erased, due.of_users, due.put_off, due.more) == (3, 0, 0, False)
    assert left(keeper) == [face.face_id for face in young]
    hits = keeper.gallery.search_faces(KEY, units(1, 3)[0], 10, 0.999)
    assert hits == (), "no search finds them"
    assert [entry.fields["n"] for entry in keeper.entries("ret")] == [3]
    assert [entry.fields["n"] for entry in keeper.entries("era")] == [3]
    assert sorted(keeper.tombstones.buried()[KEY]) == sorted(face.face_id for face in old)
    keeper.log.flush()
    assert all(keeper.statements.erasure_certificate(face.face_id) for face in old)
    assert keeper.retention().run()[0].erased == 0, "done is done"
    assert len(keeper.entries("ret")) == 1


def test_without_a_rule_faces_stay(keeper: Keeper) -> None:
    faces = keeper.enrol(2)
    assert days(keeper, 1) == [{"account": KEY.account_id, "collection": KEY.collection_id, "days": 1}]
    assert days(keeper, None) == keeper.order("list") == []
    keeper.clock.advance(1000 * DAY_MS)
    assert keeper.retention().run() == ()
    assert left(keeper) == [face.face_id for face in faces]


@pytest.mark.parametrize("number", [0, -1, 36_501, 1.5, "7", True])
def test_only_days_are_days(keeper: Keeper, number: object) -> None:
    with pytest.raises(InvalidParameterError):
        days(keeper, number)
    assert keeper.order("list") == []


def test_a_rule_needs_its_collection(keeper: Keeper) -> None:
    with pytest.raises(NotFoundError):
        days(keeper, 7, "nobody")
    with pytest.raises(NotFoundError):
        keeper.order("set", collection=KEY.collection_id, account="000000000000", days=7)


def test_a_user_loses_its_old_faces_and_gets_a_vector_of_the_others(keeper: Keeper) -> None:
    old = keeper.enrol(2)
    keeper.clock.advance(5 * DAY_MS)
    young = keeper.enrol(2, seed=2)
    faces = [face.face_id for face in (*old, *young)]
    keeper.gallery.create_user(KEY, ANN)
    keeper.gallery.set_user_faces(KEY, ANN, add=faces, remove=(), vector=user_vector(np.vstack([units(1, 2)])))
    days(keeper, 4)
    (due,) = keeper.retention().run()
    assert (due.erased, due.of_users) == (2, 2)
    assert keeper.gallery.user(KEY, ANN).face_count == 2
    vector = keeper.gallery.user_vector(KEY, ANN)
    assert vector is not None
    np.testing.assert_array_equal(vector, user_vector(units(2, 2)))
    keeper.clock.advance(5 * DAY_MS)
    keeper.retention().run()
    assert (left(keeper), keeper.gallery.user_vector(KEY, ANN)) == ([], None)


class Busy(IndexedGallery):
    """Somebody changes every user just before we do."""

    def set_user_faces(
        self,
        key: CollectionKey,
        user_id: UserId,
        *,
        add: Sequence[FaceId],
        remove: Sequence[FaceId],
        vector: FloatArray | None,
        seen: GalleryUser | None = None,
    ) -> GalleryUser:
        now = super().user_vector(key, user_id)
        super().set_user_faces(key, user_id, add=(), remove=(), vector=now)
        return super().set_user_faces(key, user_id, add=add, remove=remove, vector=vector, seen=seen)


def test_a_user_that_is_being_changed_is_left_for_the_next_run(keeper: Keeper) -> None:
    held, free = keeper.enrol(2)
    keeper.gallery.create_user(KEY, ANN)
    keeper.gallery.set_user_faces(KEY, ANN, add=[held.face_id], remove=(), vector=units(1, 2)[0])
    days(keeper, 1)
    keeper.clock.advance(2 * DAY_MS)
    (due,) = keeper.retention(Busy(keeper.store, BruteForceIndex)).run()
    assert (due.erased, due.put_off, due.more) == (1, 1, False)
    assert left(keeper) == [held.face_id]
    assert keeper.tombstones.buried()[KEY] == [free.face_id]
    assert keeper.retention().run()[0].erased == 1
    assert left(keeper) == []


def test_a_large_arrear_takes_several_runs(keeper: Keeper) -> None:
    keeper.enrol(5001)
    days(keeper, 1)
    keeper.clock.advance(2 * DAY_MS)
    runs = [keeper.retention().run()[0] for _ in range(2)]
    assert [(run.erased, run.more) for run in runs] == [(5000, True), (1, False)]
    assert [entry.fields["n"] for entry in keeper.entries("ret")] == [5000, 1]


def test_nothing_is_erased_that_cannot_be_recorded(keeper: Keeper) -> None:
    faces = keeper.enrol(2)
    days(keeper, 1)
    keeper.clock.advance(2 * DAY_MS)
    keeper.log.close()
    with pytest.raises(UnavailableError):
        keeper.retention().run()
    assert left(keeper) == [face.face_id for face in faces]


def test_faces_that_went_are_stored_no_longer_on_the_bill(keeper: Keeper) -> None:
    body = {"acct": KEY.account_id, "faces_delta": 4, "op": "IndexFaces"}
    permission = keeper.log.append("auth", body={"acct": KEY.account_id}, fields={"d": "allow"})
    keeper.log.append("use", units=1, body=body, settles=permission).wait()
    keeper.enrol(4)
    days(keeper, 1)
    keeper.clock.advance(2 * DAY_MS)
    keeper.retention().run()
    keeper.log.flush()
    month = Month.of(keeper.clock.now_ms())
    prices = load_prices(default_prices())
    (bill,) = keeper.statements.bill(month, prices).bills.values()
    assert "Faces kept" in str(bill["lines"]), "they were there for two days"
    after = Month.of(month.end)
    assert dict(keeper.statements.bill(after, prices).bills) == {}, "and cost nothing afterwards"
