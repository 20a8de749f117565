"""Commands of the operator where no server runs: the same handlers, gate and record, in this process.

In: settings, the name of a command, its members. Out: its answer. Only what the command needs is opened, and made where
it is missing; everything is closed again in order.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager

from custodes.core.clock import SystemClock
from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.deployment.databases import open_database
from custodes.deployment.galleries import open_gallery
from custodes.deployment.governance.accounts import open_directory
from custodes.deployment.governance.customers import open_customers
from custodes.deployment.governance.policy import open_explanations
from custodes.deployment.lookups import open_lookups
from custodes.deployment.record.backup import BackupPlan, open_backups
from custodes.deployment.record.key_rotation import rotating
from custodes.deployment.record.ledger import boot_time_ms, checked_statements, cosigners, log_name, open_log, started
from custodes.deployment.record.statements import open_statements
from custodes.deployment.record.stored import in_directory
from custodes.deployment.records import ledger_place, log_retention, open_cases
from custodes.deployment.server import new_request_id
from custodes.deployment.streams import open_streams
from custodes.edge.aws.model import load_service
from custodes.jobs.job import JobLimits
from custodes.operations.collections.celebrity_admin import celebrity_handlers
from custodes.operations.collections.retention import retention_handlers
from custodes.operations.policy.admin import policy_handlers
from custodes.operations.policy.authorisations import case_handlers
from custodes.operations.policy.change_control import PolicyChanges
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.projects.upkeep.erasure import erasure_handlers
from custodes.operations.record.admin.ledger import ledger_handlers, rotation_handlers
from custodes.operations.record.administration import Administration, AttributedLog
from custodes.operations.record.consent import Consent
from custodes.operations.record.housekeeping import Housekeeping
from custodes.operations.record.incidents.incidents import Incidents
from custodes.operations.requests.admin import AdminAnswer, AdminHandlers
from custodes.operations.screening.list_imports import commit_editions, list_handlers
from custodes.operations.video.job_admin import job_handlers
from custodes.settings import Settings
from custodes.storage.files.credentials import operator_account
from custodes.storage.files.policy import policy_files
from custodes.storage.ledger.open import LedgerPaths
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.objects.outputs import OutputBuckets
from custodes.storage.sql.gallery.celebrities import SqlCelebrities
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.projects import SqlProjectStore
from custodes.storage.sql.screening.lists import ScreeningLists

Opened = tuple[AttributedLog, AdminHandlers]


def carry_out_here(settings: Settings, operation: str, members: Mapping[str, object]) -> AdminAnswer:
    """Carry a command out on a data directory that no server has open.

    Raises:
        UnavailableError: the directory cannot be used or is in use.
        CustodesError: the command could not be carried out; the message says why.
    """
    family = _FAMILIES.get(operation) or _FAMILIES.get(operation.partition(" ")[0], _accounts)
    operator = operator_account(settings.data, random=os.urandom)
    with family(settings, operator) as (log, handlers):
        here = Administration(log, operator, handlers, SystemClock(), new_request_id, threading.Lock())
        return here.ask(operation, members, os.getuid())


@contextmanager
def _accounts(settings: Settings, operator: AccountId, *, screened: bool = False) -> Iterator[Opened]:
    with ExitStack() as opened:
        database = opened.enter_context(closing(open_database(settings)))
        directory = opened.enter_context(open_directory(database, settings.data, operator, load_service().known))
        log = AttributedLog(opened.enter_context(open_log(ledger_place(settings, operator), SystemClock())))
        statements = open_statements(settings.data)
        customers = opened.enter_context(
            open_customers(database, settings, directory, log, statements, operator, SystemClock())
        )
        if screened:
            customers.screening.start(directory)
        cases = open_cases(settings.data, log, SystemClock())
        yield log, {**customers.handlers, **case_handlers(cases, directory, SystemClock())}


def _screening(settings: Settings, operator: AccountId) -> AbstractContextManager[Opened]:
    return _accounts(settings, operator, screened=True)


@contextmanager
def _retention(settings: Settings, operator: AccountId) -> Iterator[Opened]:
    with open_gallery(settings) as gallery, open_log(ledger_place(settings, operator), SystemClock()) as log:
        yield AttributedLog(log), retention_handlers(gallery, operator)


@contextmanager
def _jobs(settings: Settings, operator: AccountId) -> Iterator[Opened]:
    with ExitStack() as opened:
        database = opened.enter_context(closing(open_database(settings)))
        jobs = SqlJobStore(database, open_master(database, settings.data, os.urandom), JobLimits())
        log = opened.enter_context(open_log(ledger_place(settings, operator), SystemClock()))
        streams = open_streams(settings, database, OutputBuckets(BucketObjects({}), {}), SystemClock())
        yield AttributedLog(log), {**job_handlers(jobs, SystemClock()), **streams.handlers(operator)}


@contextmanager
def _labels(settings: Settings, operator: AccountId) -> Iterator[Opened]:
    with ExitStack() as opened:
        database = opened.enter_context(closing(open_database(settings)))
        store = SqlProjectStore(database, open_master(database, settings.data, os.urandom), os.urandom)
        log = opened.enter_context(open_log(ledger_place(settings, operator), SystemClock()))
        yield AttributedLog(log), erasure_handlers(ProjectRecords(store, settings.region), SystemClock())


@contextmanager
def _policy(settings: Settings, operator: AccountId) -> Iterator[Opened]:
    files = policy_files(in_directory(settings.data).documents)
    with open_log(ledger_place(settings, operator), SystemClock()) as written:
        log = AttributedLog(written)
        changes = PolicyChanges(files, log, SystemClock(), None, boot_time_ms)
        changes.open()
        yield log, policy_handlers(changes, lambda: open_explanations(settings.data))


@contextmanager
def _ledger(settings: Settings, _: AccountId) -> Iterator[Opened]:
    paths = LedgerPaths(settings.data)
    if not paths.verifier.exists():
        raise UnavailableError("there is no ledger here before a server has started once")
    name = log_name(settings.data)
    with (
        started(settings.data, name, None, SystemClock()) as log,
        closing(ScreeningLists(settings.data, settings.database)) as lists,
    ):
        attributed, statements = AttributedLog(log), checked_statements(settings.data, log)
        incidents = Incidents(log, statements.facts_of)
        duties = Housekeeping(log, statements, cosigners(settings.data), SystemClock(), incidents, served=False)
        consent = Consent(name, lambda: _officers(settings, attributed))
        yield (
            attributed,
            {
                **ledger_handlers(duties, statements, log, log_retention(settings, SystemClock()), consent),
                **incidents.handlers(attributed, consent),
                **open_lookups(settings, statements, duties, log),
                **list_handlers(lambda: commit_editions(lists, attributed)),
            },
        )


def _officers(settings: Settings, log: AttributedLog) -> Mapping[str, bytes]:
    """Who may sign, by records that are those of the ledger; files that were set back are none."""
    changes = PolicyChanges(policy_files(in_directory(settings.data).documents), log, SystemClock(), None, boot_time_ms)
    changes.open()
    return changes.state.officers


@contextmanager
def _backup(settings: Settings, operator: AccountId) -> Iterator[Opened]:
    with (
        closing(open_database(settings)) as database,
        open_log(ledger_place(settings, operator), SystemClock()) as log,
    ):
        plan = BackupPlan(settings, operator, database, log)
        yield AttributedLog(log), open_backups(plan, lambda: None, SystemClock())


@contextmanager
def _celebrities(settings: Settings, operator: AccountId) -> Iterator[Opened]:
    with (
        closing(open_database(settings)) as database,
        open_log(ledger_place(settings, operator), SystemClock()) as log,
    ):
        register = SqlCelebrities(database, operator)
        register.take_over(settings.data)
        yield AttributedLog(log), celebrity_handlers(register)


@contextmanager
def _rotation(settings: Settings, _: AccountId) -> Iterator[Opened]:
    with rotating(settings.data, SystemClock()) as (log, hand_over):
        yield AttributedLog(log), rotation_handlers(hand_over)


_FAMILIES: Mapping[str, Callable[[Settings, AccountId], AbstractContextManager[Opened]]] = {
    "job": _jobs,
    "labels": _labels,
    "stream": _jobs,
    "screening": _screening,
    "backup": _backup,
    "retention": _retention,
    "policy": _policy,
    "celebrities": _celebrities,
    "ledger rotate-key": _rotation,
    "ledger": _ledger,
    "witness": _ledger,
    "billing": _ledger,
    "incident": _ledger,
    "statement": _ledger,
    "report": _ledger,
    "erasure": _ledger,
    "server": _ledger,
    "sanctions": _ledger,
}
