"""Two-person review: results of searches held back, shown to reviewers, decided, released. Each decision is on record.

In: matches of a search under the obligation, and commands of the people of an account. Out: the same matches with
tokens for names, and later the names. A decision is in the ledger before it counts: a crash in between leaves a record
of a decision that has to be made again, never a decision without a record.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.core.ids import AccountId, FaceId, UserId
from custodes.gallery.entities import CollectionKey, Face, GalleryUser
from custodes.gallery.ports import GalleryStore
from custodes.governance import review as rules
from custodes.governance.review import Candidate, Review, ReviewPerson, ReviewVote
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals
from custodes.operations.reviews.ports import ReviewStore

DAY_MS = 86_400_000
MAX_LISTED = 100
_ID_LETTERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReviews(Command):
    """Reviews of the account, oldest first, behind the one with id ``after``."""

    operation: ClassVar[str] = "ListReviews"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    after: str | None = None
    limit: int = MAX_LISTED

    def check(self) -> None:
        """A page holds 1 to 100."""
        if not 1 <= self.limit <= MAX_LISTED:
            raise InvalidParameterError(f"limit is between 1 and {MAX_LISTED}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GetReview(Command):
    """One review, by its id or by a token of an answer."""

    operation: ClassVar[str] = "GetReview"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decide(Command):
    token: str
    reason: str = ""

    def check(self) -> None:
        """A reason is short."""
        if len(self.reason) > rules.MAX_REASON_LENGTH:
            raise InvalidParameterError(f"a reason has at most {rules.MAX_REASON_LENGTH} letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmReview(_Decide):
    """The identification was verified and is right."""

    operation: ClassVar[str] = "ConfirmReview"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectReview(_Decide):
    """The identification is not to be used."""

    operation: ClassVar[str] = "RejectReview"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReview(Command):
    """Tell the result of a review that two persons have confirmed."""

    operation: ClassVar[str] = "ReleaseReview"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True)
    token: str


OPERATIONS = tuple(kind.operation for kind in (ListReviews, GetReview, ConfirmReview, RejectReview, ReleaseReview))


@dataclass(frozen=True, slots=True)
class Shown:
    """One candidate as somebody may see it: its tokens, and face or user unless held back or erased since."""

    similarity_pct: float
    face_token: FaceId
    name_token: str
    face: Face | None = None
    user: GalleryUser | None = None


@dataclass(frozen=True, slots=True)
class OpenedReview:
    """A review as somebody may see it; ``candidates`` have no names where it is ``sealed`` to them."""

    review: Review
    sealed: bool
    candidates: tuple[Shown, ...]
    picture: bytes | None


class Holding(Protocol):
    """Where searches leave what they must not tell."""

    def hold(self, permit: Permit, found: Found) -> Review:
        """Keep ``found`` for review; durable when it returns. Raises UnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: its candidates, and the face that it looked for as a JPEG with the picture's digest.

    With a ``subject``, the same requester who finds the same candidates again finds the same review again.
    """

    operation: str
    key: CollectionKey
    candidates: tuple[Candidate, ...]
    picture: bytes | None = None
    picture_sha256: str = ""
    subject: str = ""

    def review_id(self, requester: ReviewPerson) -> str:
        """The id of the review of this subject for ``requester``."""
        faces = [str(one.face_id or one.user_id) for one in self.candidates]
        named = "\n".join([self.operation, self.key.collection_id, self.subject, requester.key, *faces])
        return hashlib.sha256(named.encode()).hexdigest()[:_ID_LETTERS]


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """How reviews are kept: ``who`` tells which person a caller is; after ``days`` a review is destroyed."""

    who: Callable[[Caller], ReviewPerson]
    clock: Clock
    random: Callable[[int], bytes]
    days: int


class Reviews:
    """The use cases of reviews."""

    def __init__(self, store: ReviewStore, gallery: GalleryStore, log: LedgerWriter, terms: ReviewTerms) -> None:
        """Keep reviews in ``store``, look names up in ``gallery``, put decisions on record in ``log``."""
        self._store = store
        self._gallery = gallery
        self._log = log
        self._who = terms.who
        self._clock = terms.clock
        self._random = terms.random
        self._keep_ms = terms.days * DAY_MS
        self._deciding = threading.Lock()

    def hold(self, permit: Permit, found: Found) -> Review:
        """See Holding."""
        if not found.subject:
            return self._opened_anew(permit, found, self._random(_ID_LETTERS // 2).hex())
        caller = permit.context.caller
        review_id = found.review_id(self._who(caller))
        with self._deciding:
            earlier = self._store.find(caller.account_id, review_id)
            if earlier is not None and earlier.expires_ts_ms > self._clock.now_ms():
                return earlier
            return self._opened_anew(permit, found, review_id)

    def _opened_anew(self, permit: Permit, found: Found, review_id: str) -> Review:
        context = permit.context
        review = Review(
            review_id=review_id,
            account_id=context.caller.account_id,
            collection_id=found.key.collection_id,
            operation=found.operation,
            requester=self._who(context.caller),
            request_id=context.request_id,
            created_ts_ms=context.ts_ms,
            expires_ts_ms=context.ts_ms + self._keep_ms,
            secret=self._random(rules.SECRET_BYTES),
            candidates=found.candidates,
            picture=found.picture,
            picture_sha256=found.picture_sha256,
        )
        self._store.put(review)
        permit.tally.add(reviews_opened=1)
        return review

    def listing(self, permit: Permit, command: ListReviews) -> Sequence[Review]:
        """A page of reviews, without what they hold back."""
        caller = permit.context.caller
        return self._store.listing(caller.account_id, self._clock.now_ms(), command.after, command.limit)

    def show(self, permit: Permit, command: GetReview) -> OpenedReview:
        """One review as the caller may see it. Raises NotFoundError."""
        return self._opened(self._find(permit, command.token), self._who(permit.context.caller))

    def confirm(self, permit: Permit, command: ConfirmReview) -> OpenedReview:
        """Put a confirmation on record and count it. Raises as ``governance.review.vote``, and NotFoundError."""
        return self._decide(permit, command, confirms=True)

    def reject(self, permit: Permit, command: RejectReview) -> OpenedReview:
        """Put a rejection on record and destroy what was held back. Raises as ``confirm``."""
        return self._decide(permit, command, confirms=False)

    def release(self, permit: Permit, command: ReleaseReview) -> OpenedReview:
        """Tell the names. Raises ConflictError before two persons have confirmed, and NotFoundError."""
        with self._deciding:
            found = self._find(permit, command.token)
            done = rules.release(found, self._clock.now_ms())
            if done is not found:
                self._record(permit, done, "release")
                self._store.put(done)
        return self._opened(done, self._who(permit.context.caller))

    def sweep(self) -> int:
        """Destroy what has expired; returns how many reviews that were.

        Raises:
            UnavailableError: the store or the ledger cannot be written; expired reviews are not found all the same.
        """
        gone = self._store.remove_expired(self._clock.now_ms())
        if gone:
            _writing(lambda: self._log.commit("rev", body={"what": "expire"}, fields={"n": gone}))
        return gone

    def _decide(self, permit: Permit, command: _Decide, *, confirms: bool) -> OpenedReview:
        voter = self._who(permit.context.caller)
        with self._deciding:
            found = self._find(permit, command.token)
            done = rules.vote(found, ReviewVote(voter, confirms, self._clock.now_ms(), command.reason))
            self._record(permit, done, "confirm" if confirms else "reject")
            self._store.put(done)
        return self._opened(done, voter)

    def _record(self, permit: Permit, review: Review, what: str) -> None:
        caller = permit.context.caller
        body: Mapping[str, object] = {
            "acct": review.account_id,
            "arn": caller.arn,
            "key": caller.access_key_id,
            "person": self._who(caller).key,
            "request_id": permit.context.request_id,
            "review": review.review_id,
            "search": review.request_id,
            "what": what,
        }
        count = sum(vote.confirms for vote in review.votes)
        _writing(lambda: self._log.commit("rev", body=body, fields={"n": count}))

    def _find(self, permit: Permit, token: str) -> Review:
        account_id = permit.context.caller.account_id
        found = self._store.find(account_id, rules.review_of(token))
        if found is None or found.expires_ts_ms <= self._clock.now_ms() or not rules.is_token_of(found, token):
            raise NotFoundError("There is no such review")
        return found

    def _opened(self, review: Review, reader: ReviewPerson) -> OpenedReview:
        sealed = not review.shows_candidates_to(reader)
        known = _Names({}, {}) if sealed else self._names(review)
        shown = tuple(
            Shown(
                each.similarity_milli / 1000,
                rules.face_token(review, at),
                rules.external_token(review, at) if each.user_id is None else rules.user_token(review, at),
                known.faces.get(FaceId(each.face_id or "")),
                known.users.get(UserId(each.user_id or "")),
            )
            for at, each in enumerate(review.candidates)
        )
        return OpenedReview(review, sealed, shown, None if sealed else review.picture)

    def _names(self, review: Review) -> _Names:
        key = CollectionKey(AccountId(review.account_id), review.collection_id)
        faces = [FaceId(each.face_id) for each in review.candidates if each.face_id is not None]
        users = [UserId(each.user_id) for each in review.candidates if each.user_id is not None]
        try:
            return _Names(
                dict(self._gallery.faces_by_id(key, faces)),
                {user_id: found for user_id in users if (found := self._user(key, user_id)) is not None},
            )
        except NotFoundError:
            return _Names({}, {})  # the collection is gone with everybody in it

    def _user(self, key: CollectionKey, user_id: UserId) -> GalleryUser | None:
        try:
            return self._gallery.user(key, user_id)
        except NotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class _Names:
    faces: Mapping[FaceId, Face]
    users: Mapping[UserId, GalleryUser]


def _writing(work: Callable[[], object]) -> None:
    try:
        work()
    except (LedgerUnavailableError, EntryError, BodyError) as error:
        raise UnavailableError("The ledger cannot be written now, so nothing is decided.") from error
