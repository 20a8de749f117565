from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.clock import FixedClock
from custodes.ledger.tlog.checkpoint import open_checkpoint
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.proof import ProofError, parse_receipt, verify_token
from custodes.ledger.tlog.tiles import LedgerCorruptError, LedgerUnavailableError
from custodes.ledger.tree.tlog_proof import encode_tlog_proof, parse_tlog_proof, verify_tlog_proof
from custodes.ledger.writer.audit import audit
from custodes.ledger.writer.keys import SigningKey, check_rotation, rotation_fields
from custodes.ledger.writer.log import LedgerLog
from custodes.ledger.writer.ports import HeadConflictError
from custodes.ledger.writer.receipt import receipt_token
from custodes.storage.ledger.open import LedgerPaths, ledger_key, open_ledger, read_tiles

OpenLog = Callable[..., LedgerLog]
KeyOf = Callable[[Path], VerifierKey]


def test_a_use_gets_a_receipt_that_proves_it(tmp_path: Path, open_log: OpenLog, key_of: KeyOf) -> None:
    log = open_log(tmp_path)
    permission = log.append("auth", body={"account": "1"}, fields={"d": "allow"})
    receipt = log.append("use", units=3, body={"account": "1"}, settles=permission).wait()
    verified = verify_token(receipt_token(receipt), [key_of(tmp_path)])
    assert (verified.index, verified.entry.kind, verified.entry.units) == (1, "use", 3)
    assert verified.entry.settles == permission.index
    assert verified.checkpoint.size >= 2


def test_what_is_committed_is_durable_at_once(tmp_path: Path, open_log: OpenLog, key_of: KeyOf) -> None:
    log = open_log(tmp_path / "data")
    permission = log.append("auth", fields={"d": "allow"})
    used = log.commit("use", units=3, body={"account": "1"}, settles=permission)
    assert used.done
    assert permission.done
    # What a killed process would leave; scratch holds files that are being published meanwhile.
    shutil.copytree(tmp_path / "data", tmp_path / "copy", ignore=shutil.ignore_patterns("scratch"))
    log.close()
    after = open_log(tmp_path / "copy")
    assert verify_token(receipt_token(used.wait()), [key_of(tmp_path / "data")]).index == 1
    after.flush()
    assert after.tree().entry(1) == used.wait().envelope
    with pytest.raises(LedgerUnavailableError, match="closed"):
        log.commit("inc")


def test_a_permission_waits_for_what_settles_it_but_not_for_long(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    permission = log.append("auth", fields={"d": "allow"})
    used = log.commit("use", units=1, settles=permission)
    assert permission.wait().checkpoint == used.wait().checkpoint  # one batch, one signature
    alone = log.append("auth", fields={"d": "allow"})
    alone.wait_durable(timeout_s=5)  # nothing settles it
    assert alone.done


def test_what_is_deferred_goes_with_the_next_batch_but_does_not_wait_long(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    permission = log.append("auth", fields={"d": "allow"})
    deferred = log.defer("use", units=1, settles=permission)
    committed = log.commit("inc")
    assert deferred.wait().checkpoint == permission.wait().checkpoint == committed.wait().checkpoint
    alone = log.defer("inc")
    alone.wait_durable(timeout_s=5)  # nothing comes after it
    assert alone.done


@pytest.mark.parametrize("ways", [("append",), ("commit",), ("append", "commit", "defer")])
def test_many_threads_get_places_without_gaps(
    tmp_path: Path, open_log: OpenLog, key_of: KeyOf, ways: tuple[str, ...]
) -> None:
    log = open_log(tmp_path)
    receipts = []

    def client(number: int) -> None:
        for turn in range(40):
            write = getattr(log, ways[(number + turn) % len(ways)])
            receipts.append(write("inc", fields={"n": number}).wait())

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipt.index for receipt in receipts) == list(range(320))
    for receipt in receipts:
        assert verify_token(receipt_token(receipt), [key_of(tmp_path)]).index == receipt.index
    log.flush()
    tree = log.tree()
    assert all(tree.entry(receipt.index) == receipt.envelope for receipt in receipts)


def test_a_permission_is_settled_once(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    permission = log.append("auth", fields={"d": "allow"})
    denied = log.append("auth", fields={"d": "deny"})
    log.append("void", settles=permission)
    for settled in (permission, denied):
        with pytest.raises(EntryError, match="not an open permission"):
            log.append("use", units=1, settles=settled)
    with pytest.raises(EntryError, match="settles a permission"):
        log.append("use", units=1, fields={"a": permission.index})


def test_time_never_runs_backwards_in_the_log(tmp_path: Path, open_log: OpenLog, clock: FixedClock) -> None:
    log = open_log(tmp_path)
    first = decode(log.append("inc").wait().envelope)
    clock.advance(-5000)
    second = decode(log.append("inc").wait().envelope)
    clock.advance(7000)
    third = decode(log.append("inc").wait().envelope)
    assert first.t == second.t < third.t


def test_bodies_are_private_and_can_be_erased_alone(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    for name in ("Ann", "Bob"):
        log.append("inc", body={"name": name}).wait()
    published = log.flush()
    assert log.body(0) == b'{"name":"Ann"}'
    assert log.erase([0]) == 1
    assert log.erase([0]) == 0
    assert (log.body(0), log.body(1)) == (None, b'{"name":"Bob"}')
    assert log.published == published
    assert open_checkpoint(log.published_note, [ledger_key(tmp_path, "test.example/ledger").verifier]) == published
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"Ann" not in path.read_bytes()
    with pytest.raises(IndexError):
        log.erase([2])
    log.close()
    again = open_log(tmp_path)
    assert (again.body(0), again.body(1)) == (None, b'{"name":"Bob"}')


def test_an_erased_salt_is_nowhere_on_disk(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    receipt = log.append("inc", body={"name": "Ann"}).wait()
    log.flush()
    log.erase([receipt.index])
    log.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and receipt.salt in path.read_bytes()]


def test_a_second_writer_is_refused(tmp_path: Path, open_log: OpenLog, clock: FixedClock) -> None:
    log = open_log(tmp_path)
    other = open_ledger(tmp_path, "test.example/ledger", clock)
    with pytest.raises(HeadConflictError, match="another process"):
        other.start()
    assert log.append("inc").wait().index == 0


def test_a_journal_changed_behind_our_back_stops_the_log_for_good(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    log.append("inc").wait()
    log.flush()
    (segment,) = (LedgerPaths(tmp_path).private / "journal").glob("*.seg")
    with segment.open("ab") as file:
        file.write(b"x")
    with pytest.raises(LedgerUnavailableError):
        log.append("inc").wait()
    with pytest.raises(LedgerUnavailableError):
        log.append("inc")
    assert "behind our back" in (log.unavailable or "")
    assert parse_tlog_proof(log.proof(0)).index == 0


def test_a_restored_older_copy_is_not_signed_on(tmp_path: Path, open_log: OpenLog) -> None:
    data, backup, anchor = tmp_path / "data", tmp_path / "backup", tmp_path / "elsewhere" / "anchor"
    log = open_log(data, anchor)
    log.append("inc").wait()
    log.close()
    shutil.copytree(data, backup)
    log = open_log(data, anchor)
    log.append("inc").wait()
    log.close()
    with pytest.raises(HeadConflictError, match="set back"):
        open_log(backup, anchor)
    assert open_log(data, anchor).published.size == 2


def test_a_copy_that_went_on_differently_is_not_signed_on(tmp_path: Path, open_log: OpenLog) -> None:
    data, copy, anchor = tmp_path / "data", tmp_path / "copy", tmp_path / "anchor"
    log = open_log(data, anchor)
    log.append("inc", fields={"n": 0}).wait()
    log.close()
    shutil.copytree(data, copy)
    log = open_log(data, anchor)
    log.append("inc", fields={"n": 1}).wait()
    log.close()
    fork = open_log(copy)
    fork.append("inc", fields={"n": 2}).wait()
    fork.append("inc", fields={"n": 3}).wait()
    fork.close()
    with pytest.raises(HeadConflictError, match="not the one"):
        open_log(copy, anchor)


@pytest.mark.parametrize("victim", ["tile/0/000.p/2", "journal", "note"])
def test_damage_that_no_crash_explains_is_refused(tmp_path: Path, open_log: OpenLog, victim: str) -> None:
    log = open_log(tmp_path)
    log.append("inc", fields={"n": 1})
    log.append("inc", fields={"n": 2}).wait()
    log.close()
    open_log(tmp_path).close()
    paths = LedgerPaths(tmp_path)
    if victim == "journal":
        shutil.rmtree(paths.private / "journal")
    elif victim == "note":
        (segment,) = (paths.private / "journal").glob("*.seg")
        text = segment.read_bytes()
        segment.write_bytes(text[:60] + bytes([text[60] ^ 1]) + text[61:])
    else:
        path = paths.public / victim
        path.write_bytes(bytes(64))
    with pytest.raises(LedgerCorruptError):
        open_log(tmp_path)


def test_a_key_is_replaced_by_an_entry_that_the_old_one_signed(
    tmp_path: Path, open_log: OpenLog, key_of: KeyOf, clock: FixedClock
) -> None:
    log = open_log(tmp_path)
    old = ledger_key(tmp_path, "test.example/ledger")
    new = SigningKey.from_seed(old.name, bytes([7] * 32))
    entry = decode(log.append("key", fields=rotation_fields(old, new)).wait().envelope)
    assert check_rotation(key_of(tmp_path), entry.fields) == new.verifier


def test_entries_that_break_rules_leave_no_gap(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    with pytest.raises(EntryError):
        log.append("auth", fields={"d": "perhaps"})
    assert log.append("inc").wait().index == 0


def test_a_closed_log_takes_nothing(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    log.append("inc")
    log.close()
    with pytest.raises(LedgerUnavailableError, match="closed"):
        log.append("inc")
    with pytest.raises(LedgerUnavailableError):
        log.flush()


def test_proofs_of_published_entries(tmp_path: Path, open_log: OpenLog, key_of: KeyOf) -> None:
    log = open_log(tmp_path)
    for number in range(300):
        log.append("inc", fields={"n": number})
    log.flush()
    keys = [key_of(tmp_path)]
    for index in (0, 255, 256, 299):
        proof = log.proof(index)
        assert verify_tlog_proof(proof, log.tree().entry(index), keys).index == index
        with pytest.raises(ProofError):
            verify_tlog_proof(proof, log.tree().entry((index + 1) % 300), keys)
        with pytest.raises(ProofError):
            verify_tlog_proof(proof, log.tree().entry(index), keys, need=2)
    with pytest.raises(IndexError):
        log.proof(300)
    parsed = parse_tlog_proof(log.proof(7))
    again = encode_tlog_proof(parsed.index, parsed.path, parsed.checkpoint, b"\x00extra")
    assert parse_tlog_proof(again).extra == b"\x00extra"


@pytest.mark.parametrize(
    "data", [b"", b"c2sp.org/tlog-proof@v1\n\n", b"c2sp.org/tlog-proof@v1\nindex 01\n\nx", b"\xff\n\n"]
)
def test_malformed_proofs_are_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        parse_tlog_proof(data)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, VerifierKey]:
    data = tmp_path_factory.mktemp("token")
    log = open_ledger(data, "test.example/ledger", FixedClock())
    log.start()
    for number in range(20):
        log.append("inc", fields={"n": number})
    receipt = log.append("inc", body={"note": "x"}).wait()
    log.close()
    return receipt_token(receipt), ledger_key(data, "test.example/ledger").verifier


@given(data=st.data())
def test_no_changed_character_of_a_receipt_gets_through(token: tuple[str, VerifierKey], data: st.DataObject) -> None:
    text, key = token
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCXYZabcxyz019-_.+= ").filter(lambda char: char != text[at]))
    changed = text[:at] + other + text[at + 1 :]
    try:
        verified = verify_token(changed, [key])
    except ProofError:
        return
    # Only the salt is not under the signature; it is checked against the body's commitment.
    assert parse_receipt(changed).salt != parse_receipt(text).salt
    assert verified == verify_token(text, [key])


@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda data: "v1." + data.hex()))
def test_other_text_is_no_receipt(text: str) -> None:
    with pytest.raises(ProofError):
        parse_receipt(text)


def test_bodies_are_canonical_json(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log(tmp_path)
    log.append("inc", body={"b": [1, None, True], "a": "é"})
    log.flush()
    body = log.body(0)
    assert body == '{"a":"é","b":[1,null,true]}'.encode()
    assert json.loads(body) == {"a": "é", "b": [1, None, True]}


def test_files_that_a_power_cut_tore_are_written_anew(tmp_path: Path, open_log: OpenLog, key_of: KeyOf) -> None:
    log = open_log(tmp_path)
    for number in range(300):
        log.append("inc", body={"n": number})
        if number in (100, 270):
            log.flush()
    log.close()
    # Nothing of these was synced yet: the journal's first segment still has it all.
    public = LedgerPaths(tmp_path).public
    torn = [path for path in (public / "tile").rglob("*") if path.is_file()]
    for path in [*torn, *(LedgerPaths(tmp_path).private / "bodies").iterdir()]:
        path.write_bytes(b"")
    again = open_log(tmp_path)
    assert again.published.size == 300
    assert again.body(299) == b'{"n":299}'
    assert audit(read_tiles(tmp_path), [key_of(tmp_path)]).difference is None
    assert (public / "tile/0/001.p/15").stat().st_size == 15 * 32
    assert not (public / "tile/0/000.p").exists()
