"""A process that writes a ledger and dies or fails as it is told; the tests read what it acknowledged from its output.

Lines on standard output: ``ready``, then ``ack INDEX ENVELOPE_HEX CHECKPOINT_HEX`` for every entry that was
acknowledged, written with one system call each, so that a kill cannot tear them off what really happened.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.ledger.tlog.proof import Receipt
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.log import LedgerLog, LogParts, LogSettings
from custodes.ledger.writer.ports import Stores
from custodes.storage.ledger.anchor import FileAnchor
from custodes.storage.ledger.open import LedgerOptions, LedgerPaths, ledger_parts
from custodes.storage.ledger.tiles import FileTiles

ORIGIN = "test.example/ledger"


class Trap:
    """Wraps a store and goes off at the ``nth`` call of one method."""

    def __init__(self, target: object, name: str, step: str, nth: int, action: str) -> None:
        self._target = target
        self._name = name
        self._step = step
        self._left = nth
        self._action = action
        self._guard = threading.Lock()

    def __getattr__(self, method: str) -> object:
        real = getattr(self._target, method)
        if f"{self._name}.{method}" != self._step:
            return real

        def trapped(*args: object, **options: object) -> object:
            with self._guard:
                self._left -= 1
                off = self._left == 0
            if off and self._action.endswith("before"):
                self._go_off()
            result = list(real(*args)) if method == "segments" else real(*args, **options)
            if off and self._action.endswith("after"):
                self._go_off()
            return result

        return trapped

    def _go_off(self) -> None:
        if self._action.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        raise OSError(5, "injected")


class Unsynced:
    """Tiles that say in a file which of theirs a power cut would take: those that were put since the last sync."""

    def __init__(self, tiles: FileTiles, record: Path) -> None:
        self._tiles = tiles
        self._record = record
        record.touch()

    def __getattr__(self, method: str) -> object:
        return getattr(self._tiles, method)

    def put(self, path: str, data: bytes, *, repair: bool = False) -> None:
        self._note(path)
        self._tiles.put(path, data, repair=repair)

    def replace(self, path: str, data: bytes) -> None:
        self._note(path)
        self._tiles.replace(path, data)

    def sync(self) -> None:
        self._tiles.sync()
        self._record.write_bytes(b"")

    def _note(self, path: str) -> None:
        with self._record.open("a", encoding="ascii") as record:
            record.write(f"{path}\n")


def cut_power(data: Path) -> int:
    """Tear all public files that were not synced when the process ended; returns how many there were.

    What was removed stays removed, which is the worse of the two things that may happen to it.
    """
    torn = set((data / "unsynced").read_text(encoding="ascii").split())
    found = [file for file in (LedgerPaths(data).public / path for path in torn) if file.exists()]
    for file in found:
        os.truncate(file, file.stat().st_size // 3)
    return len(found)


def trapped_log(data: Path, step: str, nth: int, action: str, segment_bytes: int = 20_000) -> LedgerLog:
    """The ledger of ``data`` with a trap in one step; no trap when ``nth`` is 0."""
    parts = ledger_parts(data, ORIGIN, SystemClock(), LedgerOptions(anchor=FileAnchor(data / "anchor")))
    stores = parts.stores
    trapped = Stores(
        Trap(stores.journal, "journal", step, nth, action),
        Trap(Unsynced(stores.tiles, data / "unsynced"), "tiles", step, nth, action),
        Trap(stores.bodies, "bodies", step, nth, action),
        Trap(stores.anchor, "anchor", step, nth, action),
    )
    settings = LogSettings(publish_every_s=0.01, segment_bytes=segment_bytes, retry_s=0.02)
    return LedgerLog(LogParts(trapped, parts.identity, parts.body_key, parts.clock, parts.random), settings)


def acknowledge(receipt: Receipt) -> None:
    """Tell the world, at once."""
    line = f"ack {receipt.index} {receipt.envelope.hex()} {receipt.checkpoint.hex()}\n"
    os.write(1, line.encode())


def request(log: LedgerLog, number: int) -> None:
    """One request as the gate makes it; the answer is released only when its use is durable."""
    permission = log.append("auth", body={"n": number}, fields={"d": "allow"})
    write = log.commit if number % 2 else log.append
    used = write("use", units=1, body={"n": number, "text": "x" * 200}, settles=permission)
    acknowledge(used.wait(10))


def load(log: LedgerLog, seconds: float) -> None:
    """Several clients for some time."""
    end = time.monotonic() + seconds

    def client() -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            try:
                request(log, number)
            except LedgerUnavailableError:
                time.sleep(0.005)

    threads = [threading.Thread(target=client) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fill_disk(log: LedgerLog) -> None:
    """Files may not grow past a limit for a while; then they may again."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    refused = 0
    for number in range(2000):
        try:
            request(log, number)
        except LedgerUnavailableError:
            refused += 1
            if refused > 20:
                break
    os.write(1, f"refused {refused}\n".encode())
    log.proof(0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    for _ in range(500):
        if log.unavailable is None:
            break
        time.sleep(0.02)
    request(log, 9999)
    os.write(1, b"recovered\n")


def main() -> None:
    """``victim.py DIR STEP NTH ACTION MODE SECONDS``."""
    data, step, nth, action, mode, seconds = sys.argv[1:]
    log = trapped_log(Path(data), step, int(nth), action)
    log.start()
    os.write(1, b"ready\n")
    if mode == "full":
        fill_disk(log)
    else:
        load(log, float(seconds))
    log.close()


if __name__ == "__main__":
    main()
