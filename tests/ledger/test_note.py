from __future__ import annotations

import base64
import contextlib
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from custodes.ledger.tlog.note import NoteError, VerifierKey, open_note, parse_note
from custodes.ledger.tree.signing import sign_checkpoint, signed_note
from custodes.ledger.writer.keys import (
    SigningKey,
    check_rotation,
    load_or_create_key,
    load_or_create_secret,
    rotation_fields,
    write_secret,
)

# The example of C2SP signed-note, also in Go's package of that name.
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

ANN = SigningKey.from_seed("ann", bytes(32))
BOB = SigningKey.from_seed("bob", bytes([1] * 32))
ROOT = bytes(range(32))


def test_the_example_of_the_specification_verifies() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    note, signers = open_note(EXAMPLE, [key])
    assert str(key) == EXAMPLE_KEY
    assert note.encode() == EXAMPLE
    assert signers == (key,)


@given(st.integers(0, len(EXAMPLE) * 8 - 1))
def test_every_changed_bit_of_a_note_is_noticed(bit: int) -> None:
    changed = bytearray(EXAMPLE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NoteError):
        open_note(bytes(changed), [VerifierKey.parse(EXAMPLE_KEY)])


def test_one_bad_signature_of_a_known_key_sinks_the_note() -> None:
    good = parse_note(signed_note("text\n", [ANN, BOB]).encode())
    bad = good.encode().replace(good.signatures[1].line().encode(), b"")
    forged = bad + b"\xe2\x80\x94 bob " + base64.b64encode(BOB.key_id + bytes(64)) + b"\n"
    assert open_note(bad, [ANN.verifier, BOB.verifier])[1] == (ANN.verifier,)
    assert open_note(forged, [ANN.verifier])[1] == (ANN.verifier,)
    with pytest.raises(NoteError, match="bob"):
        open_note(forged, [ANN.verifier, BOB.verifier])


def test_a_quorum_counts_different_keys() -> None:
    once = signed_note("text\n", [ANN]).encode()
    twice = once + parse_note(once).signatures[0].line().encode()
    with pytest.raises(NoteError, match="twice"):
        open_note(twice, [ANN.verifier], need=2)
    with pytest.raises(NoteError, match="1 of the keys"):
        open_note(once, [ANN.verifier, BOB.verifier], need=2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno signature\n",
        "text\n\n— ann AAAA".encode(),
        "text\n\n— ann AAAA\n".encode(),
        "text\n\n— a+b AAAAAAAAAAA=\n".encode(),
        "te\x01xt\n\n— ann AAAAAAAAAAA=\n".encode(),
        "text\n\n— ann AAAAAAAAAAB=\n".encode(),
        b"\xff\n\n",
        ("text\n\n" + "— ann AAAAAAAAAAA=\n" * 65).encode(),
        b"x" * (1 << 21),
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(data)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_do_harm(data: bytes) -> None:
    with contextlib.suppress(NoteError):
        assert parse_note(data).encode() == data


@pytest.mark.parametrize("text", ["", "ann", "ann+00000000+AAAA", EXAMPLE_KEY.replace("c74f", "c74e"), "a b+1+AA=="])
def test_malformed_verifier_keys_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(text)


@given(st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32))
def test_checkpoints_go_round(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("ann", size, root)
    assert parse_checkpoint(checkpoint.text()) == checkpoint
    assert open_checkpoint(sign_checkpoint(checkpoint, [ANN]), [ANN.verifier]) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann\n",
        "ann\n1\n",
        "ann\n01\nAAAA\n",
        "ann\n-1\nAAAA\n",
        "ann\n1\nAAAA\n",
        f"ann\n{1 << 63}\nAAAA\n",
        "\n1\n\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(text)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(NoteError, match="is of"):
        open_checkpoint(sign_checkpoint(Checkpoint("bob", 1, ROOT), [ANN]), [ANN.verifier])


def test_key_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.key"
    key = load_or_create_key(path, "ann")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path, "ann") == key
    assert key.seed.hex() not in repr(key)
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(NoteError, match="ann"):
        load_or_create_key(path, "bob")
    path.chmod(0o640)
    with pytest.raises(NoteError, match="0600"):
        load_or_create_key(path, "ann")


def test_a_secret_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = load_or_create_secret(path)
    with pytest.raises(FileExistsError):
        write_secret(path, b"other")
    assert load_or_create_secret(path) == secret
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
    with pytest.raises(NoteError, match="length"):
        load_or_create_secret(path, 16)


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY+ann", "PRIVATE+KEY+ann+00000000+AQ==", "PRIVATE+KEY+ann+x+AA"])
def test_malformed_private_keys_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(NoteError) as caught:
        SigningKey.parse(text)
    assert "ann+" not in str(caught.value)


def test_a_key_hands_over_to_its_successor_only() -> None:
    successor = SigningKey.from_seed("ann", bytes([2] * 32))
    fields = rotation_fields(ANN, successor)
    assert check_rotation(ANN.verifier, fields) == successor.verifier
    with pytest.raises(NoteError):
        check_rotation(successor.verifier, fields)
    with pytest.raises(NoteError):
        check_rotation(ANN.verifier, {**fields, "y": rotation_fields(successor, ANN)["y"]})
    with pytest.raises(NoteError):
        check_rotation(ANN.verifier, {"o": fields["o"]})
    with pytest.raises(NoteError):
        rotation_fields(ANN, BOB)
