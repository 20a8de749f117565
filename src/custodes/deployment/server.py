"""The composition root: settings in, a working deployment out, everything closed again in reverse order.

It is the one place that knows every room. Nothing is decided here; it only says which adapter stands behind which
port.
Opening a deployment takes the data directory's lock, opens the database and the ledger with their writers, and loads
the networks. It starts no server.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId, RequestId
from custodes.deployment.accounts import account_orders, open_directory
from custodes.deployment.engines import open_sight, open_text
from custodes.deployment.ledger import (
    LedgerPlace,
    LedgerPlan,
    ServerLedger,
    keep_accounts,
    keep_retention,
    open_erasures,
    open_log,
    open_server_ledger,
)
from custodes.deployment.lists import keep_lists
from custodes.deployment.policy import keep_policy
from custodes.deployment.reviews import keep_reviews
from custodes.deployment.screening import keep_screening, open_screening
from custodes.deployment.statements import open_statements
from custodes.deployment.video import open_videos, video_workers
from custodes.edge.app import AppParts, create_app
from custodes.edge.aws.model import Service, load_service
from custodes.edge.aws.sts import handlers as sts_handlers
from custodes.edge.aws.translate.catalogue import handlers
from custodes.edge.aws.wire import Handler
from custodes.edge.endpoints.api import Limits
from custodes.edge.endpoints.ledger import mounted
from custodes.edge.endpoints.reviews import Act, actions
from custodes.edge.http.receipts import ReceiptDesk
from custodes.engine.calibrate import false_match_rate
from custodes.engine.faces.assembly import FALSE_MATCH_RATES, open_face_engine
from custodes.engine.ports import FaceEngine, TextEngine
from custodes.engine.runtime.once import Once
from custodes.engine.runtime.session import Device
from custodes.gallery.entities import CollectionKey
from custodes.gallery.gallery import IndexedGallery
from custodes.governance.accounts.account import Status
from custodes.governance.provider.guardrails import DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.governance.provider.policy_set import DAY_MS, PolicySet
from custodes.models.store import ModelStore
from custodes.operations.accounts.admin import AccountOrders
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.sts import SecurityTokens
from custodes.operations.accounts.throttle import AccountQuotas, Throttle, no_overrides
from custodes.operations.catalogue import Operations, Ports, build
from custodes.operations.collections.celebrities import COLLECTION as CELEBRITY_COLLECTION
from custodes.operations.collections.celebrities import CelebrityGallery
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.retention import RetentionRules
from custodes.operations.images.engines import ImageEngines
from custodes.operations.policy.account_facts import AccountProfiles
from custodes.operations.policy.account_status import AccountStanding
from custodes.operations.policy.change_control import Own, PolicyChanges
from custodes.operations.policy.decide import PolicyLayers, RulesInForce
from custodes.operations.policy.facts import NoLists, PolicyFacts, ScreeningLookup
from custodes.operations.policy.tenant import AccountPolicies
from custodes.operations.record.recorder import LedgerRecorder
from custodes.operations.record.release import release_of
from custodes.operations.requests.gate import Gate, Policy, Recorder
from custodes.operations.screening.account_effects import ScreenedFacts
from custodes.operations.screening.admin import ScreeningOrders
from custodes.settings import Settings
from custodes.storage.files.credentials import OperatorKeys, open_credentials, operator_account
from custodes.storage.files.policy import policy_files
from custodes.storage.objects.sources import S3Settings, open_objects
from custodes.storage.sql.celebrities import SqliteCelebrities
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.vectors.faiss_index import FaissIndex

# Separates this use of the operator's secret from any other. Changing it invalidates open pagination tokens only.
_PAGE_KEY_LABEL = b"custodes pagination tokens v1"


@dataclass(frozen=True, slots=True)
class Deployment:
    """An opened data directory with everything that works on it.

    Attributes:
        settings: what it was opened with.
        service: the API's model.
        keys: the operator's account and key.
        accounts: all accounts with their users and keys.
        handlers: a gated handler for each operation that is implemented.
        sts_handlers: the same for operations of STS.
        operations: the use cases behind them.
        gate: what they pass.
        receipts: evidence on its way to answers.
        review_actions: what is done with results that two persons have to confirm.
        ledger: the record of use; None only where something else stands in for it.
    """

    settings: Settings
    service: Service
    keys: OperatorKeys
    accounts: AccountDirectory
    handlers: Mapping[str, Handler]
    sts_handlers: Mapping[str, Handler]
    operations: Operations
    gate: Gate
    receipts: ReceiptDesk
    ledger: ServerLedger | None
    review_actions: Mapping[str, Act]

    def app(self) -> Callable[..., Any]:
        """The ASGI application over this deployment."""
        ledger = self.ledger
        limits = Limits(worker_threads=self.settings.workers, in_flight=self.settings.in_flight)
        return create_app(
            AppParts(
                service=self.service,
                handlers=self.handlers,
                sts_handlers=self.sts_handlers,
                keys=self.accounts,
                throttle=Throttle(self.settings.account_limits, self.accounts.limits, time.monotonic),
                clock=SystemClock(),
                region=self.settings.region,
                accepted_regions=self.settings.signed_regions,
                page_origins=self.settings.page_origins,
                request_ids=new_request_id,
                ready=lambda: True,
                limits=limits,
                metrics_public=self.settings.metrics_public,
                response_headers=self.receipts.headers,
                extra_routes=() if ledger is None else (mounted(ledger.tiles, ledger.log.proof),),
                review_actions=self.review_actions,
            )
        )


def new_request_id() -> RequestId:
    """A fresh request id."""
    return RequestId(str(uuid.uuid4()))


@contextmanager
def open_deployment(
    settings: Settings,
    *,
    endpoint_url: str,
    engine: FaceEngine | None = None,
    gallery: Gallery | None = None,
    recorder: Recorder | None = None,
    text: TextEngine | None = None,
    sight: ImageEngines | None = None,
) -> Iterator[Deployment]:
    """Open the data directory and load the networks.

    Args:
        settings: all of them.
        endpoint_url: where clients will find the server; written to the directory's ``config``.
        engine: stands in for the real one, which then is not loaded.
        gallery: stands in for the database of the data directory.
        recorder: stands in for the ledger, which then is not opened; for measurements only.
        text: stands in for the real engine for text, which is opened when first asked.
        sight: stands in for the real engines that look at whole pictures.

    Raises:
        UnavailableError: the directory cannot be used or is in use, or models are missing.
    """
    with ExitStack() as opened:
        # The directory's lock comes first: a second process must not touch its files.
        database = opened.enter_context(closing(Database.open(settings.data)))
        keys = open_credentials(settings.data, region=settings.region, endpoint_url=endpoint_url, random=os.urandom)
        service = load_service()
        directory = opened.enter_context(open_directory(database, settings.data, keys.account_id, service.known))
        directory.hold(keys.key)
        quotas = AccountQuotas(settings.account_limits, directory.limits)
        store = _gallery(database, settings.data, quotas) if gallery is None else gallery
        faces = opened.enter_context(open_engine(settings) if engine is None else nullcontext(engine))
        page_key = hmac.digest(keys.key.secret.encode(), _PAGE_KEY_LABEL, hashlib.sha256)
        ledger, receipts, erasures, reviews = None, ReceiptDesk(), None, None
        in_force: Callable[[], RulesInForce] = shipped_rules
        facts: ScreeningLookup = NoLists()
        if recorder is None:
            release = release_of(Path(__file__).parents[1], faces.model_version, settings.shown)
            plan = LedgerPlan(_ledger_place(settings, keys.account_id), release)
            ledger = opened.enter_context(open_server_ledger(plan, SystemClock()))
            erasures = open_erasures(settings.data, ledger, store, keys.account_id)
            keep_retention(ledger, store, erasures, keys.account_id, SystemClock())
            in_force = keep_policy(settings.data, ledger, SystemClock(), _own_policy(settings)).in_force
            screening = opened.enter_context(open_screening(database, settings.data, ledger.log, ledger.statements))
            orders = account_orders(directory, ledger.log, keys.account_id, screening.screenings, SystemClock())
            keep_accounts(ledger, orders, directory)
            keep_screening(ledger.duties, screening, directory)
            facts = ScreenedFacts(screening.screenings, keys.account_id)
            opened.enter_context(keep_lists(settings.data, ledger.duties, ledger.log, SystemClock()))
            reviews = keep_reviews(database, settings.data, ledger, store, directory, settings.review_days)
            recorder = LedgerRecorder(ledger.log, f"{faces.model_version}/{release.models.hex()}")
        videos = open_videos(settings, database, open_objects(settings.buckets, _s3(settings)), SystemClock())
        reader = Once(lambda: open_text(settings) if text is None else text)
        common = (faces, store, videos.objects, SystemClock(), page_key)
        ports = Ports(
            *common,
            text=reader,
            sight=sight or open_sight(settings, faces),
            celebrities=_known_people(keys, opened.enter_context(closing(SqliteCelebrities(settings.data)))),
            video=videos.adapters,
        )
        if erasures is not None and reviews is not None:
            ports = replace(ports, erasures=erasures, holding=reviews)
        operations = build(ports)
        policy = _policy(directory, store, in_force, facts)
        gate = Gate(policy, recorder, receipts.leave, lambda one: directory.status(one) is Status.ACTIVE)
        by_name = handlers(gate, operations, settings.region)
        sts = sts_handlers(gate, SecurityTokens(directory, SystemClock()))
        opened.enter_context(video_workers(videos, ports, operations, gate, ledger))
        acts = {} if reviews is None else actions(gate, reviews)
        yield Deployment(settings, service, keys, directory, by_name, sts, operations, gate, receipts, ledger, acts)


@contextmanager
def open_engine(settings: Settings) -> Iterator[FaceEngine]:
    """The networks of the fetched model pack. Raises UnavailableError when files are missing or altered."""
    store = ModelStore(settings.models_folder)
    threads = settings.threads or os.cpu_count() or 1
    yield open_face_engine(store, Device(settings.device.value), threads)


@contextmanager
def open_gallery(settings: Settings) -> Iterator[Gallery]:
    """The database of the data directory, locked for this process; indexes are filled when first searched."""
    with closing(Database.open(settings.data)) as database:
        quotas = AccountQuotas(settings.account_limits, no_overrides)
        yield _gallery(database, settings.data, quotas)


def _gallery(database: Database, data: Path, quotas: AccountQuotas) -> Gallery:
    return IndexedGallery(SqlGalleryStore.open(database, data, os.urandom, quotas), FaissIndex)


@contextmanager
def open_account_orders(settings: Settings) -> Iterator[AccountOrders]:
    """The accounts of a data directory that no server has open, and its ledger; both are made where missing.

    Raises:
        UnavailableError: the directory cannot be used or is in use.
    """
    with ExitStack() as opened:
        database = opened.enter_context(closing(Database.open(settings.data)))
        account_id = operator_account(settings.data, random=os.urandom)
        directory = opened.enter_context(open_directory(database, settings.data, account_id, load_service().known))
        log = opened.enter_context(open_log(_ledger_place(settings, account_id), SystemClock()))
        screening = opened.enter_context(open_screening(database, settings.data, log, open_statements(settings.data)))
        yield account_orders(directory, log, account_id, screening.screenings, SystemClock())


@contextmanager
def open_screening_orders(settings: Settings) -> Iterator[ScreeningOrders]:
    """The screening of a data directory that no server has open.

    Raises:
        UnavailableError: the directory cannot be used or is in use.
    """
    with ExitStack() as opened:
        database = opened.enter_context(closing(Database.open(settings.data)))
        account_id = operator_account(settings.data, random=os.urandom)
        directory = opened.enter_context(open_directory(database, settings.data, account_id, load_service().known))
        log = opened.enter_context(open_log(_ledger_place(settings, account_id), SystemClock()))
        screening = opened.enter_context(open_screening(database, settings.data, log, open_statements(settings.data)))
        account_orders(directory, log, account_id, screening.screenings, SystemClock())
        screening.start(directory)
        yield screening.orders(directory)


def _ledger_place(settings: Settings, operator: AccountId) -> LedgerPlace:
    return LedgerPlace(settings.data, operator, settings.ledger_origin, settings.ledger_anchor)


@contextmanager
def open_retention(data: Path) -> Iterator[RetentionRules]:
    """The retention rules of a data directory that no server has open.

    Raises:
        UnavailableError: the directory cannot be used or is in use.
    """
    with open_gallery(Settings(data=data)) as gallery:
        yield RetentionRules(gallery, operator_account(data, random=os.urandom))


def _policy(
    accounts: AccountDirectory, gallery: Gallery, in_force: Callable[[], RulesInForce], screening: ScreeningLookup
) -> Policy:
    """Both layers of rules."""
    dossier = PolicyFacts(AccountProfiles(accounts).of, screening)
    return AccountStanding(accounts, PolicyLayers(in_force, dossier, AccountPolicies(accounts, gallery.tags)))


@cache
def shipped_rules() -> RulesInForce:
    """The rules of the program, where no data directory keeps any."""
    policy = _own_policy(Settings()).policy
    return RulesInForce(policy.digest(), load(policy.packs, policy.schema))


def _own_policy(settings: Settings) -> Own:
    return Own(PolicySet(shipped(DEFAULT_PACKS), shipped_schema()), settings.policy_notice_days * DAY_MS)


@contextmanager
def open_policy_office(settings: Settings) -> Iterator[PolicyChanges]:
    """The provider's rules of a data directory that no server has open, and its ledger.

    Raises:
        UnavailableError: the directory cannot be used, or its rules are not those that the ledger knows.
    """
    files = policy_files(settings.data)
    place = _ledger_place(settings, operator_account(settings.data, random=os.urandom))
    with open_log(place, SystemClock()) as log:
        office = PolicyChanges(files, log, SystemClock(), None)
        office.open()
        yield office


def _known_people(keys: OperatorKeys, book: SqliteCelebrities) -> CelebrityGallery:
    """Portraits in a collection of the operator's account, names in a file of their own."""
    key = CollectionKey(keys.account_id, CELEBRITY_COLLECTION)
    return CelebrityGallery(key, book, lambda similarity: false_match_rate(similarity, FALSE_MATCH_RATES))


def _s3(settings: Settings) -> S3Settings:
    return S3Settings(
        settings.s3_endpoint, settings.s3_region, settings.s3_access_key_id, settings.s3_secret_access_key
    )
