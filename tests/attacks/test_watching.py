"""Showing a log that forked, was rolled back or stands still, to somebody who watches it from outside."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.clock import SystemClock
from custodes.deployment.record.statements import open_statements
from custodes.ledger.verifier.statement import Question
from custodes.ledger.writer.receipt import receipt_token
from custodes.storage.ledger.open import LedgerPaths, open_ledger

ANN = "100000000001"


class Clock:
    def __init__(self, off_ms: int = 0) -> None:
        self.off_ms = off_ms

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.off_ms


class Log:
    """A log in a directory of its own, written in bursts."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.receipts = data.parent / "receipts"
        self.receipts.mkdir(exist_ok=True)
        self.statements = data.parent / "statements"
        self.statements.mkdir(exist_ok=True)

    def use(self, times: int = 1, off_ms: int = 0, keep: bool = True) -> list[int]:
        """Uses by Ann, whose receipts she keeps; a head at the end."""
        log, indexes = open_ledger(self.data, "ledger.example/watched", Clock(off_ms)), []
        log.start()
        for _ in range(times):
            slot = log.append("auth", fields={"d": "allow"})
            done = log.append("use", units=1, body={"acct": ANN, "op": "DetectFaces"}, settles=slot).wait()
            indexes.append(done.index)
            if keep:
                (self.receipts / f"{done.index}.receipt").write_text(receipt_token(done) + "\n")
        open_statements(self.data).close_head(log)
        log.close()
        return indexes

    def state(self, name: str) -> None:
        statement = open_statements(self.data).create(Question(f"acct:{ANN}"))
        (self.statements / name).write_bytes(statement)

    def trust(self) -> Path:
        key = LedgerPaths(self.data).verifier.read_text().strip()
        file = self.data.parent / "trust.policy"
        file.write_text(f"log {key}\nquorum none\n")
        return file


class Site:
    """What the operator shows at one address: the public files of one directory."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    def show(self, data: Path) -> None:
        handler = partial(_Quiet, directory=str(data / "ledger"))
        self.server.RequestHandlerClass = handler  # type: ignore[assignment]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(server)
        server.shutdown()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "data")


def watch(site: Site, log: Log, *options: str) -> tuple[int, str]:
    state = log.data.parent / "state"
    given = ["--receipts", str(log.receipts), "--statements", str(log.statements)]
    command = ["monitor", site.url, "--state", str(state), "--trust", str(log.trust()), "--once", *given, *options]
    done = CliRunner().invoke(app, command)
    return done.exit_code, done.output


def test_an_honest_log_is_mirrored_and_the_mirror_is_a_log(log: Log, site: Site) -> None:
    site.show(log.data)
    log.use(3)
    log.state("one.json")
    assert watch(site, log)[0] == 0
    log.use(130)  # over the edge of a tile
    log.state("two.json")
    status, text = watch(site, log)
    assert (status, text.split()[0]) == (0, "OK"), text
    assert watch(site, log)[1].strip().endswith(" 0 new")
    state = log.data.parent / "state"
    for path in ("checkpoint", "tile/entries/000", "tile/0/000", "tile/entries/001.p", "tile/1/000.p"):
        assert (state / "ledger" / path).exists(), path
    (state / "ledger.pub").write_text(LedgerPaths(log.data).verifier.read_text())
    assert CliRunner().invoke(app, ["ledger", "audit", "--data", str(state), "--no-bodies"]).exit_code == 0
    command = ["receipts", "check", str(log.receipts), "--trust", str(log.trust())]
    assert "133 of 133 receipts hold" in CliRunner().invoke(app, command).output
    checked = CliRunner().invoke(app, [*command, "--ledger", str(state / "ledger")])
    assert (checked.exit_code, "133 of 133 receipts are in the log" in checked.output) == (0, True), checked.output


def test_a_fork_is_seen_and_never_forgotten(log: Log, site: Site) -> None:
    log.use(2)
    other = Path(shutil.copytree(log.data, log.data.parent / "other"))
    log.use(3)
    site.show(log.data)
    assert watch(site, log)[0] == 0
    Log(other).use(4, keep=False)
    site.show(other)
    status, text = watch(site, log)
    assert (status, "fork" in text) == (1, True), text
    site.show(log.data)  # the better face again
    status, text = watch(site, log)
    assert (status, "CONTRADICTION" in text) == (1, True), text
    evidence = log.data.parent / "state" / "evidence" / "0001"
    assert (evidence / "before.checkpoint").read_bytes() != (evidence / "now.checkpoint").read_bytes()


def test_a_log_rolled_back_is_seen(log: Log, site: Site) -> None:
    log.use(2)
    backup = Path(shutil.copytree(log.data, log.data.parent / "backup"))
    log.use(1)
    site.show(log.data)
    assert watch(site, log)[0] == 0
    site.show(backup)
    status, text = watch(site, log)
    assert (status, "rollback" in text) == (1, True), text


def test_an_entry_that_was_changed_under_its_signature_is_seen(log: Log, site: Site) -> None:
    log.use(2)
    site.show(log.data)
    assert watch(site, log)[0] == 0
    log.use(2)
    bundle = max((log.data / "ledger/tile/entries/000.p").iterdir(), key=lambda file: int(file.name))
    bundle.write_bytes(bundle.read_bytes().replace(b'"u":1', b'"u":0', 1))
    status, text = watch(site, log)
    assert (status, "fork: entry" in text) == (1, True), text


def test_a_log_that_stands_still_is_seen(log: Log, site: Site) -> None:
    log.use(1, off_ms=-4 * 3_600_000)
    site.show(log.data)
    status, text = watch(site, log)
    assert (status, "4 hours old" in text or "hours old" in text) == (2, True), text
    assert watch(site, log, "--max-age", "1d")[0] == 0


def test_a_clock_that_is_ahead_is_seen(log: Log, site: Site) -> None:
    log.use(1, off_ms=2 * 3_600_000)
    site.show(log.data)
    status, text = watch(site, log)
    assert (status, "ahead of yours" in text) == (2, True), text


def test_a_receipt_that_is_not_in_the_log_is_seen(log: Log, site: Site) -> None:
    log.use(1)
    hidden = Path(shutil.copytree(log.data, log.data.parent / "hidden"))
    Log(hidden).use(1)  # Ann is served by a log that others do not see
    log.use(2, keep=False)
    site.show(log.data)
    status, text = watch(site, log)
    assert (status, "was signed, and is not in the log" in text) == (1, True), text
    command = ["receipts", "check", str(log.receipts), "--trust", str(log.trust())]
    assert CliRunner().invoke(app, command).exit_code == 0  # nothing to compare with
    log.use(2)
    shutil.rmtree(log.data.parent / "state")
    watch(site, log)
    checked = CliRunner().invoke(app, [*command, "--ledger", str(log.data / "ledger")])
    assert (checked.exit_code, "fork" in checked.output) == (1, True), checked.output


def test_a_statement_that_rests_on_another_history_is_seen(log: Log, site: Site) -> None:
    log.use(2)
    other = Path(shutil.copytree(log.data, log.data.parent / "other"))
    log.use(2)
    log.state("shown-to-ann.json")
    Log(other).use(4, keep=False)
    site.show(other)
    shutil.rmtree(log.receipts)
    log.receipts.mkdir()
    status, text = watch(site, log)
    assert (status, "fork: shown-to-ann.json" in text) == (1, True), text


def test_somebody_is_told_once(log: Log, site: Site, tmp_path: Path) -> None:
    log.use(2)
    backup = Path(shutil.copytree(log.data, tmp_path / "backup"))
    log.use(1)
    site.show(log.data)
    assert watch(site, log)[0] == 0
    site.show(backup)
    inbox, posted = tmp_path / "inbox", list[tuple[dict[str, str], bytes]]()
    note = ["--", sys.executable, "-c", f"import sys; open({str(inbox)!r}, 'a').write(sys.stdin.read())"]
    secret = tmp_path / "secret"
    secret.write_text("shared\n")

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(
                (
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(int(self.headers["content-length"])),
                )
            )
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    watch(site, log, "--webhook", "http://127.0.0.1:9/gone", "--webhook-secret", str(secret))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hook = ["--webhook", f"http://127.0.0.1:{server.server_address[1]}/", "--webhook-secret", str(secret)]
        for _ in range(2):
            assert watch(site, log, *hook, *note)[0] == 1
        server.shutdown()
    assert inbox.read_text().count("rollback") == 1  # the failed delivery was made up for, and not repeated
    (headers, body), *others = posted
    assert others == []
    signed = hmac.new(b"shared", headers["x-custodes-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-custodes-signature"] == f"sha256={signed}"
    assert "rollback" in json.loads(body)["text"]
