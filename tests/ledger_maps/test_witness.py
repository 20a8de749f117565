"""Witnesses, both sides (C2SP tlog-witness): split views and rollbacks are refused, across crashes and races."""

import dataclasses
import http.client
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.merkle import EMPTY_ROOT, leaf_hash, tree_root
from custodes.ledger.tlog.note import NoteError, parse_note
from custodes.ledger.tlog.trust import Witness, open_trusted, parse_policy
from custodes.ledger.tree.growth import consistency_proof
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.witness.client import ask, ask_all, http_post
from custodes.ledger.witness.http import WitnessHttpServer
from custodes.ledger.witness.state_file import FolderMemory
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.witness.witness import (
    MAX_REQUEST_BYTES,
    NOTHING,
    SIZE_TYPE,
    WitnessedState,
    WitnessKey,
    WitnessReply,
    WitnessRequest,
    WitnessServer,
    parse_request,
)
from custodes.ledger.writer.keys import SigningKey

NOW = 1_767_225_600


class Log:
    """A log that can be forked, as an operator who lies would."""

    def __init__(self, entries, seed=1, name="log.example/1"):
        self.leaves = [leaf_hash(entry) for entry in entries]
        self.key = SigningKey.from_seed(name, bytes([seed]) * 32)

    def checkpoint(self, size=None):
        leaves = self.leaves[:size]
        return sign_checkpoint(Checkpoint(self.key.name, len(leaves), tree_root(leaves)), [self.key])

    def node(self, level, index):
        return tree_root(self.leaves[index << level : (index + 1) << level])

    def consistency(self, old, size):
        return consistency_proof(old, size, self.node)

    def request(self, old, size):
        proof = self.consistency(old, size) if old <= size else []
        return WitnessRequest(old, tuple(proof), self.checkpoint(size)).encode()


def log_of(count, prefix="entry"):
    return Log([f"{prefix} {i}".encode() for i in range(count)])


KEY = WitnessKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))


@pytest.fixture
def server(tmp_path):
    log = log_of(0)
    return WitnessServer(KEY, {log.key.name: [log.key.verifier]}, FolderMemory(tmp_path), lambda: NOW)


def size_told(reply):
    assert (reply.status, reply.content_type) == (409, SIZE_TYPE)
    return int(reply.body)


def test_a_log_that_grows_is_cosigned(server):
    log, old = log_of(50), 0
    for size in (1, 2, 7, 8, 33, 50, 50):
        reply = server.add_checkpoint(log.request(old, size))
        assert reply.status == 200
        (line,) = parse_note(log.checkpoint(size).split(b"\n\n")[0] + b"\n\n" + reply.body).signatures
        assert KEY.public.verify(parse_note(log.checkpoint(size)).text.encode(), line.value)
        assert int.from_bytes(line.value[:8], "big") == NOW
        old = size


def test_a_split_view_is_refused(server):
    """Two logs under one key: the same first 20 entries, then different ones."""
    honest = log_of(40)
    fork = Log([b"entry %d" % i for i in range(20)] + [b"other %d" % i for i in range(30)])
    assert server.add_checkpoint(honest.request(0, 30)).status == 200
    # The same size with another root: never, whatever proof comes along.
    assert size_told(server.add_checkpoint(fork.request(30, 30))) == 30
    # A larger tree that does not contain what was seen, with the fork's own consistency proof.
    assert server.add_checkpoint(fork.request(30, 45)).status == 422
    assert server.add_checkpoint(honest.request(30, 40)).status == 200


def test_a_rollback_is_refused(server):
    log = log_of(40)
    assert server.add_checkpoint(log.request(0, 40)).status == 200
    assert size_told(server.add_checkpoint(log.request(0, 30))) == 40
    assert size_told(server.add_checkpoint(log.request(20, 30))) == 40
    assert server.add_checkpoint(log.request(40, 30)).status == 400


def test_memory_outlives_the_process(tmp_path, server):
    log, fork = log_of(40), log_of(40, "fork")
    assert server.add_checkpoint(log.request(0, 40)).status == 200
    again = WitnessServer(KEY, {log.key.name: [log.key.verifier]}, FolderMemory(tmp_path), lambda: NOW)
    assert size_told(again.add_checkpoint(fork.request(0, 40))) == 40
    assert size_told(again.add_checkpoint(fork.request(40, 40))) == 40


def test_a_witness_that_cannot_remember_does_not_sign(tmp_path):
    def full(path, data):
        raise OSError(28, "No space left on device")

    log = log_of(5)
    server = WitnessServer(KEY, {log.key.name: [log.key.verifier]}, FolderMemory(tmp_path, full), lambda: NOW)
    with pytest.raises(OSError, match="No space"):
        server.add_checkpoint(log.request(0, 5))
    with Serving(server) as url, pytest.raises(Exception, match="status 500"):
        ask(log.checkpoint(), Witness("w", KEY.public, url), log.consistency, http_post())


def test_a_damaged_memory_stops_the_witness_instead_of_starting_afresh(tmp_path, server):
    log = log_of(5)
    assert server.add_checkpoint(log.request(0, 5)).status == 200
    (file,) = tmp_path.glob("*.seen")
    for text in ("", "5\n", file.read_text().replace("log.example", "log.exbmple"), file.read_text()[:-5]):
        file.write_text(text)
        with pytest.raises(OSError, match="damaged"):
            server.add_checkpoint(log.request(0, 5))


def test_of_two_requests_at_once_only_one_wins(tmp_path):
    """The race of the specification: A and B are both checked against size 0 before either is stored."""
    log, fork = log_of(10), log_of(10, "fork")
    barrier = threading.Barrier(2)

    class Slow(FolderMemory):
        def latest(self, origin):
            seen = super().latest(origin)
            if not threading.current_thread().name.startswith("in lock"):
                threading.current_thread().name = "in lock"
                barrier.wait(timeout=10)
            return seen

    server = WitnessServer(KEY, {log.key.name: [log.key.verifier]}, Slow(tmp_path), lambda: NOW)
    replies = {}

    def submit(name, which):
        replies[name] = server.add_checkpoint(which.request(0, 10)).status

    threads = [threading.Thread(target=submit, args=pair) for pair in (("log", log), ("fork", fork))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies.values()) == [200, 409]


def test_memory_never_goes_back(tmp_path):
    memory = FolderMemory(tmp_path)
    assert memory.advance("x", NOTHING, WitnessedState(7, bytes(32)))
    assert not memory.advance("x", NOTHING, WitnessedState(9, bytes(32)))
    with pytest.raises(OSError, match="back"):
        memory.advance("x", WitnessedState(7, bytes(32)), WitnessedState(6, bytes(32)))
    assert memory.latest("x") == WitnessedState(7, bytes(32))
    assert memory.latest("y") == NOTHING == WitnessedState(0, EMPTY_ROOT)


def test_strangers_and_wrong_keys(server):
    stranger = Log([b"x"], name="log.example/other")
    assert server.add_checkpoint(stranger.request(0, 1)).status == 404
    thief = Log([b"x"], seed=2)
    assert server.add_checkpoint(thief.request(0, 1)).status == 403


GOOD = log_of(5)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n" + GOOD.checkpoint(),
        b"old -1\n\n" + GOOD.checkpoint(),
        b"old 0\nAAAA\n\n" + GOOD.checkpoint(),
        b"old 0\n\xff\n\n" + GOOD.checkpoint(),
        b"old 0\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\n" + GOOD.checkpoint(),
        b"old 0\n\nno note",
        b"new 0\n\n" + GOOD.checkpoint(),
        b"x" * (MAX_REQUEST_BYTES + 1),
    ],
)
def test_malformed_requests_are_bad_requests(server, data):
    assert server.add_checkpoint(data).status == 400
    assert server.add_checkpoint(GOOD.request(0, 5)).status == 200


def test_a_proof_where_none_belongs_is_refused(server):
    proof = (bytes(32),)
    assert server.add_checkpoint(WitnessRequest(0, proof, GOOD.checkpoint()).encode()).status == 422


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_requests_go_round(old, proof):
    request = WitnessRequest(old, tuple(proof), GOOD.checkpoint())
    assert parse_request(request.encode()) == request


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 12)), max_size=12), st.integers(0, 12))
def test_whatever_is_asked_all_that_was_signed_is_one_growing_log(tmp_path_factory, asked, common):
    """Two forks that share some entries try everything; what gets cosigned is always consistent."""
    shared = [b"entry %d" % i for i in range(common)]
    logs = [Log(shared + [b"%d %d" % (fork, i) for i in range(12 - common)]) for fork in (0, 1)]
    memory = FolderMemory(tmp_path_factory.mktemp("witness"))
    server = WitnessServer(KEY, {logs[0].key.name: [logs[0].key.verifier]}, memory, lambda: NOW)
    signed = []
    for fork, old, size in asked:
        if server.add_checkpoint(logs[fork].request(old, size)).status == 200:
            signed.append((size, tree_root(logs[fork].leaves[:size])))
    sizes = [size for size, _ in signed]
    assert sizes == sorted(sizes)
    assert any(all(tree_root(log.leaves[:size]) == root for size, root in signed) for log in logs)


# Both sides over HTTP


class Serving:
    def __init__(self, witness):
        self.lines = []
        self.http = WitnessHttpServer(("127.0.0.1", 0), witness, self.lines.append)

    def __enter__(self):
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return f"http://127.0.0.1:{self.http.server_address[1]}/some/prefix"

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def test_a_log_gets_its_quorum_over_http(tmp_path):
    log = log_of(40)
    keys = [WitnessKey(f"w{i}.example", Ed25519PrivateKey.from_private_bytes(bytes([20 + i]) * 32)) for i in range(3)]
    witnesses = []
    servers = []
    for i, key in enumerate(keys):
        (tmp_path / str(i)).mkdir()
        memory = FolderMemory(tmp_path / str(i))
        servers.append(Serving(WitnessServer(key, {log.key.name: [log.key.verifier]}, memory, lambda: NOW)))
    with servers[0] as first, servers[1] as second:
        witnesses = [
            Witness("w0", keys[0].public, first),
            Witness("w1", keys[1].public, second + "/"),
            Witness("w2", keys[2].public, "http://127.0.0.1:1/nobody"),
        ]
        policy = parse_policy(write_policy([str(log.key.verifier)], witnesses, 2).encode())
        for size in (10, 25, 25, 40):  # from the second on, the witnesses first tell where they stand
            asked = ask_all(log.checkpoint(size), witnesses, log.consistency, http_post(5))
            trusted = open_trusted(asked.checkpoint, policy)
            assert trusted.quorum_met
            assert trusted.times == {"w0": NOW, "w1": NOW}
            assert trusted.seen_at == NOW
            assert list(asked.failures) == ["w2"]
        # Asking again replaces a cosignature instead of adding a second one.
        twice = ask_all(asked.checkpoint, witnesses[:2], log.consistency, http_post(5))
        assert len(parse_note(twice.checkpoint).signatures) == 3
        # And a forked log gets nothing.
        fork = log_of(40, "fork")
        refused = ask_all(fork.checkpoint(), witnesses[:2], fork.consistency, http_post(5))
        assert not open_trusted(refused.checkpoint, policy).quorum_met
        assert all("forked" in reason for reason in refused.failures.values())
        behind = ask_all(log.checkpoint(12), witnesses[:1], log.consistency, http_post(5))
        assert "newer state" in behind.failures["w0"]
    servers[2].http.server_close()


def test_other_paths_and_sizes_over_http(server):
    with Serving(server) as url:
        port = int(url.split(":")[2].split("/")[0])

        def status(method, path, body=None, headers=None):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request(method, path, body=body, headers=headers or {})
                return connection.getresponse().status
            finally:
                connection.close()

        assert status("GET", "/add-checkpoint") == 404
        assert status("POST", "/other", b"x") == 404
        assert status("POST", "/add-checkpoint", b"x") == 400
        assert status("POST", "/add-checkpoint", b"", {"Content-Length": str(MAX_REQUEST_BYTES + 1)}) == 413
        assert status("POST", "/add-checkpoint", b"", {"Content-Length": "x"}) == 411


# Witnesses that misbehave


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (WitnessReply(200, b""), "malformed"),
        (WitnessReply(200, b"\xff"), "malformed"),
        (WitnessReply(200, "\N{EM DASH} other.example AAAAAAAA\n".encode()), "without its cosignature"),
        (WitnessReply(403, b"no\n"), "status 403"),
        (WitnessReply(409, b"7\n"), "status 409"),
        (WitnessReply(409, b"x\n", SIZE_TYPE), "status 409"),
        (WitnessReply(409, b"9\n", SIZE_TYPE), "newer state"),
        (WitnessReply(409, b"0\n", SIZE_TYPE), "forked"),
        (WitnessReply(302, b"", "x"), "status 302"),
    ],
)
def test_odd_answers_are_failures_with_a_reason(reply, reason):
    asked = ask_all(GOOD.checkpoint(), [Witness("w", KEY.public, "http://w")], GOOD.consistency, lambda *_: reply)
    assert reason in asked.failures["w"]
    assert parse_note(asked.checkpoint) == parse_note(GOOD.checkpoint())


def test_a_witness_that_keeps_moving_is_given_up():
    sizes = iter(range(1, 5))
    answers = lambda *_: WitnessReply(409, b"%d\n" % next(sizes), SIZE_TYPE)  # noqa: E731
    asked = ask_all(GOOD.checkpoint(), [Witness("w", KEY.public, "http://w")], GOOD.consistency, answers)
    assert "keeps changing" in asked.failures["w"]


def test_a_cosignature_over_something_else_is_not_taken(server):
    log = log_of(6)
    wrong = server.add_checkpoint(log.request(0, 6))
    asked = ask_all(GOOD.checkpoint(), [Witness("w", KEY.public, "http://w")], GOOD.consistency, lambda *_: wrong)
    assert "does not hold" in asked.failures["w"]


def test_a_witness_without_address_is_skipped_with_a_reason():
    asked = ask_all(GOOD.checkpoint(), [Witness("w", KEY.public)], GOOD.consistency, http_post())
    assert asked.failures == {"w": "no address is known"}
    odd = ask_all(GOOD.checkpoint(), [Witness("w", KEY.public, "file:///x")], GOOD.consistency, http_post())
    assert "neither http" in odd.failures["w"]


def test_the_private_key_does_not_show_itself():
    assert "Ed25519" not in repr(KEY)
    with pytest.raises(NoteError):
        parse_request(b"old 1")
    assert dataclasses.replace(KEY, name="other").public.key_id != KEY.public.key_id
