"""Retention: faces are erased when they have been kept for as many days as their collection's rule says.

In: rules of collections, set by the operator; the time. Out: faces gone exactly as ``DeleteFaces`` takes them (entries,
tombstones, destroyed keys), and a ``ret`` entry per collection that lost some. The server does so every hour, so a face
outlives its day by an hour at most while the server runs. A run that is cut short is finished by the next one. Faces of
users go too: they leave their user first, whose vector is made anew of the faces that stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.core.ids import AccountId, CollectionId
from custodes.gallery.entities import CollectionKey, Face, RetentionRule
from custodes.gallery.ports import GalleryStore
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.collections.erasure import Erasures, leave_users
from custodes.operations.requests.admin import AccountAdminCommand, AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties

DAY_MS = 86_400_000
MAX_DAYS = 36_500
"""A hundred years; more is a mistake in typing."""
_BATCH = 500
_AT_ONCE = 5000
"""Faces that one run erases by a rule. A large arrear takes several runs, so that other duties are not kept waiting."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a run did by one rule: faces erased, of which ``of_users`` had to leave a user, and faces put off.

    ``more`` says that others are due and were left for the next run, which should follow soon.
    """

    rule: RetentionRule
    before_ts_ms: int
    erased: int
    of_users: int
    put_off: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRetention(AccountAdminCommand):
    """Have faces of a collection erased after so many days; None takes the rule away."""

    operation: ClassVar[str] = "retention set"
    collection: str
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRetention(AdminCommand):
    """All rules."""

    operation: ClassVar[str] = "retention list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule as it is listed."""

    account: str
    collection: str
    days: int


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """All rules."""

    rules: tuple[ListedRule, ...]


def retention_handlers(gallery: GalleryStore, operator: AccountId) -> AdminHandlers:
    """What carries these commands out on ``gallery``; a command that names no account means ``operator``'s.

    They raise InvalidParameterError for a number of days that a rule cannot have, NotFoundError for no such collection.
    """

    def change(command: SetRetention) -> RetentionRules:
        key = CollectionKey(AccountId(command.account or operator), CollectionId(command.collection))
        if command.days is not None and not 1 <= command.days <= MAX_DAYS:
            raise InvalidParameterError(f"a rule is for 1 to {MAX_DAYS} days")
        gallery.set_retention_rule(key, command.days)
        return listed(command)

    def listed(_: AdminCommand) -> RetentionRules:
        rules = gallery.retention_rules()
        return RetentionRules(tuple(ListedRule(one.key.account_id, one.key.collection_id, one.days) for one in rules))

    return {SetRetention: change, ListRetention: listed}


class Retention:
    """Carries the rules out."""

    def __init__(self, gallery: GalleryStore, erasures: Erasures, log: LedgerWriter, clock: Clock) -> None:
        """Erase from ``gallery``, on record in ``log``."""
        self._gallery = gallery
        self._erasures = erasures
        self._log = log
        self._clock = clock

    def run(self) -> tuple[Due, ...]:
        """Erase what is due by all rules; returns what was done, by rule.

        Raises:
            CustodesError: the gallery cannot be read or written, or the ledger not written. What was erased until then
                is on record.
        """
        return tuple(self._carry_out(rule) for rule in self._gallery.retention_rules())

    def _carry_out(self, rule: RetentionRule) -> Due:
        before = self._clock.now_ms() - rule.days * DAY_MS
        erased = of_users = put_off = 0
        more = True
        try:
            while erased < _AT_ONCE:
                # Faces that were put off stay in front, so look past them.
                faces = self._gallery.faces_enrolled_before(rule.key, before, put_off + _BATCH)[put_off:]
                if not faces:
                    more = False
                    break
                gone, left = self._erase(rule.key, faces)
                erased, of_users, put_off = erased + gone, of_users + left, put_off + len(faces) - gone
        except NotFoundError:
            more = False  # the collection was deleted meanwhile, and that was recorded
        finally:
            if erased:
                self._record(rule, before, erased, of_users)
        return Due(rule, before, erased, of_users, put_off, more)

    def _erase(self, key: CollectionKey, faces: Sequence[Face]) -> tuple[int, int]:
        """How many of ``faces`` are gone, and how many of all had a user."""
        busy = leave_users(self._gallery, key, faces)
        free = [face.face_id for face in faces if face.user_id not in busy]
        if not free:
            return 0, 0
        self._erasures.erase(key, free)
        gone = {face.face_id for face in self._gallery.delete_faces(key, free)}
        late = [face_id for face_id in free if face_id not in gone]
        if late:  # somebody gave these to a user, or deleted them, meanwhile
            self._erasures.stayed(key, list(self._gallery.faces_by_id(key, late)))
        return len(gone), sum(face.face_id in gone and face.user_id is not None for face in faces)

    def _record(self, rule: RetentionRule, before: int, erased: int, of_users: int) -> None:
        body = {
            "acct": rule.key.account_id,
            "before": before,
            "collection": rule.key.collection_id,
            "days": rule.days,
            "faces_delta": -erased,
            "of_users": of_users,
        }
        try:
            self._log.append("ret", body=body, fields={"n": erased}).wait_durable()
        except LedgerUnavailableError as error:
            raise UnavailableError("The ledger cannot be written now, so the run is not on record.") from error
