"""A log that several nodes write: one order, settled permissions, one publisher, promises that are kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from custodes.client import ReceiptError, include_receipts
from custodes.ledger.monitor.receipts import check_receipts
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.proof import parse_receipt
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerUnavailableError
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.promise import Promise, check_promise, parse_promise
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.tree.tlog_proof import verify_tlog_proof
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.writer.audit import BodySource, audit
from custodes.ledger.writer.ports import HeadConflictError
from custodes.ledger.writer.receipt import receipt_token
from custodes.storage.ledger.anchor import FileAnchor
from tests.fakes.postgres import PostgresServer
from tests.fakes.shared_log import BODY_KEY, DEAD_MS, KEY, Node, node


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def nodes(url: str, tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    both = node(url, tmp_path), node(url, tmp_path)
    for one in both:
        one.log.start()
        one.publisher.start()
    yield both
    for one in both:
        one.close()


def wait_for(what: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_entries_of_two_nodes_stand_in_one_order(nodes: tuple[Node, Node]) -> None:
    pending = [nodes[n % 2].log.append("inc", body={"n": n}, fields={"n": n}) for n in range(600)]
    promises = [one.wait() for one in pending]
    assert sorted(one.index for one in promises) == list(range(600))
    first, second = (one.log.flush() for one in nodes)
    assert first == second and first.size == 600
    tree = Tree(nodes[0].tiles, 600)
    assert all(tree.entry(one.index) == one.envelope for one in promises)
    assert [nodes[1].log.body(one.index) for one in promises[:3]] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']
    report = audit(nodes[0].tiles, [KEY.verifier], BodySource(nodes[0].bodies, BODY_KEY))
    assert report.difference is None and report.bodies == 600


def test_what_was_promised_is_included_and_proven(nodes: tuple[Node, Node]) -> None:
    body = {"acct": "1"}
    token = receipt_token(nodes[0].log.commit("inc", body=body).wait())
    promise = parse_promise(token)
    assert check_promise(promise, b'{"acct":"1"}', [KEY.verifier]).kind == "inc"
    nodes[1].log.flush()
    proof = nodes[1].log.proof(promise.index)
    assert verify_tlog_proof(proof, promise.envelope, [KEY.verifier]).index == promise.index
    other = promise.envelope.replace(b'"t":1', b'"t":2')
    with pytest.raises(ProofError):
        verify_tlog_proof(proof, other, [KEY.verifier])
    with pytest.raises(ProofError):
        check_promise(promise, b'{"acct":"2"}', [KEY.verifier])
    with pytest.raises(ProofError):
        parse_receipt(token)
    for cut in (token[:-4], "q1.", "q1.AAAA", "v1" + token[2:], token + "A" * 9000):
        with pytest.raises(ProofError):
            parse_promise(cut)


def test_a_promise_of_another_log_is_not_taken(nodes: tuple[Node, Node]) -> None:
    found = nodes[0].log.commit("inc").wait()
    assert isinstance(found, Promise)
    with pytest.raises(ProofError):
        check_promise(Promise(found.index, found.envelope, "other.example/log"), None, [KEY.verifier])


def test_a_permission_is_settled_once(nodes: tuple[Node, Node]) -> None:
    log = nodes[0].log
    together = log.append("auth", fields={"d": "allow"})
    used = log.commit("use", units=1, settles=together)
    assert used.index == together.index + 1
    apart = log.commit("auth", fields={"d": "allow"})
    assert nodes[0].sequence.own_permissions() == {apart.index}
    later = log.commit("use", units=1, settles=apart)
    assert nodes[0].sequence.own_permissions() == frozenset()
    with pytest.raises(EntryError):
        log.append("use", units=1, settles=apart)
    log.flush()
    tree = Tree(nodes[0].tiles, log.published.size)
    assert [decode(tree.entry(one.index)).settles for one in (used, later)] == [together.index, apart.index]


def test_what_a_silent_node_was_permitted_is_given_up(nodes: tuple[Node, Node], url: str, tmp_path: Path) -> None:
    silent = node(url, tmp_path)
    silent.sequence.beat()
    with silent.sequence.turn() as turn:
        from custodes.ledger.sequence.ports import SequencedEntry

        index = turn.first
        turn.add([SequencedEntry(b'{"d":"allow","k":"auth","t":%d,"v":1}' % turn.t, None, opens=True)])
    wait_for(lambda: not silent.sequence.own_permissions(), DEAD_MS / 1000 + 10)
    nodes[0].log.flush()
    tree = Tree(nodes[0].tiles, nodes[0].log.published.size)
    voids = [decode(envelope).settles for _, envelope in tree.of_kind("void")]
    assert voids == [index]
    with silent.sequence.turn() as turn:
        assert turn.settle([index]) == frozenset()
    silent.close()


def test_lost_connections_lose_nothing_that_was_confirmed(
    nodes: tuple[Node, Node], url: str, postgres: PostgresServer
) -> None:
    confirmed = []
    for number in range(40):
        if number % 10 == 5:
            postgres.end_sessions(url)
        try:
            confirmed.append(nodes[number % 2].log.commit("inc", fields={"n": number}).wait())
        except LedgerUnavailableError:
            time.sleep(0.3)
    assert len(confirmed) > 10
    wait_for(lambda: all(one.log.unavailable is None for one in nodes))
    nodes[0].log.flush()
    tree = Tree(nodes[0].tiles, nodes[0].log.published.size)
    assert all(tree.entry(one.index) == one.envelope for one in confirmed)


def test_only_the_holder_of_the_lease_moves_the_head(url: str, tmp_path: Path) -> None:
    first, second = node(url, tmp_path), node(url, tmp_path)
    lease = first.head.acquire()
    assert lease is not None and second.head.acquire() is None
    first.head.replace(None, b"one", lease)
    with pytest.raises(HeadConflictError):
        first.head.replace(None, b"other", lease)
    first.head.release(lease)
    newer = second.head.acquire()
    assert newer is not None and newer > lease
    for late in (lambda: first.head.replace(b"one", b"two", lease), lambda: first.head.renew(lease)):
        with pytest.raises(HeadConflictError):
            late()
    second.head.replace(b"one", b"two", newer)
    assert first.head.fetch() == b"two"
    for one in (first, second):
        one.close()


def test_a_late_checkpoint_does_not_replace_a_newer_one(nodes: tuple[Node, Node]) -> None:
    nodes[0].log.commit("inc")
    nodes[0].log.flush()
    wait_for(lambda: nodes[0].tiles.get(CHECKPOINT_PATH) is not None)
    old = nodes[0].tiles.get(CHECKPOINT_PATH)
    assert old is not None
    nodes[0].log.commit("inc")
    nodes[0].log.flush()
    wait_for(lambda: nodes[0].tiles.get(CHECKPOINT_PATH) != old)
    new = nodes[0].tiles.get(CHECKPOINT_PATH)
    nodes[1].tiles.replace(CHECKPOINT_PATH, old)
    assert nodes[1].tiles.get(CHECKPOINT_PATH) == new


def test_a_database_that_was_set_back_is_not_published_on(url: str, tmp_path: Path, postgres: PostgresServer) -> None:
    one = node(url, tmp_path, FileAnchor(tmp_path / "anchor"))
    one.log.start()
    one.publisher.start()
    one.log.commit("inc")
    one.log.flush()
    one.close()
    again = node(postgres.database(), tmp_path, FileAnchor(tmp_path / "anchor"))
    again.log.start()
    again.publisher.start()
    again.log.commit("inc")
    wait_for(lambda: isinstance(again.publisher.failure, HeadConflictError))
    assert again.head.fetch() is None
    again.close()


def test_erased_bodies_are_gone_for_all_nodes(nodes: tuple[Node, Node]) -> None:
    index = nodes[0].log.commit("inc", body={"secret": "x"}).index
    nodes[0].log.flush()
    assert nodes[1].log.body(index) is not None
    assert nodes[0].log.erase([index]) == 1
    assert nodes[1].log.body(index) is None
    assert nodes[1].bodies.erased(index)
    assert nodes[1].log.erase([index]) == 0
    with pytest.raises(IndexError):
        nodes[1].log.erase([index + 1])


class Copy:
    """A copy of the log up to ``size``."""

    def __init__(self, one: Node, size: int) -> None:
        self._tiles, self.size = one.tiles, size

    def tree(self) -> Tree:
        return Tree(self._tiles, self.size)

    def root_at(self, size: int) -> bytes:
        return range_root(0, size, self.tree().node)


def test_kept_promises_are_held_against_the_log(nodes: tuple[Node, Node], tmp_path: Path) -> None:
    folder, trust = tmp_path / "receipts", tmp_path / "trust.policy"
    folder.mkdir()
    trust.write_text(write_policy([str(KEY.verifier)], [], 0))
    promises = []
    for n in (0, 1):
        promises.append(nodes[n].log.commit("inc", body={"acct": str(n)}).wait())
        nodes[n].log.flush()
    for n, promise in enumerate(promises):
        (folder / f"{promise.index}.receipt").write_text(receipt_token(promise) + "\n")
        (folder / f"{promise.index}.body.json").write_bytes(b'{"acct":"%d"}' % n)
    nodes[0].log.flush()
    now_ms = time.time_ns() // 1_000_000

    def checked(copy: Copy | None, later_ms: int = 0) -> list[tuple[bool, bool, str | None]]:
        rows = check_receipts(folder, [KEY.verifier], copy, now_ms + later_ms)
        return [(row.problem is None, row.pending, row.account) for row in rows]

    assert checked(Copy(nodes[0], 2)) == [(True, False, "0"), (True, False, "1")]
    assert checked(Copy(nodes[0], 1)) == [(True, False, "0"), (True, True, "1")]
    assert checked(None) == [(True, True, "0"), (True, True, "1")]
    assert checked(Copy(nodes[0], 1), 3_600_000)[1] == (False, False, "1")
    assert include_receipts(folder, nodes[1].log.proof, trust=trust) == 2
    assert include_receipts(folder, nodes[1].log.proof, trust=trust) == 0
    # A log that shows another entry in the promised place.
    swapped = replace(promises[0], envelope=promises[1].envelope)
    (folder / "0.receipt").write_text(receipt_token(swapped))
    (folder / "0.body.json").unlink()
    (folder / "0.proof").unlink()
    assert checked(Copy(nodes[0], 2))[0] == (False, False, None)
    with pytest.raises(ReceiptError, match="did not keep"):
        include_receipts(folder, nodes[1].log.proof, trust=trust)
    (folder / "0.receipt").write_text("q1.nonsense")
    assert checked(Copy(nodes[0], 2))[0] == (False, False, None)
