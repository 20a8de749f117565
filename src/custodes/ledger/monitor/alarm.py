"""Alarms of a monitor: which findings somebody has to be told, whom, and how.

In: findings, a folder to remember in, ways to tell. Out: messages, each once; a contradiction is kept with its evidence
for good, and so is what could not be delivered until it was. A command is given as a list of arguments and gets the
text on its standard input; no shell is involved. A webhook is signed with HMAC-SHA256 over the time and the body, like
the server's own (docs/video.md).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from custodes.durable import write_durably
from custodes.ledger.monitor.finding import FindingKind, LogFinding

Tell = Callable[[str, int], None]
"""Tells a text, at a time in ms. Raises OSError when it could not be delivered."""

_FILE = "alarms.json"
_TIMEOUT_S = 30


@dataclass(slots=True)
class _Book:
    """Contradictions with when they were found and whether somebody was told; what else stands, since when."""

    found: list[dict[str, object]] = field(default_factory=list)
    standing: dict[str, dict[str, object]] = field(default_factory=dict)


class Alarms:
    """Remembers in a folder what was found and who was told."""

    def __init__(self, folder: Path, tell: Sequence[Tell], patience_ms: int) -> None:
        """Tell by each of ``tell``; a log that does not answer becomes an alarm after ``patience_ms``.

        Raises:
            ValueError: what is remembered is damaged.
        """
        self._folder = folder
        self._tell = tell
        self._patience_ms = patience_ms
        file = folder / _FILE
        try:
            self._book = _Book(**json.loads(file.read_bytes())) if file.exists() else _Book()
        except (ValueError, TypeError) as error:
            raise ValueError(f"{file} is damaged") from error

    def contradictions(self) -> list[str]:
        """All that were ever found; moving ``alarms.json`` away is the only way to forget them."""
        return [str(one["text"]) for one in self._book.found]

    def take(self, findings: Iterable[LogFinding], now_ms: int) -> list[str]:
        """Remember ``findings`` and tell what is new; what could not be delivered, as text.

        Raises:
            OSError: it cannot be remembered.
        """
        seen = set()
        for one in findings:
            if one.kind is FindingKind.CONTRADICTION:
                self._keep(one, now_ms)
            else:
                seen.add(one.kind.value)
                known = self._book.standing.setdefault(one.kind.value, {"since_ms": now_ms, "told": False})
                known["text"] = one.text
        self._book.standing = {kind: row for kind, row in self._book.standing.items() if kind in seen}
        self._save()
        failures = [failure for row in self._due(now_ms) for failure in self._deliver(row, now_ms)]
        self._save()
        return failures

    def _keep(self, finding: LogFinding, now_ms: int) -> None:
        if finding.text in self.contradictions():
            return
        self._book.found.append({"at_ms": now_ms, "text": finding.text, "told": False})
        folder = self._folder / "evidence" / f"{len(self._book.found):04d}"
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / "finding.txt", finding.text.encode() + b"\n")
        for name, data in finding.evidence:
            write_durably(folder / name, data)

    def _due(self, now_ms: int) -> list[dict[str, object]]:
        rows = [row for row in self._book.found if not row["told"]]
        for kind, row in self._book.standing.items():
            patience = self._patience_ms if kind == FindingKind.UNREACHABLE else 0
            since = row["since_ms"]
            if not row["told"] and isinstance(since, int) and now_ms - since >= patience:
                rows.append(row)
        return rows

    def _deliver(self, row: dict[str, object], now_ms: int) -> list[str]:
        failures = []
        for tell in self._tell:
            try:
                tell(str(row["text"]), now_ms)
            except OSError as error:
                failures.append(f"an alarm was not delivered: {error}")
        row["told"] = not failures
        return failures

    def _save(self) -> None:
        value = {"found": self._book.found, "standing": self._book.standing}
        write_durably(self._folder / _FILE, json.dumps(value, sort_keys=True).encode())


def run_command(arguments: Sequence[str], log: str) -> Tell:
    """Tells by running a program, like ``mail -s alarm ngo@example.org``, with the text on its standard input."""

    def tell(text: str, _now_ms: int) -> None:
        message = f"The ledger at {log}:\n\n{text}\n"
        try:
            done = subprocess.run(  # noqa: S603 - the reader's own command, without a shell
                list(arguments), input=message.encode(), capture_output=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"{arguments[0]} did not end") from error
        if done.returncode:
            raise OSError(f"{arguments[0]} ended with status {done.returncode}")

    return tell


def post_webhook(url: str, secret: bytes, log: str) -> Tell:
    """Tells by a POST of JSON with ``log``, ``text`` and ``ts_ms``, signed as the server's own webhooks are."""

    def tell(text: str, now_ms: int) -> None:
        body = json.dumps({"log": log, "text": text, "ts_ms": now_ms}, sort_keys=True).encode()
        signature = hmac.new(secret, f"{now_ms}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-custodes-timestamp": str(now_ms),
            "x-custodes-signature": f"sha256={signature}",
        }
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - the scheme was checked
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310
            return

    if not url.startswith(("https://", "http://")):
        raise ValueError("a webhook begins with https:// or http://")
    return tell
