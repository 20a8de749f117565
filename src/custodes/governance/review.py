"""Review of an identification by two persons: what is held back, who may decide on it, when it is told.

In: candidates of a search, persons, times. Out: reviews as frozen values, and the tokens that stand in an answer for
what they hold back. A review refers to faces and users and never names them, so that whatever is erased meanwhile is
not told any more. No storage, no requests.

Source: Regulation (EU) 2024/1689 art. 14(5): no action on an identification unless it was separately verified by at
least two natural persons.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from custodes.core.errors import ConflictError, DeniedError
from custodes.core.ids import AccountId, CollectionId, ExternalImageId, FaceId, UserId

TWO_PERSON_REVIEW = "two-person-review"
"""The obligation of rules that ask for a review."""
CONFIRMATIONS = 2
SECRET_BYTES = 32
MAX_REASON_LENGTH = 500
_MAC_LETTERS = 32
_TOKEN_PARTS = 5
_KINDS = ("name", "user")


class ReviewState(StrEnum):
    """How far a review is."""

    PENDING = "pending"
    """Fewer than two persons have confirmed."""
    CONFIRMED = "confirmed"
    """Two have, and nobody has asked for the result."""
    RELEASED = "released"
    REJECTED = "rejected"
    """Somebody found the identification wrong; the candidates are destroyed."""


@dataclass(frozen=True, slots=True)
class ReviewPerson:
    """Who acts. ``key`` tells persons apart for good, ``arn`` is how they are shown.

    ``is_user``: a user of the account with a key of their own. The root of an account and sessions of roles are not:
    several people may act as one of them, and one person as several.
    """

    key: str
    arn: str
    is_user: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """One match that is held back: a face or a user, and its similarity in thousandths of a percent."""

    similarity_milli: int
    face_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewVote:
    """What one person found, when, and why."""

    person: ReviewPerson
    confirms: bool
    ts_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A search whose result is held back.

    Attributes:
        review_id: 32 hexadecimal digits.
        account_id: whose search it was.
        collection_id: where it looked.
        operation: name of the search.
        requester: who searched.
        request_id: of the search.
        created_ts_ms: when.
        expires_ts_ms: from then on it does not exist any more, whatever its state.
        secret: what its tokens are made with.
        candidates: best first; empty once rejected.
        picture: JPEG of the face that was searched for, as reviewers see it; None for a search without a picture.
        picture_sha256: of the whole picture as received, in hexadecimal; empty without one.
        votes: in their order.
        released_ts_ms: when it was released.
    """

    review_id: str
    account_id: AccountId
    collection_id: CollectionId
    operation: str
    requester: ReviewPerson
    request_id: str
    created_ts_ms: int
    expires_ts_ms: int
    secret: bytes = field(repr=False)
    candidates: tuple[Candidate, ...]
    picture: bytes | None = field(default=None, repr=False)
    picture_sha256: str = ""
    votes: tuple[ReviewVote, ...] = ()
    released_ts_ms: int | None = None

    @property
    def state(self) -> ReviewState:
        """How far it is."""
        if any(not vote.confirms for vote in self.votes):
            return ReviewState.REJECTED
        if self.released_ts_ms is not None:
            return ReviewState.RELEASED
        return (
            ReviewState.CONFIRMED
            if len({vote.person.key for vote in self.votes}) >= CONFIRMATIONS
            else ReviewState.PENDING
        )

    def shows_candidates_to(self, person: ReviewPerson) -> bool:
        """Whether ``person`` may see who was found: a reviewer has to, everybody else once it is released."""
        return self.state is ReviewState.RELEASED or (person.is_user and person.key != self.requester.key)


def vote(review: Review, cast: ReviewVote) -> Review:
    """``review`` with one more vote. A rejection ends it and destroys what it holds.

    Raises:
        DeniedError: the person searched, or is nobody in particular.
        ConflictError: the person has voted, or the review is over.
    """
    person = cast.person
    if person.key == review.requester.key:
        raise DeniedError("Whoever searched cannot review the result (rule review.requester)")
    if not person.is_user:
        raise DeniedError("Only users of the account review, with their own keys (rule review.person)")
    if review.state is not ReviewState.PENDING:
        raise ConflictError(f"The review is {review.state}")
    if any(earlier.person.key == person.key for earlier in review.votes):
        raise ConflictError("This person has decided already; the second decision has to be another's")
    done = replace(review, votes=(*review.votes, cast))
    return done if cast.confirms else replace(done, candidates=(), picture=None)


def release(review: Review, ts_ms: int) -> Review:
    """``review``, open to whoever may read it.

    Raises:
        ConflictError: it is not confirmed by two persons, or was rejected.
    """
    if review.state is ReviewState.RELEASED:
        return review
    if review.state is not ReviewState.CONFIRMED:
        raise ConflictError(f"The review is {review.state}; {CONFIRMATIONS} persons have to confirm it first")
    return replace(review, released_ts_ms=ts_ms)


def face_token(review: Review, at: int) -> FaceId:
    """Stands for the id of the face of candidate ``at``: a version 4 UUID that no face has."""
    return FaceId(str(uuid.UUID(bytes=_mac(review, "face", at)[:16], version=4)))


def external_token(review: Review, at: int) -> ExternalImageId:
    """Stands for the external name of candidate ``at``, whether it has one or not."""
    return ExternalImageId(_name(review, "name", at))


def user_token(review: Review, at: int) -> UserId:
    """Stands for the user of candidate ``at``, whether it has one or not."""
    return UserId(_name(review, "user", at))


def review_of(token: str) -> str:
    """Id of the review that a token or an id names; whether the token is genuine tells ``is_token_of``."""
    parts = token.split(":")
    return parts[1] if len(parts) == _TOKEN_PARTS else token


def is_token_of(review: Review, token: str) -> bool:
    """Whether ``token`` is the review's id, or one of its tokens as it was given out."""
    if token == review.review_id:
        return True
    parts = token.split(":")
    if len(parts) != _TOKEN_PARTS or parts[2] not in _KINDS or parts[3] not in map(str, range(len(review.candidates))):
        return False
    return hmac.compare_digest(token.encode(), _name(review, parts[2], int(parts[3])).encode())


def _name(review: Review, kind: str, at: int) -> str:
    return f"sealed:{review.review_id}:{kind}:{at}:{_mac(review, kind, at).hex()[:_MAC_LETTERS]}"


def _mac(review: Review, kind: str, at: int) -> bytes:
    return hmac.digest(review.secret, f"{kind}:{at}".encode(), hashlib.sha256)


def encoded(review: Review) -> bytes:
    """JSON bytes with everything that is held back; ``decoded`` reads them. Only ever stored sealed."""
    return msgspec.json.encode(review)


def decoded(data: bytes) -> Review:
    """Read what ``encoded`` wrote."""
    return msgspec.json.decode(data, type=Review)
