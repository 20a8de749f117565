"""A ledger in a temporary folder with a clock that stands still, and one that grew over two tile levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from custodes.core.clock import FixedClock
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.writer.log import LedgerLog, LogSettings
from custodes.storage.ledger.anchor import FileAnchor
from custodes.storage.ledger.open import LedgerOptions, ledger_key, open_ledger

ORIGIN = "test.example/ledger"
SETTINGS = LogSettings(publish_every_s=0.01, retry_s=0.02)
OpenLog = Callable[..., LedgerLog]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def open_log(clock: FixedClock) -> Iterator[OpenLog]:
    """Opens and starts the ledger of a folder; closed when the test ends."""
    opened: list[LedgerLog] = []

    def opener(data: Path, anchor: Path | None = None) -> LedgerLog:
        kept = None if anchor is None else FileAnchor(anchor)
        log = open_ledger(data, ORIGIN, clock, LedgerOptions(anchor=kept, settings=SETTINGS))
        log.start()
        opened.append(log)
        return log

    yield opener
    for log in opened:
        log.close()


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data directory of a closed ledger with 70,001 entries: three tile levels, ragged. Read-only for tests."""
    data = tmp_path_factory.mktemp("grown")
    log = open_ledger(data, ORIGIN, FixedClock(), LedgerOptions(settings=SETTINGS))
    log.start()
    for start in range(0, 70_000, 10_000):
        for number in range(start, start + 10_000):
            log.append("inc", fields={"n": number})
        log.flush()
    log.append("inc", body={"note": "the last one"}, fields={"n": 70_000})
    log.close()
    return data


@pytest.fixture
def key_of() -> Callable[[Path], VerifierKey]:
    """The public key of a ledger's folder."""
    return lambda data: ledger_key(data, ORIGIN).verifier
