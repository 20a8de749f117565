"""On which machine a start ran: a report that fits is told, and one about something else, or by nobody, is refused."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custodes.core.clock import FixedClock, SystemClock
from custodes.core.errors import UnavailableError
from custodes.ledger.__main__ import main
from custodes.ledger.prover.files import wrap
from custodes.ledger.tlog.entry import b64url, from_b64url
from custodes.ledger.verifier.canonical_json import PlacedEntry, unwrap
from custodes.operations.record.attestation import attest
from custodes.operations.record.start import Release, announce
from custodes.storage.files.machine_report import TsmReports
from custodes.storage.ledger.open import LedgerPaths, open_ledger
from tests.fakes.engine import SquareEngine
from tests.fakes.live import running
from tests.fakes.processor import MEASUREMENT, Configfs, Maker, Processor

RELEASE = Release(bytes(32), bytes(32), bytes(32))


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


class Started:
    """A log on disk with two starts; files about the first, and what a verifier has beside them."""

    def __init__(self, folder: Path, processor: Processor) -> None:
        self.folder, self.processor = folder, processor
        clock = FixedClock(SystemClock().now_ms())
        log = open_ledger(folder / "data", "ledger.example/attested", clock)
        log.start()
        self.starts = [announce(log, RELEASE)]
        clock.advance(1_000)  # two starts in one millisecond are one and the same entry, twice
        self.starts.append(announce(log, RELEASE))
        log.flush()
        log.close()
        paths = LedgerPaths(folder / "data")
        self.key = paths.verifier.read_text().strip()
        (folder / "trust.policy").write_text(f"log {self.key}\nquorum none\n")
        self.public = paths.public
        self.certify(processor)

    def certify(self, processor: Processor) -> None:
        (self.folder / "chain.pem").write_bytes(processor.chain())
        (self.folder / "roots.pem").write_bytes(processor.roots())

    def file(self, processor: Processor | None = None, start: PlacedEntry | None = None, key: str = "") -> bytes:
        kept: dict[int, bytes] = {}
        attest(start or self.starts[0], key or self.key, processor or self.processor, kept.__setitem__)
        return next(iter(kept.values()))

    def verdict(self, file: bytes, capsys: Any, measurement: bytes | None = MEASUREMENT) -> str:
        (self.folder / "file").write_bytes(file)
        beside = {"trust": "trust.policy", "chain": "chain.pem", "roots": "roots.pem"}
        words = [word for name, path in beside.items() for word in (f"--{name}", str(self.folder / path))]
        more = [] if measurement is None else ["--measurement", measurement.hex()]
        main(["attestation", str(self.folder / "file"), "--ledger", str(self.public), *words, *more])
        return str(capsys.readouterr().out)


@pytest.fixture
def started(tmp_path: Path, maker: Maker) -> Started:
    return Started(tmp_path, Processor(maker))


def test_a_start_on_the_expected_machine(started: Started, capsys: Any) -> None:
    said = started.verdict(started.file(), capsys)
    assert said.startswith("PRESENT") and MEASUREMENT.hex() in said and "What this does not show" in said
    unasked = started.verdict(started.file(), capsys, None)
    assert unasked.startswith("UNDETERMINED") and MEASUREMENT.hex() in unasked


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"measurement": bytes(48)}, "which is not what you expect"),
        ({"policy": 0xB0000}, "host may look into it"),
        ({"flags": 1 << 2}, "not signed by a key of the processor alone"),
        ({"algorithm": 2}, "not read"),
        ({"certified": bytes([4, 0, 0, 0, 0, 0, 22, 212])}, "other versions"),
        ({"days": -1}, "was not valid then"),
    ],
)
def test_another_machine_or_one_that_proves_nothing(started: Started, capsys: Any, change: Any, why: str) -> None:
    processor = replace(started.processor, **change)
    started.certify(processor)
    said = started.verdict(started.file(processor), capsys)
    assert said.startswith("INVALID") and why in said


def test_a_report_of_another_processor_or_by_a_maker_that_nobody_pinned(started: Started, capsys: Any) -> None:
    other = Processor(started.processor.maker, chip=bytes(64))
    assert "of another processor" in started.verdict(started.file(other), capsys)
    twin = Processor(started.processor.maker)
    assert "a signature does not hold" in started.verdict(started.file(twin), capsys)
    stranger = Processor(Maker())
    (started.folder / "chain.pem").write_bytes(stranger.chain())
    said = started.verdict(started.file(stranger), capsys)
    assert said.startswith("INVALID")
    started.certify(stranger)
    assert started.verdict(started.file(stranger), capsys).startswith("PRESENT"), "whose root is pinned is the reader's"


def test_a_report_about_another_start_or_log_is_not_taken_for_this_one(
    started: Started, tmp_path: Path, capsys: Any
) -> None:
    first, second = (dict(unwrap("attestation", started.file(start=start))) for start in started.starts)
    mixed = wrap("attestation", {**first, "report": second["report"]})
    assert "about another start" in started.verdict(mixed, capsys)
    assert "not in the log" in started.verdict(wrap("attestation", {**first, "index": first["index"] + 1}), capsys)
    never = PlacedEntry(0, started.starts[0].envelope.replace(b'"v":1', b'"z":1,"v":1'))
    assert started.verdict(started.file(start=never), capsys).startswith("INVALID")
    other = Started(tmp_path / "other", started.processor)
    assert "key of another log" in started.verdict(other.file(), capsys)
    claimed = wrap("attestation", {**dict(unwrap("attestation", other.file())), "key": started.key})
    assert started.verdict(claimed, capsys).startswith("INVALID")


def test_every_changed_byte_is_found(started: Started, capsys: Any) -> None:
    members, chance = dict(unwrap("attestation", started.file())), random.Random(1)
    report = from_b64url(members["report"])
    for at in [*range(0, 0x2A0, 40), *chance.sample(range(0x2A0, 0x2A0 + 48), 4), *range(0x2E8, 0x2E8 + 48, 12)]:
        changed = bytearray(report)
        changed[at] ^= 1 << chance.randrange(8)
        file = wrap("attestation", {**members, "report": b64url(bytes(changed))})
        assert started.verdict(file, capsys).startswith("INVALID"), at
    for length in (0, 100, 1183, 1185):
        cut = wrap("attestation", {**members, "report": b64url((report + b"x")[:length])})
        assert started.verdict(cut, capsys).startswith("INVALID")


def test_a_server_has_its_start_attested(tmp_path: Path, maker: Maker, capsys: Any) -> None:
    Configfs.processor = Processor(maker)
    folder = Configfs(tmp_path / "tsm")
    Path(folder).mkdir()
    with running(tmp_path / "data", {"attestation": folder}, engine=SquareEngine()) as server:
        (file,) = (server.data / "attestations").iterdir()
        shutil.copytree(server.data / "ledger", tmp_path / "public")
        beside = Started(tmp_path / "reader", Configfs.processor)
        (beside.folder / "trust.policy").write_bytes((server.data / "trust.policy").read_bytes())
        beside.public = tmp_path / "public"
    assert beside.verdict(file.read_bytes(), capsys).startswith("PRESENT")
    assert list((tmp_path / "tsm").iterdir()) == [], "nothing is left where reports are asked for"


def test_a_machine_that_gives_no_such_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="gives no report"):
        TsmReports(tmp_path / "nowhere").report(bytes(64))

    class Other(Configfs):
        provider = "tdx_guest"

    folder = Other(tmp_path / "tsm")
    Path(folder).mkdir()
    with pytest.raises(UnavailableError, match="tdx_guest"):
        TsmReports(folder).report(bytes(64))
