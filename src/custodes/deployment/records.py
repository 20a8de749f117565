"""Everything of a data directory that is on record: its ledger, its accounts, who stands behind them, the rules.

In: an open data directory, and what runs over it. Out: the use cases that the ledger stands behind, put together, and
the schedules that keep them going; closed again in order. Nothing periodic runs before the schedules do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId, RequestId
from custodes.deployment.governance.accounts import schedule_key_uses
from custodes.deployment.governance.customers import open_customers
from custodes.deployment.governance.lists import schedule_lists
from custodes.deployment.governance.policy import open_explanations, open_policy, schedule_policy
from custodes.deployment.governance.reviews import open_reviews, schedule_reviews
from custodes.deployment.governance.screening import schedule_screening
from custodes.deployment.lookups import open_lookups
from custodes.deployment.projects import CustomLabelling
from custodes.deployment.record.anchors import open_anchor
from custodes.deployment.record.backup import BackupPlan, look_where_from, open_backups
from custodes.deployment.record.ledger import (
    LedgerPlace,
    LedgerPlan,
    ServerLedger,
    log_name,
    open_erasures,
    open_server_ledger,
    schedule_ledger,
    schedule_retention,
    schedule_stamps,
)
from custodes.deployment.record.sharing import Sharing
from custodes.deployment.record.stored import in_directory
from custodes.deployment.streams import Streams, schedule_streams
from custodes.deployment.tasks import CollectionTasks
from custodes.deployment.video import Videos, schedule_videos
from custodes.governance.provider.guardrails import DEFAULT_PACKS, shipped, shipped_schema
from custodes.governance.provider.policy_set import DAY_MS, PolicySet
from custodes.jobs.schedule import Schedule
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.accounts.credentials.sign_in_links import SignInLinks
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.collections.celebrity_admin import celebrity_handlers
from custodes.operations.collections.erasure import RecordedErasures
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.retention import retention_handlers
from custodes.operations.policy.account_facts import AccountProfiles
from custodes.operations.policy.account_status import AccountStanding
from custodes.operations.policy.admin import policy_handlers
from custodes.operations.policy.authorisations import Authorisations, case_handlers
from custodes.operations.policy.change_control import Own
from custodes.operations.policy.decide import PolicyLayers
from custodes.operations.policy.facts import PolicyFacts
from custodes.operations.policy.tenant import AccountPolicies
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.projects.upkeep.erasure import erasure_handlers
from custodes.operations.record.admin.ledger import LogRetention, ledger_handlers, no_rotation, rotation_handlers
from custodes.operations.record.administration import Administration
from custodes.operations.record.consent import Consent
from custodes.operations.record.incidents.incidents import RecognitionStop
from custodes.operations.record.start import Release
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.requests.gate import Policy
from custodes.operations.reviews.reviews import Reviews
from custodes.operations.screening.account_effects import ScreenedFacts
from custodes.operations.screening.ports import ScreeningFreshness
from custodes.operations.video.job_admin import job_handlers
from custodes.settings import Settings
from custodes.storage.files.cases import FILE as CASES
from custodes.storage.files.cases import CaseFile
from custodes.storage.files.machine_report import TsmReports
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery.celebrities import SqlCelebrities
from custodes.storage.sql.nodes.cases import SharedCases


@dataclass(frozen=True, slots=True)
class DataParts:
    """What an open data directory consists of, before its ledger is open; ``sharing`` where several servers have it."""

    settings: Settings
    database: Database
    operator: AccountId
    accounts: AccountDirectory
    gallery: Gallery
    videos: Videos
    streams: Streams
    clock: Clock
    request_ids: Callable[[], RequestId]
    labelling: CustomLabelling
    tasks: CollectionTasks
    sharing: Sharing | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """What the ledger stands behind.

    Attributes:
        ledger: the record of use.
        administration: carries out commands of the operator.
        policy: decides about requests, by the provider's rules and the tenant's.
        erasures: destroys faces, on record.
        reviews: results that two persons have to confirm.
        schedules: what is to be done periodically.
        screening: how fresh the screening of customers is.
        sign_in_links: links to the console that were given out.
    """

    ledger: ServerLedger
    administration: Administration
    policy: Policy
    erasures: RecordedErasures
    reviews: Reviews
    schedules: tuple[Schedule, ...]
    sign_in_links: SignInLinks
    screening: Callable[[], ScreeningFreshness]


@contextmanager
def open_records(parts: DataParts, release: Release) -> Iterator[Records]:
    """Open the ledger of a server and all that is on record in it; ``release`` is what runs, for the ``boot`` entry.

    Raises:
        UnavailableError: something cannot be opened, was set back, or is not what the ledger knows.
    """
    settings, data, clock = parts.settings, parts.settings.data, parts.clock
    gallery, directory, operator, sharing = parts.gallery, parts.accounts, parts.operator, parts.sharing
    stored = in_directory(data) if sharing is None else sharing.stored
    machine = None if settings.attestation is None else TsmReports(settings.attestation)
    plan = LedgerPlan(ledger_place(settings, operator, parts.database), release, machine)
    with (
        open_server_ledger(plan, clock, sharing) as ledger,
        open_customers(
            parts.database, settings, directory, ledger.attributed, ledger.statements, operator, clock, sharing
        ) as customers,
        schedule_lists(settings, ledger.attributed, clock) as (list_schedules, list_handlers),
    ):
        look_where_from(data, ledger.log)
        erasures = open_erasures(stored.documents, ledger, gallery)
        told = (lambda _: None) if sharing is None else sharing.rules
        rules = open_policy(stored.documents, ledger, clock, own_policy(settings), told)
        consent = Consent(log_name(data), lambda: rules.state.officers)
        cases = open_cases(data, ledger.attributed, clock, sharing)
        reviews = open_reviews(parts.database, data, ledger, gallery, directory, settings.review_days)
        links = SignInLinks(clock, os.urandom)
        backed_up = BackupPlan(settings, operator, parts.database, ledger.log, sharing)
        commands: AdminHandlers = {
            **links.handlers(),
            **customers.handlers,
            **policy_handlers(rules, lambda: open_explanations(data, stored)),
            **case_handlers(cases, directory, clock),
            **retention_handlers(gallery, operator),
            **list_handlers,
            **celebrity_handlers(SqlCelebrities(parts.database, operator)),
            **rotation_handlers(no_rotation),
            **ledger_handlers(ledger.duties, ledger.statements, ledger.log, log_retention(settings, clock), consent),
            **ledger.duties.incidents.handlers(ledger.attributed, consent),
            **open_backups(backed_up, erasures.settle, clock),
            **open_lookups(settings, ledger.statements, ledger.duties, ledger.log, stored),
            **job_handlers(parts.videos.jobs, clock),
            **erasure_handlers(ProjectRecords(parts.labelling.adapters.store, settings.region), clock),
            **parts.streams.handlers(operator),
        }
        administration = Administration(
            ledger.attributed, operator, commands, clock, parts.request_ids, threading.Lock()
        )
        screened = ScreenedFacts(customers.screening.screenings, operator)
        facts = PolicyFacts(AccountProfiles(directory).of, screened, cases.state)
        layers = PolicyLayers(rules.in_force, facts, AccountPolicies(directory, gallery.tags), cases.begin)
        schedules = (
            schedule_policy(rules),
            *schedule_ledger(ledger, erasures, operator, data, ledger.steady),
            *schedule_stamps(ledger, settings.stamping, clock),
            schedule_retention(ledger, gallery, erasures, clock),
            schedule_reviews(reviews),
            *schedule_screening(customers.screening, directory),
            *list_schedules,
            schedule_key_uses(directory),
            *schedule_videos(parts.videos),
            schedule_streams(parts.streams),
        )
        policy = RecognitionStop(ledger.duties.incidents.stopping, AccountStanding(directory, layers))
        fresh = customers.screening.screenings.freshness
        yield Records(ledger, administration, policy, erasures, reviews, schedules, links, fresh)


def ledger_place(settings: Settings, operator: AccountId, database: Database | None = None) -> LedgerPlace:
    """Where the ledger of a data directory is; ``database`` where it is open. Raises InvalidParameterError."""
    if (settings.ledger_tiles or settings.ledger_key) and not settings.node:
        raise InvalidParameterError("ledger_tiles and ledger_key are for servers with names (the setting node)")
    anchor = open_anchor(settings, operator, database)
    return LedgerPlace(settings.data, operator, settings.ledger_origin, anchor)


def open_cases(data: Path, log: LedgerWriter, clock: Clock, sharing: Sharing | None = None) -> Authorisations:
    """Cases of identifications, on record in ``log``; in ``sharing`` where several servers have them.

    Raises:
        UnavailableError: they cannot be read.
    """
    return Authorisations(CaseFile(data / CASES) if sharing is None else SharedCases(sharing.notes), log, clock)


def log_retention(settings: Settings, clock: Clock) -> LogRetention:
    """For how long private parts of uses are kept at least."""
    return LogRetention(clock, settings.ledger_min_retention_days)


def own_policy(settings: Settings) -> Own:
    """The program's own set of rules."""
    return Own(PolicySet(shipped(DEFAULT_PACKS), shipped_schema()), settings.policy_notice_days * DAY_MS)
