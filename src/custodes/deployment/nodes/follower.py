"""What every server among several does: operations on faces and pictures, by what all of them share.

In: settings, the shared database and log, networks. Out: an application, and what brings it up to what others changed.
It changes no accounts, rules or verdicts, erases nothing and has no schedules but its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from custodes.core.clock import SystemClock
from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId, FaceId
from custodes.deployment.galleries import ServedGallery, known_people
from custodes.deployment.governance.gate import gate_of, recorder_of
from custodes.deployment.networks.computing import Computing
from custodes.deployment.networks.scores import score_rates
from custodes.deployment.record.ledger import reconciled
from custodes.deployment.record.sharing import ACCOUNTS, INCIDENTS, LISTS, RULES, SCREENING
from custodes.deployment.server import new_request_id, page_key
from custodes.deployment.storage.objects import bucket_objects
from custodes.deployment.tracing import Tracing
from custodes.edge.app import AppParts, create_app
from custodes.edge.aws.model import load_service
from custodes.edge.aws.sts import handlers as sts_handlers
from custodes.edge.aws.translate.catalogue import handlers
from custodes.edge.endpoints.api import Limits
from custodes.edge.endpoints.ledger import PublicLedger, mounted
from custodes.edge.endpoints.node import OPERATIONS
from custodes.gallery.entities import Collection, CollectionKey, GalleryUser
from custodes.jobs.schedule import MINUTE_MS, Schedule, Scheduler, regularly
from custodes.ledger.sequence.log import SequencedLog
from custodes.ledger.writer.ports import TileStore
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.sts import SecurityTokens
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.catalogue import Ports, build
from custodes.operations.policy.account_facts import AccountProfiles
from custodes.operations.policy.account_status import AccountStanding
from custodes.operations.policy.authorisations import Authorisations
from custodes.operations.policy.decide import PolicyLayers
from custodes.operations.policy.facts import PolicyFacts
from custodes.operations.policy.followed_rules import FollowedRules
from custodes.operations.policy.tenant import AccountPolicies
from custodes.operations.record.housekeeping import LEDGER_ERRORS
from custodes.operations.record.incidents.incidents import RecognitionStop
from custodes.operations.record.release import release_of
from custodes.operations.record.start import announce
from custodes.operations.requests.gate import Policy
from custodes.operations.reviews.persons import ReviewPersons
from custodes.operations.reviews.reviews import Reviews, ReviewTerms
from custodes.operations.screening.account_effects import ScreenedFacts
from custodes.operations.screening.followed_verdicts import FollowedVerdicts
from custodes.settings import Settings
from custodes.storage.files.credentials import OperatorKeys
from custodes.storage.ledger.documents import public_documents
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master
from custodes.storage.sql.nodes.cases import CASES, SharedCases
from custodes.storage.sql.nodes.notes import SharedNotes
from custodes.storage.sql.reviews import SqlReviewStore
from custodes.storage.sql.screening.cases import SealedCases

_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class FollowerParts:
    """What a follower is made of; all of it stays the caller's to close.

    Attributes:
        settings: all of them.
        database: shared.
        keys: the operator's.
        directory: of this server alone, as far as it reads it.
        notes: what others say that they changed.
        log: shared.
        tiles: the log's public files.
        served: the gallery, which follows what others change.
        computing: networks.
        tracing: spans around requests; None for none.
    """

    settings: Settings
    database: Database
    keys: OperatorKeys
    directory: AccountDirectory
    notes: SharedNotes
    log: SequencedLog
    tiles: TileStore
    served: ServedGallery
    computing: Computing
    tracing: Tracing | None


class ErasedElsewhere:
    """Stands where erasures are told: operations that erase are not done here."""

    def erase(self, key: CollectionKey, face_ids: Sequence[Any]) -> None:  # noqa: ARG002 - the port
        """See Erasures."""
        raise UnavailableError("this server does not erase")

    def stayed(self, key: CollectionKey, face_ids: Sequence[Any]) -> None:  # noqa: ARG002 - the port
        """See Erasures."""
        raise UnavailableError("this server does not erase")

    def erase_collection(self, collection: Collection) -> None:  # noqa: ARG002 - the port
        """See Erasures."""
        raise UnavailableError("this server does not erase")

    def erase_user(self, key: CollectionKey, user: GalleryUser) -> None:  # noqa: ARG002 - the port
        """See Erasures."""
        raise UnavailableError("this server does not erase")

    def created_user(self, key: CollectionKey, user: GalleryUser) -> None:  # noqa: ARG002 - the port
        """See Erasures."""
        raise UnavailableError("this server does not erase")

    def erased(self, account_id: AccountId, face_ids: Sequence[Any]) -> Set[FaceId]:  # noqa: ARG002 - the port
        """See Erasures."""
        raise UnavailableError("this server does not know what was erased")


class Followed:
    """What a follower has in memory, each part with how often it had changed when it was read."""

    def __init__(self, parts: FollowerParts) -> None:
        """Know nothing yet but accounts."""
        operator, database = parts.keys.account_id, parts.database
        master = open_master(database, parts.settings.data, os.urandom)
        self._notes = parts.notes
        self._lock = threading.Lock()
        self._seen: Mapping[str, int] = {}
        self.rules = FollowedRules()
        self.verdicts = FollowedVerdicts(SealedCases(database, operator, master))
        self.cases = Authorisations(SharedCases(parts.notes), parts.log, SystemClock())
        self._incident: int | None = None
        self._reloads: Mapping[str, Callable[[], None]] = {
            ACCOUNTS: parts.directory.reload,
            SCREENING: self.verdicts.reload,
            CASES: self.cases.reload,
            RULES: self._read_rules,
            LISTS: self._read_lists,
            INCIDENTS: self._read_incident,
        }

    def follow(self) -> None:
        """Read what changed. Raises UnavailableError: it cannot be read; nobody may be served by what was before."""
        with self._lock:
            now = self._notes.changes()
            for name, reload in self._reloads.items():
                if now.get(name) != self._seen.get(name):
                    reload()
            self._seen = now

    def wait(self, timeout_s: float) -> None:
        """Return once some server has told what there is. Raises UnavailableError: none does."""
        end = time.monotonic() + timeout_s
        while not {RULES, LISTS, INCIDENTS} <= self._notes.changes().keys():
            if time.monotonic() > end:
                raise UnavailableError("no server took up the duties; its log says why")
            time.sleep(_LOOK_S)
        self.follow()

    def incident(self) -> int | None:
        """The incident that stops recognition."""
        return self._incident

    def _read_rules(self) -> None:
        self.rules.reload(self._notes.value(RULES) or b"")

    def _read_lists(self) -> None:
        self.verdicts.lists_digest = self._told(LISTS)

    def _read_incident(self) -> None:
        told = self._told(INCIDENTS)
        self._incident = int(told) if told else None

    def _told(self, name: str) -> str:
        return (self._notes.value(name) or b"").decode()


@contextmanager
def open_follower(
    parts: FollowerParts, followed: Followed, health: Callable[[], Mapping[str, object]]
) -> Iterator[Any]:
    """The application of a follower, announced in the log; its own schedules run until the end of the block.

    Raises:
        UnavailableError: the ledger cannot be written.
    """
    settings, clock, service = parts.settings, SystemClock(), load_service()
    release = release_of(settings.shown)
    announce(parts.log, release)
    gate = gate_of(
        parts.tracing,
        _policy(parts, followed),
        recorder_of(parts.settings, parts.log, parts.computing.faces, release, parts.computing),
        parts.directory,
    )
    operations = build(_ports(parts))
    found = handlers(gate, operations, settings.region)
    uses = Schedule("uses of keys", 10 * MINUTE_MS, regularly(parts.directory.save_uses))
    with (
        reconciled(parts.log, parts.computing.meter) as daily,
        closing(Scheduler((uses, daily, *parts.served.schedules), clock, LEDGER_ERRORS)) as scheduler,
    ):
        scheduler.start()
        yield create_app(
            AppParts(
                service=service,
                handlers={name: found[name] for name in OPERATIONS},
                sts_handlers=sts_handlers(gate, SecurityTokens(parts.directory, clock)),
                keys=parts.directory,
                throttle=Throttle(settings.account_limits, parts.directory.limits, time.monotonic),
                clock=clock,
                region=settings.region,
                accepted_regions=settings.signed_regions,
                page_origins=settings.page_origins,
                request_ids=new_request_id,
                ready=lambda: True,
                limits=Limits(worker_threads=settings.workers, in_flight=settings.in_flight),
                metrics_public=settings.metrics_public,
                extra_routes=(mounted(PublicLedger(parts.tiles, parts.log.proof, public_documents(settings.data))),),
                schedules=scheduler.states,
                health=lambda: {**health(), **parts.served.health()},
            )
        )


def _policy(parts: FollowerParts, followed: Followed) -> Policy:
    directory = parts.directory
    facts = PolicyFacts(
        AccountProfiles(directory).of,
        ScreenedFacts(followed.verdicts, parts.keys.account_id),
        followed.cases.state,
    )
    tenant = AccountPolicies(directory, parts.served.gallery.tags)
    layers = PolicyLayers(followed.rules.in_force, facts, tenant, followed.cases.begin)
    return RecognitionStop(followed.incident, AccountStanding(directory, layers))


def _ports(parts: FollowerParts) -> Ports:
    settings, database, clock = parts.settings, parts.database, SystemClock()
    store = SqlReviewStore(database, open_master(database, settings.data, os.urandom))
    terms = ReviewTerms(ReviewPersons(parts.directory), clock, os.urandom, settings.review_days)
    return Ports(
        parts.computing.faces,
        parts.served.gallery,
        bucket_objects(settings),
        clock,
        page_key(parts.keys),
        erasures=ErasedElsewhere(),
        holding=Reviews(store, parts.served.gallery, parts.log, terms),
        text=parts.computing.text,
        sight=parts.computing.sight,
        celebrities=known_people(database, parts.keys, settings),
        false_match_rate=score_rates(settings).false_match_rate,
    )
