"""Server programs of the tests that are killed at a moment: what they said at their end, or nothing.

In: a program that prints READY where it begins with what is to be disturbed, and ``DONE`` with JSON at its end. Out:
that JSON. It starts no server itself.
"""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from custodes.ledger.tlog.entry import decode
from custodes.ledger.writer.log import LedgerLog
from tests.fakes.process import Forked


def kills(script: Path, data: Path, folder: Path, moments: Iterator[float], most: int) -> int:
    """How often ``script`` was killed in ``data`` before its end, each time at one of ``moments``, ``most`` at most."""
    for number in range(most):
        if last_words(script, data, folder, next(moments)) is not None:
            return number
    return most


def last_words(script: Path, data: Path, folder: Path, seconds: float | None) -> Any:
    """What ``script`` says at its end; None where it was killed ``seconds`` after it was ready."""
    popen = Forked(script, str(data), str(folder), apart=True)
    assert popen.stdout is not None
    with popen.stdout:
        for line in popen.stdout:
            if line == "READY\n":
                break
        timer = threading.Timer(120 if seconds is None else seconds, popen.send_signal, [signal.SIGKILL])
        timer.start()
        told = popen.stdout.read()
    popen.wait(30)
    timer.cancel()
    # A line without its end was being written when the program was killed: nothing was said.
    said = (line for line in told.splitlines(keepends=True) if line.startswith("DONE ") and line.endswith("\n"))
    return next((json.loads(line[5:]) for line in said), None)


def charges(log: LedgerLog, job: str) -> Counter[int]:
    """What the entries of ``job`` charge, by part."""
    found: Counter[int] = Counter()
    for index in range(log.published.size):
        entry = decode(log.tree().entry(index))
        body = log.body(index) if entry.kind == "use" else None
        facts = {} if body is None else json.loads(body)
        if facts.get("job") == job:
            found[facts["part"]] += entry.units or 0
    return found
