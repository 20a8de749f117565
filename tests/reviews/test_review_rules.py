"""Who may decide on an identification, and when it is told: the rules by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import ConflictError, CustodesError, DeniedError
from custodes.core.ids import AccountId, CollectionId
from custodes.edge.aws.model import Shape, load_service
from custodes.governance.review import (
    Candidate,
    Review,
    ReviewPerson,
    ReviewState,
    ReviewVote,
    decoded,
    encoded,
    external_token,
    face_token,
    is_token_of,
    release,
    review_of,
    user_token,
    vote,
)

ASKER = ReviewPerson("asker", "arn:aws:iam::111111111111:user/asker", is_user=True)
ANN = ReviewPerson("ann", "arn:aws:iam::111111111111:user/ann", is_user=True)
BOB = ReviewPerson("bob", "arn:aws:iam::111111111111:user/bob", is_user=True)
ROOT = ReviewPerson("root", "arn:aws:iam::111111111111:root", is_user=False)
REVIEW = Review(
    review_id="0f" * 16,
    account_id=AccountId("111111111111"),
    collection_id=CollectionId("people"),
    operation="SearchFacesByImage",
    requester=ASKER,
    request_id="r-1",
    created_ts_ms=1000,
    expires_ts_ms=2000,
    secret=bytes(range(32)),
    candidates=(Candidate(99_500, face_id="f-1"), Candidate(99_100, face_id="f-2")),
    picture=b"\xff\xd8 a face",
)


def cast(person: ReviewPerson, *, confirms: bool = True) -> ReviewVote:
    return ReviewVote(person, confirms, 1500)


def test_two_different_persons_open_it() -> None:
    once = vote(REVIEW, cast(ANN))
    assert once.state is ReviewState.PENDING
    with pytest.raises(ConflictError, match="pending"):
        release(once, 1600)
    twice = vote(once, cast(BOB))
    assert twice.state is ReviewState.CONFIRMED
    opened = release(twice, 1600)
    assert (opened.state, opened.released_ts_ms) == (ReviewState.RELEASED, 1600)
    assert release(opened, 1700) is opened


@pytest.mark.parametrize(
    ("votes", "last", "error"),
    [
        ([ANN], ANN, ConflictError),
        ([], ASKER, DeniedError),
        ([], ROOT, DeniedError),
        ([ANN], replace(ANN, arn="arn:aws:iam::111111111111:user/renamed"), ConflictError),
        ([ANN, BOB], ReviewPerson("cleo", "arn:aws:iam::111111111111:user/cleo", is_user=True), ConflictError),
    ],
    ids=["twice", "requester", "root", "same-person-other-name", "after-the-second"],
)
def test_who_may_not_decide(votes: list[ReviewPerson], last: ReviewPerson, error: type[CustodesError]) -> None:
    review = REVIEW
    for person in votes:
        review = vote(review, cast(person))
    with pytest.raises(error):
        vote(review, cast(last))
    with pytest.raises(error):
        vote(review, cast(last, confirms=False))


def test_one_rejection_ends_it_and_destroys_what_was_held() -> None:
    rejected = vote(vote(REVIEW, cast(ANN)), cast(BOB, confirms=False))
    assert (rejected.state, rejected.candidates, rejected.picture) == (ReviewState.REJECTED, (), None)
    with pytest.raises(ConflictError):
        release(rejected, 1600)
    with pytest.raises(ConflictError):
        vote(rejected, cast(ANN))


@given(st.lists(st.tuples(st.sampled_from([ASKER, ANN, BOB, ROOT]), st.booleans()), max_size=8))
def test_whatever_happens_nothing_opens_without_two_other_users(steps: list[tuple[ReviewPerson, bool]]) -> None:
    review = REVIEW
    for person, confirms in steps:
        with suppress(CustodesError):
            review = vote(review, cast(person, confirms=confirms))
        with suppress(ConflictError):
            review = release(review, 1900)
    confirmed = {each.person.key for each in review.votes if each.confirms}
    if review.state is ReviewState.RELEASED:
        assert confirmed == {"ann", "bob"}
    assert confirmed <= {"ann", "bob"}


def test_reviewers_see_candidates_and_nobody_else_before_release() -> None:
    assert REVIEW.shows_candidates_to(ANN)
    assert not REVIEW.shows_candidates_to(ASKER)
    assert not REVIEW.shows_candidates_to(ROOT)
    opened = release(vote(vote(REVIEW, cast(ANN)), cast(BOB)), 1600)
    assert opened.shows_candidates_to(ASKER)
    assert opened.shows_candidates_to(ROOT)


def _face_members() -> Mapping[str, Shape]:
    item = load_service().operations["SearchFacesByImage"].output.members["FaceMatches"].item
    assert item is not None
    return item.members["Face"].members


FACE = _face_members()


@given(secret=st.binary(min_size=32, max_size=32), at=st.integers(0, 4095))
def test_tokens_fit_the_members_that_they_stand_in(secret: bytes, at: int) -> None:
    review = replace(REVIEW, secret=secret)
    for member, token in [
        ("FaceId", face_token(review, at)),
        ("ExternalImageId", external_token(review, at)),
        ("UserId", user_token(review, at)),
    ]:
        shape = FACE[member]
        assert shape.pattern is not None
        assert re.fullmatch(shape.pattern, token)
        assert shape.maximum is None or len(token) <= shape.maximum


def test_tokens_are_different_everywhere_and_an_altered_one_is_none() -> None:
    other = replace(REVIEW, secret=bytes(32))
    made = [make(each, at) for each in (REVIEW, other) for at in (0, 1) for make in (external_token, user_token)]
    made += [face_token(each, at) for each in (REVIEW, other) for at in (0, 1)]
    assert len(set(made)) == len(made)
    token = external_token(REVIEW, 1)
    assert review_of(token) == review_of(REVIEW.review_id) == REVIEW.review_id
    assert is_token_of(REVIEW, token)
    assert is_token_of(REVIEW, REVIEW.review_id)
    assert not is_token_of(other, token)
    for at in range(len(token)):
        altered = token[:at] + ("0" if token[at] != "0" else "1") + token[at + 1 :]
        assert not is_token_of(REVIEW, altered)


def test_a_review_survives_its_encoding() -> None:
    voted = vote(REVIEW, ReviewVote(ANN, confirms=True, ts_ms=1500, reason="compared with the file"))
    assert decoded(encoded(voted)) == voted
    assert b"a face" not in repr(voted).encode()
