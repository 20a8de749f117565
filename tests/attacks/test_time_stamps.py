"""A clock that is wrong all the time, against time stamps of outside authorities (``openssl ts``)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.clock import FixedClock, SystemClock
from custodes.deployment.record.statements import open_statements
from custodes.ledger.__main__ import check
from custodes.ledger.tlog.entry import b64url, decode, from_b64url
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.verifier.canonical_json import canonical
from custodes.ledger.verifier.statement import Question
from custodes.ledger.verifier.timestamps.token import StampError, read_roots, verify_stamp
from custodes.ledger.witness.state_file import FolderMemory
from custodes.ledger.witness.witness import WitnessKey, WitnessServer
from custodes.operations.record.evidence.stamps import DailyStamps, StampAuthority, http_query
from custodes.operations.record.incidents.incidents import Incidents
from custodes.settings import Settings
from custodes.storage.ledger.open import LedgerPaths, open_ledger
from tests.fakes.authority import OpensslAuthority

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
ANN, EVE = "100000000001", "100000000003"
SECOND, HOUR = 1000, 3_600_000


class Clock:
    off_ms = 0

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.off_ms


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[OpensslAuthority, str]]]:
    folder = tmp_path_factory.mktemp("authorities")
    made = {name: OpensslAuthority(folder / name, name) for name in ("alpha", "beta", "gamma")}
    with ExitStack() as opened:
        yield {name: (one, opened.enter_context(one.serving())) for name, one in made.items()}


class Story:
    """A log with uses before, in and after a period of one second, stamped before and after it."""

    def __init__(self, folder: Path, authorities: dict[str, tuple[OpensslAuthority, str]]) -> None:
        self.folder, self.data, self.clock = folder, folder / "data", Clock()
        self.listed = [StampAuthority(name, url) for name, (_, url) in authorities.items() if name != "gamma"]
        log = open_ledger(self.data, "ledger.example/stamped", self.clock)
        log.start()
        (self.data / "account").write_text("100000000009\n")
        self.early = self.use(log, EVE)
        self.stamp(log)
        self.begin = self.now() // SECOND * SECOND + 3 * SECOND
        self.end = self.begin + SECOND
        self.clock.off_ms = -2 * HOUR  # the operator's clock is behind, and Ann's use is dated before the period
        self.hidden = self.use(log, ANN)
        self.clock.off_ms = 0
        time.sleep(max(0.0, (self.end + 2 * SECOND - self.now()) / 1000))
        self.stamp(log)
        open_statements(self.data).close_head(log)
        self.log = log

    def now(self) -> int:
        return SystemClock().now_ms()

    def use(self, log, account: str) -> int:
        slot = log.append("auth", fields={"d": "allow"})
        return log.append("use", units=1, body={"acct": account, "op": "DetectFaces"}, settles=slot).wait().index

    def stamp(self, log) -> None:
        incidents = Incidents(log, lambda index: {})
        DailyStamps(log, self.listed, http_query, _Today(), incidents).run()

    def ask(self, account: str, roots: bytes, begin: int | None = None, end: int | None = None) -> tuple[str, str]:
        """First word and text of the stranger's verifier, with time stamps."""
        statements, file = open_statements(self.data), self.folder / "statement.json"
        question = Question(f"acct:{account}", self.begin if begin is None else begin, self.end if end is None else end)
        file.write_bytes(statements.create(question))
        (self.folder / "stamps.json").write_bytes(statements.stamps(file.read_bytes()))
        return self.verify(roots)

    def verify(self, roots: bytes | None) -> tuple[str, str]:
        trust, pinned = self.folder / "trust.policy", self.folder / "roots.pem"
        trust.write_text(f"log {LedgerPaths(self.data).verifier.read_text().strip()}\nquorum none\n")
        command = ["verify", str(self.folder / "statement.json"), "--trust", str(trust)]
        if roots is not None:
            pinned.write_bytes(roots)
            command += ["--stamps", str(self.folder / "stamps.json"), "--stamp-roots", str(pinned)]
        done = subprocess.run(
            [sys.executable, "-m", "custodes.ledger", *command], capture_output=True, text=True, check=False
        )
        return done.stdout.split("\n", 1)[0], done.stdout + done.stderr


class _Today:
    """A day of its own for each run, so that every run stamps."""

    day = 0

    def now_ms(self) -> int:
        type(self).day += 1
        return SystemClock().now_ms() + self.day * 86_400_000


@pytest.fixture(scope="module")
def story(tmp_path_factory, authorities) -> Iterator[Story]:
    made = Story(tmp_path_factory.mktemp("story"), authorities)
    yield made
    made.log.close()


@pytest.fixture(scope="module")
def roots(authorities) -> bytes:
    return b"".join(authorities[name][0].root_pem for name in ("alpha", "beta"))


def test_a_use_that_the_operators_clock_dates_out_of_the_period_is_not_absent(story, roots):
    word, text = story.ask(ANN, roots)
    assert word == "UNDETERMINED", text
    assert f"the first is entry {story.hidden}" in text
    assert story.verify(None)[0] == "ABSENT"  # who does not look at other clocks believes the operator's


def test_a_use_from_before_the_stamp_is_outside_and_nobody_is_nobody(story, roots):
    word, text = story.ask(EVE, roots)
    assert word == "ABSENT", text
    assert "alpha root stamped the first" in text
    assert story.ask("999999999999", roots)[0] == "ABSENT"
    # A period that goes on until after the last stamp was not seen to be over.
    assert story.ask("999999999999", roots, end=story.end + SECOND)[0] == "UNDETERMINED"


def test_stamps_count_only_by_pinned_roots_and_two_of_them(story, authorities, roots):
    story.ask(EVE, roots)
    alpha, beta, gamma = (authorities[name][0].root_pem for name in ("alpha", "beta", "gamma"))
    assert story.verify(alpha)[0] == "INVALID"  # a stamp by somebody whom the reader does not know
    assert story.verify(gamma)[0] == "INVALID"
    assert story.verify(alpha + beta + gamma)[0] == "ABSENT"
    whole = json.loads((story.folder / "stamps.json").read_bytes())
    assert {json.loads(json.dumps(one["e"]))["x"] for one in whole["stamps"]["stamps"]} == {"alpha", "beta"}


def test_a_stamp_of_something_else_or_by_nobody_who_is_known(story, authorities):
    index = next(index for index, raw in story.log.tree().entries() if decode(raw).fields.get("x") == "alpha")
    token = from_b64url(str(open_statements(story.data).facts_of(index)["token"]))
    alpha = authorities["alpha"][0]
    pinned = read_roots(alpha.root_pem)
    with pytest.raises(StampError, match="something else"):
        verify_stamp(token, b"ledger.example/stamped\n1\n", pinned)
    stamped = b"anything"
    query = _query(stamped)
    reply = _token(alpha.reply(query))
    found = verify_stamp(reply, stamped, pinned)
    assert abs(found.at.timestamp() - time.time()) < 60
    for at in range(len(reply)):
        mutated = reply[:at] + bytes([reply[at] ^ 1]) + reply[at + 1 :]
        with suppress(StampError):  # parts that no signature covers may change; what is said may not
            assert verify_stamp(mutated, stamped, pinned) == found
    for wrong in (b"", reply[:-1], reply + b"\x00", b"\x30\x80" + reply[2:]):
        with pytest.raises(StampError):
            verify_stamp(wrong, stamped, pinned)
    for root, reason in ((_root(alpha, days=1), "valid at the time"), (_root(alpha, ca=False), "you pinned")):
        with pytest.raises(StampError, match=reason):
            verify_stamp(reply, stamped, (root,))


def _root(authority: OpensslAuthority, days: int = 9000, ca: bool = True) -> x509.Certificate:
    """The authority's root again, under the same key and name, with other limits: from 2020 on, for ``days``."""
    (old,) = read_roots(authority.root_pem)
    key = load_pem_private_key((authority.folder / "root.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(old.subject, old.subject, key.public_key(), 1, begin, begin + timedelta(days=days))
    return made.add_extension(x509.BasicConstraints(ca, None), critical=True).sign(key, hashes.SHA256())


def _query(data: bytes) -> bytes:
    import rfc3161_client

    return rfc3161_client.TimestampRequestBuilder().data(data).cert_request(cert_request=True).build().as_bytes()


def _token(reply: bytes) -> bytes:
    import rfc3161_client

    return rfc3161_client.decode_timestamp_response(reply).time_stamp_token()


def test_a_missed_stamp_is_an_incident_and_a_day_is_stamped_once(tmp_path, authorities):
    log = open_ledger(tmp_path / "data", "ledger.example/missed", Clock())
    log.start()
    listed = [StampAuthority("alpha", authorities["alpha"][1]), StampAuthority("gone", "http://127.0.0.1:9/")]
    for _ in range(2):  # the second time after a restart
        incidents = Incidents(log, lambda index: {})
        stamps = DailyStamps(log, listed, http_query, SystemClock(), incidents)
        stamps.run()
        stamps.run()
    log.flush()
    kinds = [decode(raw) for _, raw in log.tree().entries()]
    assert [entry.fields["x"] for entry in kinds if entry.kind == "tsa"] == ["alpha"]
    assert [entry.fields["x"] for entry in kinds if entry.kind == "inc"] == ["stamp-missed"] * 2
    log.close()


def test_settings_want_two_authorities(tmp_path):
    good = Settings(data=tmp_path, timestamp_authorities="a=https://a.example/,b=https://b.example/tsa")
    assert good.stamping == {"a": "https://a.example/", "b": "https://b.example/tsa"}
    for wrong in ("a=https://a.example/", "a=https://a.example/,b", "a=ftp://x,b=https://y", "a=https://x,a=https://y"):
        with pytest.raises(Exception, match="timestamp_authorities"):
            Settings(data=tmp_path, timestamp_authorities=wrong)


def test_the_command_writes_the_stamps_of_a_statement(story, roots):
    story.ask(EVE, roots)
    out, trust = story.folder / "again.json", story.folder / "trust.policy"
    file = str(story.folder / "statement.json")
    story.log.close()  # no server runs: the command opens the ledger itself
    done = CliRunner().invoke(app, ["statement", "stamps", file, "--out", str(out), "--data", str(story.data)])
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == (story.folder / "stamps.json").read_bytes()
    pinned = ["--stamps", str(out), "--stamp-roots", str(story.folder / "roots.pem")]
    checked = CliRunner().invoke(app, ["statement", "verify", file, "--trust", str(trust), *pinned])
    assert checked.output.startswith("ABSENT"), checked.output
    for options, word in ((["--expect-account", ANN], "INVALID"), (["--expect-account", EVE], "ABSENT")):
        checked = CliRunner().invoke(app, ["statement", "verify", file, "--trust", str(trust), *options])
        assert checked.output.startswith(word), checked.output


def test_witnesses_bound_the_begin_of_a_period_as_well(tmp_path):
    """The operator's clock is behind when Ann uses the service; a witness saw the log before that."""
    start, data, clock, witness_s = 1_767_225_600_000, tmp_path / "data", FixedClock(1_767_225_600_000), [0]
    log = open_ledger(data, "ledger.example/witnessed", clock)
    log.start()
    key = VerifierKey.parse(LedgerPaths(data).verifier.read_text())
    own = WitnessKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    (tmp_path / "memory").mkdir()
    server = WitnessServer(own, {key.name: [key]}, FolderMemory(tmp_path / "memory"), lambda: witness_s[0])
    trust = tmp_path / "trust.policy"
    trust.write_text(f"log {key}\nwitness w {own.public} http://w.example\nquorum w\n")
    statements = open_statements(data)

    def use(account: str, at_ms: int) -> None:
        clock.ts_ms = at_ms
        slot = log.append("auth", fields={"d": "allow"})
        log.append("use", units=1, body={"acct": account, "op": "DetectFaces"}, settles=slot).wait()

    def ask(at_ms: int) -> None:
        witness_s[0] = at_ms // SECOND
        statements.close_head(log)
        witnesses = parse_policy(trust.read_bytes()).witnesses.values()
        assert statements.ask_witnesses(witnesses, lambda _url, body: server.add_checkpoint(body)).failures == {}

    use(EVE, start)
    ask(start + SECOND)
    use(ANN, start - HOUR)  # at start + 15 s in truth; times in the log never fall, so it is dated at start
    clock.ts_ms = start + 60 * SECOND
    log.append("acc").wait()
    ask(start + 61 * SECOND)
    file, stamps = tmp_path / "statement.json", tmp_path / "stamps.json"
    for account, with_states in ((ANN, "UNDETERMINED"), (EVE, "ABSENT"), ("999999999999", "ABSENT")):
        question = Question(f"acct:{account}", start + 10 * SECOND, start + 20 * SECOND)
        file.write_bytes(statements.create(question))
        stamps.write_bytes(statements.stamps(file.read_bytes()))
        assert check(file, trust)[0] == "ABSENT"
        word, text, _ = check(file, trust, stamps=(stamps, None))
        assert word == with_states, text
    forged = json.loads(stamps.read_bytes())
    forged["stamps"]["earlier"][0]["k"] = forged["stamps"]["earlier"][0]["k"].replace("\n3\n", "\n2\n")
    inner = forged["stamps"]
    stamps.write_bytes(canonical({"digest": b64url(sha256(canonical(inner)).digest()), "stamps": inner}))
    assert check(file, trust, stamps=(stamps, None))[0] == "INVALID"
    log.close()
