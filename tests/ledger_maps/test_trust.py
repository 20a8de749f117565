"""Trust policies (tlog-policy) and cosignatures (tlog-cosignature)."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.note import Note, NoteError, Signature, parse_note
from custodes.ledger.tlog.trust import CosignerKey, TrustError, open_trusted, parse_policy
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.witness.witness import cosign
from custodes.ledger.writer.keys import SigningKey

LOG = SigningKey.from_seed("log.example/1", bytes(32))


class Cosigner:
    def __init__(self, name, seed):
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = CosignerKey(name, self.private.public_key().public_bytes_raw())

    def line(self, note, time):
        return Signature(self.key.name, self.key.key_id, cosign(self.private, note.text.encode(), time))


WITNESSES = [Cosigner(f"witness.example/{i}", i + 1) for i in range(4)]


def policy(quorum="group q 2 w0 w1 w2\nquorum q"):
    lines = [f"log {LOG.verifier}", *(f"witness w{i} {w.key}" for i, w in enumerate(WITNESSES)), quorum, ""]
    return "\n".join(lines).encode()


def checkpoint(times, origin="log.example/1"):
    note = parse_note(sign_checkpoint(Checkpoint(origin, 7, bytes(32)), [LOG]))
    lines = tuple(WITNESSES[i].line(note, time) for i, time in times.items())
    return Note(note.text, note.signatures + lines).encode()


def test_a_quorum_counts_members_once_and_gives_the_time_it_still_saw():
    trusted = open_trusted(checkpoint({0: 100, 1: 300, 2: 200, 3: 900}), parse_policy(policy()))
    assert trusted.quorum_met
    assert trusted.times == {"w0": 100, "w1": 300, "w2": 200, "w3": 900}
    assert trusted.seen_at == 200
    assert not open_trusted(checkpoint({0: 100, 3: 900}), parse_policy(policy())).quorum_met


def test_nested_groups_like_in_the_specification():
    text = policy("group x 2 w0 w1 w2\ngroup y any w3\ngroup both all x y\nquorum both")
    assert not open_trusted(checkpoint({0: 1, 1: 1}), parse_policy(text)).quorum_met
    assert open_trusted(checkpoint({0: 1, 1: 1, 3: 1}), parse_policy(text)).quorum_met


def test_without_witnesses_the_time_is_nobodys():
    trusted = open_trusted(checkpoint({}), parse_policy(policy("quorum none")))
    assert trusted.quorum_met
    assert trusted.seen_at is None


def test_the_example_of_the_cosignature_specification_parses():
    # c2sp.org/tlog-cosignature: the example's second line carries time 1679315147.
    text = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\N{EM DASH} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl"
        "rDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    value = parse_note(text.encode()).signatures[0].value
    assert len(value) == 72
    assert int.from_bytes(value[:8], "big") == 1679315147


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 72 * 8 - 1))
def test_a_known_witness_whose_signature_fails_sinks_the_checkpoint(bit):
    note = parse_note(checkpoint({0: 100, 1: 200}))
    line = note.signatures[1]
    value = bytearray(line.value)
    value[bit // 8] ^= 1 << bit % 8
    forged = Note(note.text, (note.signatures[0], Signature(line.name, line.key_id, bytes(value)), note.signatures[2]))
    with pytest.raises(TrustError, match="does not hold"):
        open_trusted(forged.encode(), parse_policy(policy()))


def test_another_origin_or_an_unsigned_checkpoint_is_refused():
    with pytest.raises(TrustError, match="not signed by the log"):
        open_trusted(checkpoint({0: 1}, origin="log.example/2"), parse_policy(policy()))
    only_witness = parse_note(checkpoint({0: 1}))
    with pytest.raises(TrustError, match="not signed by the log"):
        open_trusted(Note(only_witness.text, only_witness.signatures[1:]).encode(), parse_policy(policy()))


def test_a_cosignature_is_not_a_log_signature():
    # The same Ed25519 key with type 1 has another id, so its cosignature is of an unknown key there.
    with pytest.raises(NoteError):
        CosignerKey.parse(str(LOG.verifier))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("", "no quorum"),
        ("quorum q", "names a witness"),
        ("quorum w0\nquorum w1", "one quorum"),
        ("quorum w0 w1", "not understood"),
        ("group q 0 w0\nquorum q", "threshold"),
        ("group q 2 w0\nquorum q", "threshold"),
        ("group q 01 w0\nquorum q", "threshold"),
        ("group q any w9\nquorum q", "not defined"),
        ("group q any q\nquorum q", "not defined"),
        ("group q all w0 w0\nquorum q", "twice"),
        ("group q any w0\ngroup r any w0\nquorum r", "twice"),
        ("group w1 any w0\nquorum w1", "taken"),
        ("group none any w0\nquorum none", "taken"),
        (f"witness again {WITNESSES[0].key}\nquorum w0", "twice"),
        (f"log {LOG.verifier}\nquorum w0", "twice"),
        (f"witness x {LOG.verifier}\nquorum x", "type 4"),
        ("witness x broken\nquorum x", "three parts"),
        ("quorum w0\r", "control"),
        ("quorums w0", "not understood"),
    ],
)
def test_malformed_policies(lines, reason):
    with pytest.raises(TrustError, match=reason):
        parse_policy(policy(lines))


def test_comments_tabs_and_urls_are_allowed():
    text = f"# who\n\n \tlog\t{LOG.verifier} https://log.example\n\twitness é {WITNESSES[0].key} https://w\nquorum é\n"
    parsed = parse_policy(text.encode())
    assert [witness.url for witness in parsed.witnesses.values()] == ["https://w"]
