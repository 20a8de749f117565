"""Reviews over a real ledger and database: decisions on record first, races, crashes, time, erasure."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pytest

from custodes.core.clock import FixedClock
from custodes.core.errors import ConflictError, CustodesError, DeniedError, NotFoundError, UnavailableError
from custodes.core.ids import AccountId, CollectionId, FaceId, RequestId, UserId
from custodes.core.slot import Slot
from custodes.gallery.entities import CollectionKey
from custodes.governance.review import TWO_PERSON_REVIEW, Candidate, Review, ReviewPerson, ReviewState
from custodes.ledger.tlog.entry import decode
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.ledger.writer.log import LedgerLog
from custodes.operations.requests.context import Caller, Context, Principal
from custodes.operations.requests.gate import Permit, Tally
from custodes.operations.reviews.redaction import Sought, seal_faces, seal_users
from custodes.operations.reviews.reviews import (
    DAY_MS,
    ConfirmReview,
    Found,
    GetReview,
    ListReviews,
    RejectReview,
    ReleaseReview,
    Reviews,
    ReviewTerms,
)
from custodes.storage.ledger.open import LedgerPaths, open_ledger, read_bodies
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master
from custodes.storage.sql.reviews import SqlReviewStore
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.schema import open_sqlite
from tests.fakes.vectors import collection, new_face, units

MINE, OTHER = AccountId("111111111111"), AccountId("222222222222")
KEY = CollectionKey(MINE, CollectionId("people"))


def who(caller: Caller) -> ReviewPerson:
    return ReviewPerson(caller.principal.principal_id, caller.arn, caller.principal.path.startswith("user/"))


def permit(name: str, clock: FixedClock, account: AccountId = MINE) -> Permit:
    principal = Principal(f"user/{name}", name)
    caller = Caller(account, f"AK{name}", f"arn:aws:iam::{account}:user/{name}", "eu-central-1", principal=principal)
    context = Context(caller, RequestId(f"request of {name}"), clock.now_ms())
    return Permit(context, Slot(0, context.request_id), Tally(), obligations=frozenset({TWO_PERSON_REVIEW}))


@dataclass
class Office:
    data: Path
    clock: FixedClock
    gallery: MemoryGalleryStore
    database: Database
    log: LedgerLog

    @property
    def reviews(self) -> Reviews:
        return self.reviews_in(SqlReviewStore)

    def reviews_in(self, kind: type[SqlReviewStore]) -> Reviews:
        """The same over another kind of store."""
        store = kind(self.database, open_master(self.database, self.data, os.urandom))
        return Reviews(store, self.gallery, self.log, ReviewTerms(who, self.clock, os.urandom, 30))

    def permit(self, name: str, account: AccountId = MINE) -> Permit:
        return permit(name, self.clock, account)

    def held(self) -> Review:
        faces = self.gallery.faces(KEY, None, 10).items
        candidates = tuple(Candidate(99_000, face_id=face.face_id) for face in faces)
        return self.reviews.hold(self.permit("asker"), Found("SearchFacesByImage", KEY, candidates, b"jpeg", "00"))

    def recorded(self) -> list[tuple[str, str]]:
        """(what, user) of each ``rev`` entry."""
        self.log.flush()
        bodies, key = read_bodies(self.data), load_or_create_secret(LedgerPaths(self.data).body_key)
        found = []
        for index, envelope in self.log.tree().entries():
            entry = decode(envelope)
            if entry.kind == "rev":
                sealed = bodies.get(index)
                assert sealed is not None
                assert entry.commitment is not None
                body = orjson.loads(unseal(sealed, entry.commitment, key))
                found.append((body["what"], body.get("arn", "").rpartition("/")[2]))
        return found


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    data, clock = tmp_path / "data", FixedClock()
    database = open_sqlite(data)
    log = open_ledger(data, "ledger.example/1", clock)
    log.start()
    gallery = MemoryGalleryStore()
    gallery.create_collection(collection(KEY), {})
    gallery.add_faces(KEY, [replace(new_face(vector), external_image_id="ann") for vector in units(1, 2)])
    try:
        yield Office(data, clock, gallery, database, log)
    finally:
        log.close()
        database.close()


def test_two_confirmations_release_and_both_are_on_record(office: Office) -> None:
    review = office.held()
    reviews, token = office.reviews, review.review_id
    assert reviews.show(office.permit("asker"), GetReview(token=token)).sealed
    seen = reviews.show(office.permit("ann"), GetReview(token=token))
    assert [each.face.external_image_id for each in seen.candidates if each.face] == ["ann", "ann"]
    assert seen.picture == b"jpeg"
    reviews.confirm(office.permit("ann"), ConfirmReview(token=token))
    with pytest.raises(ConflictError):
        reviews.release(office.permit("asker"), ReleaseReview(token=token))
    reviews.confirm(office.permit("bob"), ConfirmReview(token=token))
    value = reviews.release(office.permit("asker"), ReleaseReview(token=token))
    assert not value.sealed
    assert all(each.face is not None for each in value.candidates)
    assert office.recorded() == [("confirm", "ann"), ("confirm", "bob"), ("release", "asker")]
    reviews.release(office.permit("asker"), ReleaseReview(token=token))
    assert len(office.recorded()) == 3


def test_another_account_finds_nothing_whatever_it_tries(office: Office) -> None:
    review = office.held()
    stranger = office.permit("eve", OTHER)
    for attempt in (
        lambda: office.reviews.show(stranger, GetReview(token=review.review_id)),
        lambda: office.reviews.confirm(stranger, ConfirmReview(token=review.review_id)),
        lambda: office.reviews.reject(stranger, RejectReview(token=review.review_id)),
        lambda: office.reviews.release(stranger, ReleaseReview(token=review.review_id)),
    ):
        with pytest.raises(NotFoundError):
            attempt()
    assert list(office.reviews.listing(stranger, ListReviews())) == []
    assert office.recorded() == []


def test_refused_decisions_leave_no_entry(office: Office) -> None:
    token = office.held().review_id
    with pytest.raises(DeniedError):
        office.reviews.confirm(office.permit("asker"), ConfirmReview(token=token))
    office.reviews.confirm(office.permit("ann"), ConfirmReview(token=token))
    with pytest.raises(ConflictError):
        office.reviews.confirm(office.permit("ann"), ConfirmReview(token=token))
    assert office.recorded() == [("confirm", "ann")]


def test_of_many_who_decide_at_once_two_confirm_and_the_rest_are_told(office: Office) -> None:
    token, reviews = office.held().review_id, office.reviews
    outcomes: list[str] = []

    def decide(name: str) -> None:
        try:
            reviews.confirm(office.permit(name), ConfirmReview(token=token))
            outcomes.append("counted")
        except CustodesError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=decide, args=(f"user-{number % 4}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("counted") == 2
    assert outcomes.count("ConflictError") == 10
    found = reviews.show(office.permit("ann"), GetReview(token=token)).review
    assert len({vote.person.key for vote in found.votes}) == len(found.votes) == 2
    assert len(office.recorded()) == 2


def test_after_a_crash_between_record_and_count_the_decision_is_made_again(office: Office) -> None:
    review = office.held()

    class Crashes(SqlReviewStore):
        def put(self, review: Review) -> None:
            raise UnavailableError("power cut")

    broken = office.reviews_in(Crashes)
    with pytest.raises(UnavailableError):
        broken.confirm(office.permit("ann"), ConfirmReview(token=review.review_id))
    assert office.recorded() == [("confirm", "ann")]
    after = office.reviews
    assert after.show(office.permit("ann"), GetReview(token=review.review_id)).review.votes == ()
    after.confirm(office.permit("ann"), ConfirmReview(token=review.review_id))
    assert after.show(office.permit("ann"), GetReview(token=review.review_id)).review.state is ReviewState.PENDING
    again = office.reviews  # and a restart between the confirmations loses none
    again.confirm(office.permit("bob"), ConfirmReview(token=review.review_id))
    assert again.show(office.permit("ann"), GetReview(token=review.review_id)).review.state is ReviewState.CONFIRMED


def test_without_a_ledger_that_can_be_written_nothing_is_decided(office: Office) -> None:
    review = office.held()
    office.log.close()
    with pytest.raises(UnavailableError):
        office.reviews.confirm(office.permit("ann"), ConfirmReview(token=review.review_id))
    assert office.reviews.show(office.permit("ann"), GetReview(token=review.review_id)).review.votes == ()


def test_after_thirty_days_nothing_is_left(office: Office) -> None:
    review = office.held()
    office.clock.advance(30 * DAY_MS - 1)
    office.reviews.confirm(office.permit("ann"), ConfirmReview(token=review.review_id))
    assert office.reviews.sweep() == 0
    office.clock.advance(1)
    with pytest.raises(NotFoundError):
        office.reviews.confirm(office.permit("bob"), ConfirmReview(token=review.review_id))
    assert list(office.reviews.listing(office.permit("ann"), ListReviews())) == []
    assert office.reviews.sweep() == 1
    assert office.recorded()[-1] == ("expire", "")
    assert office.reviews.sweep() == 0


def test_who_was_erased_meanwhile_is_not_told(office: Office) -> None:
    review = office.held()
    first, second = (FaceId(str(each.face_id)) for each in review.candidates)
    office.gallery.delete_faces(KEY, [first])
    seen = office.reviews.show(office.permit("ann"), GetReview(token=review.review_id))
    assert [None if each.face is None else each.face.face_id for each in seen.candidates] == [None, second]
    office.gallery.delete_collection(KEY)
    seen = office.reviews.show(office.permit("ann"), GetReview(token=review.review_id))
    assert [each.face for each in seen.candidates] == [None, None]


def test_users_are_held_back_like_faces(office: Office) -> None:
    office.gallery.create_user(KEY, UserId("cleo"))
    found = Found("SearchUsers", KEY, (Candidate(99_000, user_id="cleo"), Candidate(98_000, user_id="gone")))
    review = office.reviews.hold(office.permit("asker"), found)
    assert [
        each.user for each in office.reviews.show(office.permit("asker"), GetReview(token=review.review_id)).candidates
    ] == [None, None]
    seen = office.reviews.show(office.permit("ann"), GetReview(token=review.review_id)).candidates
    assert [None if each.user is None else each.user.user_id for each in seen] == ["cleo", None]


def test_every_match_of_a_search_is_sealed_not_only_the_first(office: Office) -> None:
    faces = [(face, 99.5 - at) for at, face in enumerate(office.gallery.faces(KEY, None, 10).items)]
    assert len(faces) == 2
    told = seal_faces(office.reviews, office.permit("asker"), Sought("SearchFaces", KEY), faces)
    assert [match.similarity_pct for match in told] == [99.5, 98.5]
    words = [word for match in told for word in (match.face_id, match.external_image_id, match.user_id)]
    names = {face.face_id for face, _ in faces} | {"ann"}
    assert not names & set(words)
    assert len(set(words)) == len(words), "a token never says that two are one"
    assert all(match.external_image_id.startswith("sealed:") for match in told)
    seen = office.reviews.show(office.permit("ann"), GetReview(token=told[1].external_image_id))
    assert [each.face.face_id for each in seen.candidates if each.face] == [face.face_id for face, _ in faces]
    hidden = office.reviews.show(office.permit("asker"), GetReview(token=told[1].external_image_id))
    assert [each.face for each in hidden.candidates] == [None, None]


def test_every_user_that_a_search_found_is_sealed_not_only_the_first(office: Office) -> None:
    users = []
    for name in ("cleo", "dora"):
        office.gallery.create_user(KEY, UserId(name))
        users.append((office.gallery.user(KEY, UserId(name)), 99.5))
    told = seal_users(office.reviews, office.permit("asker"), Sought("SearchUsers", KEY), users)
    assert [user.user_id[:7] for user, _ in told] == ["sealed:", "sealed:"]
    assert len({user.user_id for user, _ in told}) == 2


def test_a_rejected_search_tells_nothing_to_anybody(office: Office) -> None:
    review = office.held()
    office.reviews.reject(office.permit("ann"), RejectReview(token=review.review_id, reason="another person"))
    seen = office.reviews.show(office.permit("bob"), GetReview(token=review.review_id))
    assert (seen.candidates, seen.picture, seen.review.state) == ((), None, ReviewState.REJECTED)
    with pytest.raises(ConflictError):
        office.reviews.confirm(office.permit("bob"), ConfirmReview(token=review.review_id))
