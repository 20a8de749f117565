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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from custodes.console.app import ConsolePages
from custodes.core.clock import SystemClock
from custodes.core.errors import NotFoundError
from custodes.core.ids import AccountId, RequestId
from custodes.deployment.bulk.executors import open_executors
from custodes.deployment.console import ConsoleSources, open_console
from custodes.deployment.databases import open_database
from custodes.deployment.galleries import known_people, open_served_gallery
from custodes.deployment.governance.accounts import open_directory
from custodes.deployment.governance.gate import gate_of, recorder_of
from custodes.deployment.liveness import browser_files, open_liveness, schedule_liveness
from custodes.deployment.networks.computing import Computing, open_computing
from custodes.deployment.networks.scores import score_rates
from custodes.deployment.projects import CustomLabelling, open_projects, training_workers
from custodes.deployment.record.ledger import ServerLedger, reconciled
from custodes.deployment.record.sharing import ACCOUNTS, Sharing
from custodes.deployment.records import DataParts, Records, open_records
from custodes.deployment.storage.objects import bucket_objects
from custodes.deployment.streams import Streams, event_delivery, open_streams, stream_workers
from custodes.deployment.tasks import open_tasks, schedule_tasks, task_workers
from custodes.deployment.tracing import Tracing, open_tracing
from custodes.deployment.video import Videos, VideoWork, open_videos, video_workers
from custodes.edge.app import AppParts, create_app
from custodes.edge.aws.model import Service, load_service
from custodes.edge.aws.sts import handlers as sts_handlers
from custodes.edge.aws.sts import open_sts
from custodes.edge.aws.translate.catalogue import handlers
from custodes.edge.aws.wire import Handler
from custodes.edge.endpoints.administration import administered
from custodes.edge.endpoints.api import Limits
from custodes.edge.endpoints.ledger import PublicLedger, mounted
from custodes.edge.endpoints.liveness_stream import StreamLimits
from custodes.edge.endpoints.reviews import Act, actions
from custodes.engine.ports import FaceEngine, TextEngine
from custodes.jobs.schedule import Schedule, Scheduler
from custodes.operations.accounts.credentials.sign_in_links import SignInLinks
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.sts import SecurityTokens
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.catalogue import Operations, Ports, build
from custodes.operations.collections.celebrities import CelebrityGallery
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.engines import ImageEngines
from custodes.operations.record.administration import Administration
from custodes.operations.record.evidence.own_evidence import OwnEvidence
from custodes.operations.record.housekeeping import LEDGER_ERRORS
from custodes.operations.record.release import release_of
from custodes.operations.requests.gate import Gate, Recorder
from custodes.operations.requests.recent import RecentRequests
from custodes.operations.screening.ports import ScreeningFreshness
from custodes.settings import Settings
from custodes.storage.files import uploads
from custodes.storage.files.credentials import OperatorKeys, open_credentials
from custodes.storage.ledger.documents import public_documents
from custodes.storage.objects.outputs import OutputBuckets
from custodes.storage.sql.database import Database, alone

# Separates this use of the operator's secret from any other. Changing it invalidates open pagination tokens only.
_STREAM_LIMITS = StreamLimits()
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
        review_actions: what is done with results that two persons have to confirm.
        ledger: the record of use.
        scheduler: what is done periodically.
        administration: commands of the operator.
        health: what ``/healthz`` tells beside whether the server is ready.
        screening: how fresh the screening of customers is.
        sign_in_links: links to the console that were given out.
    """

    settings: Settings
    service: Service
    keys: OperatorKeys
    accounts: AccountDirectory
    handlers: Mapping[str, Handler]
    sts_handlers: Mapping[str, Handler]
    operations: Operations
    gate: Gate
    ledger: ServerLedger
    review_actions: Mapping[str, Act]
    scheduler: Scheduler
    administration: Administration
    health: Callable[[], Mapping[str, object]]
    screening: Callable[[], ScreeningFreshness]
    sign_in_links: SignInLinks

    def app(self, stream_limits: StreamLimits = _STREAM_LIMITS) -> Callable[..., Any]:
        """The ASGI application over this deployment."""
        limits = Limits(worker_threads=self.settings.workers, in_flight=self.settings.in_flight)
        throttle = Throttle(self.settings.account_limits, self.accounts.limits, time.monotonic)
        recent = RecentRequests()
        console = self._console(throttle, recent) if self.settings.console else ConsolePages()
        return create_app(
            AppParts(
                service=self.service,
                handlers=self.handlers,
                sts_handlers=self.sts_handlers,
                keys=self.accounts,
                throttle=throttle,
                clock=SystemClock(),
                region=self.settings.region,
                accepted_regions=self.settings.signed_regions,
                page_origins=self.settings.page_origins,
                request_ids=new_request_id,
                ready=lambda: True,
                limits=limits,
                metrics_public=self.settings.metrics_public,
                extra_routes=(mounted(self._public_ledger()), *browser_files(self.settings).routes(), *console.routes),
                failed=console.failed,
                review_actions=self.review_actions,
                schedules=self.scheduler.states,
                health=self.health,
                screening=self.screening,
                recent=recent,
                gate=self.gate,
                liveness=self.operations.liveness,
                stream_limits=stream_limits,
                events=self.operations.events,
            )
        )

    def _console(self, throttle: Throttle, recent: RecentRequests) -> ConsolePages:
        return open_console(
            ConsoleSources(
                settings=self.settings,
                services=(self.service, open_sts()[0]),
                handlers={**self.handlers, **self.sts_handlers},
                review_actions=self.review_actions,
                administration=self.administration,
                accounts=self.accounts,
                operator=self.keys.key,
                links=self.sign_in_links,
                throttle=throttle,
                public_entry=self._public_entry,
                schedules=self.scheduler.states,
                recent=recent,
                request_ids=new_request_id,
                gate=self.gate,
            )
        )

    def _public_entry(self, index: int) -> bytes:
        try:
            return self.ledger.log.tree().entry(index)
        except IndexError as error:
            raise NotFoundError(f"there is no entry {index}") from error

    def _public_ledger(self) -> PublicLedger:
        return PublicLedger(self.ledger.tiles, self.ledger.log.proof, public_documents(self.settings.data))


def new_request_id() -> RequestId:
    """A fresh request id."""
    return RequestId(str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Kept:
    """What the server that has the lease, of several over one database, has from its process: all of it stays open.

    Attributes:
        database: shared with the others.
        gallery: follows what the others change.
        computing: networks.
        tracing: spans around requests; None for none.
        sharing: where it writes, whom it tells.
    """

    database: Database
    gallery: Gallery
    computing: Computing
    tracing: Tracing | None
    sharing: Sharing


@contextmanager
def open_deployment(
    settings: Settings,
    *,
    endpoint_url: str,
    engine: FaceEngine | None = None,
    gallery: Gallery | None = None,
    recording: Callable[[Recorder], Recorder] = lambda recorder: recorder,
    text: TextEngine | None = None,
    sight: ImageEngines | None = None,
    tracing: Tracing | None = None,
) -> Iterator[Deployment]:
    """Open the data directory and load the networks.

    Args:
        settings: all of them.
        endpoint_url: where clients will find the server; written to the directory's ``config``.
        engine: stands in for the real one, which then is not loaded.
        gallery: stands in for the database of the data directory.
        recording: gives what uses are recorded by, from what records them in the ledger; for measurements.
        text: stands in for the real engine for text, which is opened when first asked.
        sight: stands in for the real engines that look at whole pictures.
        tracing: puts spans around requests, instead of what the settings say.

    Raises:
        UnavailableError: the directory cannot be used or is in use, or models are missing.
    """
    with ExitStack() as opened:
        spans = opened.enter_context(open_tracing(settings.otlp_endpoint)) if tracing is None else tracing
        # The directory's lock comes first: a second process must not touch its files.
        database = opened.enter_context(closing(open_database(settings)))
        traced = (lambda found: found) if spans is None else spans.engine
        computing = opened.enter_context(open_computing(settings, engine, text, sight, traced))
        whole = OpenedParts(settings, endpoint_url, database, computing, spans, gallery, recording)
        yield opened.enter_context(_put_together(whole, None))


@contextmanager
def open_keeper(settings: Settings, endpoint_url: str, kept: Kept) -> Iterator[Deployment]:
    """What one of several servers does for all of them, and whatever the others do not: as ``open_deployment`` does.

    Raises:
        UnavailableError: the directory cannot be used, or another server has the lease now.
    """
    opened = OpenedParts(settings, endpoint_url, kept.database, kept.computing, kept.tracing, kept.gallery)
    with _put_together(opened, kept.sharing) as deployment:
        yield deployment


@dataclass(frozen=True, slots=True)
class OpenedParts:
    """What a deployment is put together of; for all attributes see ``open_deployment``."""

    settings: Settings
    endpoint_url: str
    database: Database
    computing: Computing
    spans: Tracing | None
    gallery: Gallery | None
    recording: Callable[[Recorder], Recorder] = lambda recorder: recorder


@contextmanager
def _put_together(whole: OpenedParts, sharing: Sharing | None) -> Iterator[Deployment]:
    clock, settings, database, spans = SystemClock(), whole.settings, whole.database, whole.spans
    computing = whole.computing
    with ExitStack() as opened:
        keys = open_credentials(
            settings.data, region=settings.region, endpoint_url=whole.endpoint_url, random=os.urandom
        )
        service = load_service()
        changed = alone if sharing is None else sharing.notes.moves(ACCOUNTS)
        directory = opened.enter_context(
            open_directory(database, settings.data, keys.account_id, service.known, changed)
        )
        directory.hold(keys.key)
        served = opened.enter_context(open_served_gallery(settings, database, directory.limits, whole.gallery))
        store = served.gallery if spans is None else spans.gallery(served.gallery)
        faces = computing.faces
        release = release_of(settings.shown)
        videos = open_videos(settings, database, bucket_objects(settings), clock)
        live, own = _results(settings, database, videos, keys.account_id)
        tasks = open_tasks(videos, clock, settings.task_workers, opened.enter_context(open_executors(settings, faces)))
        jobs = (videos, live, clock, new_request_id, own, tasks)
        parts = DataParts(settings, database, keys.account_id, directory, store, *jobs, sharing)
        records = opened.enter_context(open_records(parts, release))
        # Of several servers each compares its own runs.
        daily = () if sharing else (opened.enter_context(reconciled(records.ledger.log, computing.meter)),)
        known = known_people(database, keys, settings)
        ports = _ports(parts, records, faces, videos, keys=keys, celebrities=known, computing=computing)
        operations = build(ports)
        recorder = recorder_of(settings, records.ledger.log, faces, release, computing)
        gate = gate_of(spans, records.policy, whole.recording(recorder), directory)
        asked = schedule_tasks(parts.tasks, ports, operations, gate, directory, settings.region)
        delivery = opened.enter_context(event_delivery(live, gate, operations.events))
        regular = (*records.schedules, *daily, asked, delivery)
        scheduler = opened.enter_context(_scheduler((*regular, *served.schedules), ports, settings))
        memory = computing.runs.memory
        opened.enter_context(_workers(VideoWork(videos, ports, operations, gate, records.ledger, memory), parts))
        opened.enter_context(administered(settings.data, records.administration.ask))
        served.start_warming()
        yield Deployment(
            settings=settings,
            service=service,
            keys=keys,
            accounts=directory,
            handlers=handlers(gate, operations, settings.region),
            sts_handlers=sts_handlers(gate, SecurityTokens(directory, clock)),
            operations=operations,
            gate=gate,
            ledger=records.ledger,
            review_actions=actions(gate, records.reviews),
            scheduler=scheduler,
            administration=records.administration,
            health=lambda: {**videos.health(), **served.health()},
            screening=records.screening,
            sign_in_links=records.sign_in_links,
        )


@contextmanager
def _scheduler(schedules: Sequence[Schedule], ports: Ports, settings: Settings) -> Iterator[Scheduler]:
    liveness, clock = ports.liveness, ports.clock
    old = () if liveness is None else (schedule_liveness(liveness.sessions, clock, settings.liveness_days),)
    with closing(Scheduler((*schedules, *old), clock, LEDGER_ERRORS)) as scheduler:
        scheduler.start()
        yield scheduler


@contextmanager
def _workers(work: VideoWork, parts: DataParts) -> Iterator[None]:
    """Whoever works on stored videos and tasks, watches live streams and trains, until the end of the block."""
    with (
        video_workers(work),
        stream_workers(parts.streams, work.ports, work.gate, work.memory, work.operations.handlers.handle(work.gate)),
        training_workers(parts.labelling, work.operations, work.gate, work.ledger),
        task_workers(parts.tasks, work),
    ):
        yield


def _ports(
    parts: DataParts,
    records: Records,
    faces: FaceEngine,
    videos: Videos,
    *,
    keys: OperatorKeys,
    celebrities: CelebrityGallery,
    computing: Computing,
) -> Ports:
    ledger = records.ledger
    return Ports(
        faces,
        parts.gallery,
        videos.objects,
        parts.clock,
        page_key(keys),
        erasures=records.erasures,
        holding=records.reviews,
        text=computing.text,
        sight=computing.sight,
        celebrities=celebrities,
        video=videos.adapters,
        projects=parts.labelling.adapters,
        streams=parts.streams.adapters,
        handlers=parts.streams.handler_adapters,
        tasks=parts.tasks.adapters,
        false_match_rate=score_rates(parts.settings).false_match_rate,
        evidence=OwnEvidence(ledger.statements, ledger.duties.close_heads, ledger.log.flush),
        liveness=open_liveness(parts.settings, parts.database, faces, parts.labelling.outputs, parts.clock, os.urandom),
    )


def page_key(keys: OperatorKeys) -> bytes:
    """Secret that signs pagination tokens, the same for all servers of an operator."""
    return hmac.digest(keys.key.secret.encode(), _PAGE_KEY_LABEL, hashlib.sha256)


def _results(
    settings: Settings, database: Database, videos: Videos, operator: AccountId
) -> tuple[Streams, CustomLabelling]:
    """What writes results into buckets; where commands of this machine's user have theirs is the operator's."""
    allowed = {**settings.writable, uploads.RESULTS_BUCKET: frozenset({operator})}
    outputs = OutputBuckets(videos.objects, allowed)
    live = open_streams(settings, database, outputs, videos.clock)
    return live, open_projects(settings, database, videos, outputs, videos.clock)
