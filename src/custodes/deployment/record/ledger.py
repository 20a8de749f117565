"""The ledger of a running server: opened, recovered, announced, with everything that readers need beside it.

In: the data directory, whose it is, what runs. Out: a started log with its duties, and the public files to serve;
closed again in order. The keys of a new directory are made here, and the trust policy that verifiers start from.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.deployment.record.sharing import Sharing
from custodes.deployment.record.statements import open_statements, vrf_keys
from custodes.deployment.record.stored import StoredLedger
from custodes.durable import write_durably
from custodes.engine.runtime.meter import RunMeter
from custodes.gallery.ports import GalleryStore
from custodes.jobs.schedule import HOUR_MS, Schedule, regularly
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.prover.ports import Documents
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerUnavailableError, TileReader
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.invoices.prices import PriceList
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.witness.client import http_post
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.writer.keys import SigningKey, read_secret
from custodes.ledger.writer.ports import Anchor
from custodes.ledger.writer.published import RunningLog
from custodes.operations.collections.erasure import RecordedErasures, finish_erasures
from custodes.operations.collections.retention import Retention
from custodes.operations.record.administration import AttributedLog
from custodes.operations.record.attestation import Machine, attest
from custodes.operations.record.evidence.stamps import DailyStamps, StampAuthority, http_query
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.record.housekeeping import Cosigners, Housekeeping
from custodes.operations.record.incidents.clock_watch import ClockWatch, SteadyClock
from custodes.operations.record.incidents.incidents import Incidents
from custodes.operations.record.incidents.reconciliation import Reconciliation
from custodes.operations.record.start import Release, announce, introduce
from custodes.storage.ledger.open import LedgerOptions, LedgerPaths, open_ledger, read_tiles
from custodes.storage.ledger.tombstones import KeptTombstones

POLICY_FILE = "trust.policy"
ATTESTATIONS = "attestations"
PRICES_FILE = "prices.json"
CLOCK_MS = 100


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Which log to open.

    Attributes:
        data: the data directory; it exists.
        account: the operator's.
        origin: name of a new log; empty takes one that ends in the account. A log keeps its name.
        anchor: keeps the last checkpoint in a second place; None for no anchor.
    """

    data: Path
    account: AccountId
    origin: str
    anchor: Anchor | None


@dataclass(frozen=True, slots=True)
class LedgerPlan:
    """The ledger of a server: where it is, what runs, for the ``boot`` entry, and on which machine, if it tells."""

    place: LedgerPlace
    release: Release
    machine: Machine | None = None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.place.data


@dataclass(frozen=True, slots=True)
class ServerLedger:
    """An open ledger: the log, the same for the operator's commands, its public files, what is done for it.

    ``steady`` is the clock for what must not come early: bills, and the end of notices.
    """

    log: RunningLog
    attributed: AttributedLog
    tiles: TileReader
    statements: Statements
    duties: Housekeeping
    steady: Clock


@contextmanager
def open_server_ledger(plan: LedgerPlan, clock: Clock, sharing: Sharing | None = None) -> Iterator[ServerLedger]:
    """Open and announce it until the end of the block; one of several servers has announced itself already.

    Raises:
        UnavailableError: it cannot be opened, another process writes it, or it was set back.
    """
    with open_log(plan.place, clock) if sharing is None else _shared(plan.place, sharing) as log:
        stored = None if sharing is None else sharing.stored
        statements = checked_statements(plan.data, log, stored)
        if sharing is None:
            started = announce(log, plan.release)
            if plan.machine is not None:
                _attested(plan.data, started, plan.machine)
        watch = watched_clock(log, clock)
        incidents = Incidents(log, statements.facts_of, (lambda _: None) if sharing is None else sharing.incident)
        duties = Housekeeping(log, statements, cosigners(plan.data), clock, incidents, watch.look)
        steady = SteadyClock(clock, boot_time_ms)
        tiles = read_tiles(plan.data) if stored is None else stored.tiles
        yield ServerLedger(log, AttributedLog(log), tiles, statements, duties, steady)


def _attested(data: Path, started: PlacedEntry, machine: Machine) -> None:
    folder = data / ATTESTATIONS
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
        key = LedgerPaths(data).verifier.read_text(encoding="utf-8").strip()
        attest(started, key, machine, lambda index, file: write_durably(folder / f"{index}.json", file, 0o644))
    except OSError as error:
        raise UnavailableError(f"{folder} cannot be written: {error}") from error


def checked_statements(data: Path, log: RunningLog, stored: StoredLedger | None = None) -> Statements:
    """The statements of ``data``, whose maps agree with the heads in the log; ``stored`` where it is elsewhere.

    Raises:
        UnavailableError: they do not; the text says what to restore.
    """
    statements = open_statements(data, stored)
    try:
        log.flush()
        statements.maps.check()
    except (MapError, BodyError, LedgerUnavailableError) as error:
        raise UnavailableError(f"the ledger in {data} does not agree with itself: {error}") from error
    return statements


@contextmanager
def open_log(place: LedgerPlace, clock: Clock) -> Iterator[RunningLog]:
    """The log itself, made and introduced where it is new, until the end of the block.

    Raises:
        UnavailableError: it cannot be opened, another process writes it, or it was set back.
    """
    with started(place.data, log_origin(place), place.anchor, clock) as log:
        _write_policy(place.data, read_tiles(place.data))
        if log.published.size == 0:
            introduce(log, place.account)
        yield log


@contextmanager
def _shared(place: LedgerPlace, sharing: Sharing) -> Iterator[RunningLog]:
    """The log of several servers, introduced where it is new. Raises UnavailableError."""
    _write_policy(place.data, sharing.stored.tiles)
    try:
        if sharing.log.flush().size == 0:
            introduce(sharing.log, place.account)
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be read: {error}") from error
    yield sharing.log


def open_erasures(documents: Documents, ledger: ServerLedger, gallery: GalleryStore) -> RecordedErasures:
    """Erasures of ``gallery`` on record, tombstones among ``documents``.

    What is called erased and is there all the same is destroyed first.

    Raises:
        CustodesError: the gallery cannot be read or written, or the ledger not written.
    """
    tombstones = KeptTombstones(documents)
    finish_erasures(gallery, tombstones, ledger.log)
    records, indexes = ledger.statements.erasures, ledger.statements.maps.face_indexes()
    return RecordedErasures(ledger.log, gallery, indexes, records, tombstones)


def schedule_ledger(
    ledger: ServerLedger, erasures: RecordedErasures, account: AccountId, data: Path, clock: Clock
) -> tuple[Schedule, ...]:
    """Heads of the three maps, one after the other; invoices of months that are over; looks at the clock."""
    statements, log, duties = ledger.statements, ledger.log, ledger.duties
    return (
        Schedule("head of the account map", HOUR_MS, regularly(duties.close_heads), lane="map heads"),
        Schedule("counts of uses", HOUR_MS, regularly(duties.count_uses), at_start=True),
        Schedule(
            "head of the party map",
            HOUR_MS,
            regularly(lambda: duties.watched("party", lambda: statements.close_party_head(log))),
            lane="map heads",
        ),
        Schedule(
            "head of the collection map",
            HOUR_MS,
            regularly(lambda: duties.watched("collection", lambda: erasures.close_head(account))),
            lane="map heads",
        ),
        Schedule(
            "invoices",
            HOUR_MS,
            regularly(lambda: statements.bill_finished(clock.now_ms(), lambda: _prices(data), log)),
        ),
        Schedule("clock", CLOCK_MS, regularly(duties.look)),
    )


def schedule_stamps(ledger: ServerLedger, authorities: Mapping[str, str], clock: Clock) -> tuple[Schedule, ...]:
    """Has each of ``authorities``, addresses by name, stamp the log once a day; looked at every hour."""
    if not authorities:
        return ()
    listed = [StampAuthority(name, url) for name, url in authorities.items()]
    stamps = DailyStamps(ledger.log, listed, http_query, clock, ledger.duties.incidents)
    return (Schedule("time stamps", HOUR_MS, regularly(stamps.run), at_start=True),)


@contextmanager
def reconciled(log: RunningLog, meter: RunMeter) -> Iterator[Schedule]:
    """Runs of networks are compared with the log: daily by the schedule that is given, and at the end of the block."""
    reconciliation = Reconciliation(log, meter)
    try:
        yield Schedule("reconciliation", 24 * HOUR_MS, regularly(reconciliation.run))
    finally:
        with suppress(UnavailableError):  # a ledger that cannot be written has said so already
            reconciliation.run()


def schedule_retention(
    ledger: ServerLedger, gallery: GalleryStore, erasures: RecordedErasures, clock: Clock
) -> Schedule:
    """Erases what the retention rules say; at the start, because a server may be restarted more often than hourly."""
    retention = Retention(gallery, erasures, ledger.log, clock)

    def run() -> bool:
        done = list(retention.run())  # all collections, also where the first has more already
        return any(due.more for due in done)

    return Schedule("retention", HOUR_MS, run, at_start=True)


def watched_clock(log: RunningLog, clock: Clock) -> ClockWatch:
    """What writes down when the clock was set or is behind the log; a first look is taken at once."""
    watch = ClockWatch(log, clock, boot_time_ms)
    log.flush()
    watch.look()
    return watch


def boot_time_ms() -> int:
    """Milliseconds that nobody can set: since the machine was started."""
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS counts sleep with neither
    return time.clock_gettime_ns(source) // 1_000_000


@contextmanager
def started(data: Path, origin: str, anchor: Anchor | None, clock: Clock) -> Iterator[RunningLog]:
    """The log of ``data``, open and recovered, until the end of the block.

    Raises:
        UnavailableError: it cannot be opened.
    """
    try:
        log = open_ledger(data, origin, clock, LedgerOptions(anchor=anchor))
        log.start()
    except (NoteError, LedgerUnavailableError) as error:
        raise UnavailableError(f"the ledger in {data} cannot be opened: {error}") from error
    except OSError as error:
        raise UnavailableError(f"the ledger in {data} cannot be opened: {error.strerror}") from error
    try:
        yield log
    finally:
        log.close()


def _prices(data: Path) -> PriceList:
    """The operator's price list if there is one, else the default."""
    path = data / PRICES_FILE
    try:
        return load_prices(path.read_bytes() if path.exists() else default_prices())
    except ValueError as error:
        raise UnavailableError(f"{PRICES_FILE} is no price list: {error}") from error


def cosigners(data: Path) -> Cosigners:
    """Whom the trust policy of ``data`` names as witnesses."""
    path = data / POLICY_FILE
    return Cosigners(lambda: parse_policy(path.read_bytes()).witnesses.values() if path.exists() else (), http_post())


def log_name(data: Path) -> str:
    """Name of the log of ``data``."""
    return LedgerPaths(data).verifier.read_text(encoding="utf-8").partition("+")[0]


def log_origin(place: LedgerPlace) -> str:
    """The name of the log, or of the one to be made. Raises UnavailableError: it has another one than is wanted."""
    path = LedgerPaths(place.data).signing_key
    if path.exists():
        name = SigningKey.parse(read_secret(path).decode()).name
        if place.origin not in ("", name):
            raise UnavailableError(f"the ledger in {place.data} is named {name}; a log cannot change its name")
        return name
    if LedgerPaths(place.data).shared_mark.exists():
        return log_name(place.data)  # only some of several servers have the key
    return place.origin or f"custodes/{place.account}"


def _write_policy(data: Path, tiles: TileReader) -> None:
    """The policy that verifiers start from: this log and VRF key, no witnesses. What the operator made of it stays."""
    path = data / POLICY_FILE
    if not path.exists():
        verifier = LedgerPaths(data).verifier.read_text(encoding="utf-8").strip()
        vrf_key = vrf_keys(LedgerPaths(data), tiles).keys().present.public
        write_durably(path, write_policy([verifier], [], 0, vrf_key).encode(), 0o644)
