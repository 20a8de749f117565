"""Signatures of time stamping authorities, of every kind that is known."""

from datetime import timedelta

import pytest

from custodes.ledger.verifier.timestamps.token import StampError, read_roots, verify_stamp
from fakes.stamped import AT, SHA256, SHA512, authority, der, integer, oid, seq

KINDS = ("rsa", "pss", "ecdsa", "ed25519")


@pytest.fixture(scope="module")
def authorities():
    return {kind: authority(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_each_kind_holds_and_no_changed_one(authorities, kind):
    own = authorities[kind]
    token, roots = own.token(b"a checkpoint"), read_roots(own.root_pem)
    stamp = verify_stamp(token, b"a checkpoint", roots)
    assert (stamp.at, stamp.root) == (AT, f"CN={kind} root")
    for other in KINDS:
        if other != kind:
            with pytest.raises(StampError, match="pinned"):
                verify_stamp(token, b"a checkpoint", read_roots(authorities[other].root_pem))
    with pytest.raises(StampError, match="something else"):
        verify_stamp(token, b"another checkpoint", roots)
    with pytest.raises(StampError, match="valid at the time"):
        verify_stamp(own.token(b"a checkpoint", AT + timedelta(days=31)), b"a checkpoint", roots)
    accepted = 0
    for at in range(0, len(token), 3):
        try:
            verify_stamp(token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :], b"a checkpoint", roots)
            accepted += 1
        except StampError:
            pass
    # Serial number and policy of the authority, version numbers and the like are not looked at, but they are signed or
    # stand beside what is; nothing that is accepted says another time.
    assert accepted < len(token) / 30, accepted


def test_a_salt_of_another_length_is_fine_where_it_is_said(authorities):
    own = authorities["pss"]
    assert verify_stamp(own.token(b"x", salt=20), b"x", read_roots(own.root_pem)).at == AT


def pss(digest, mask, salt, mgf="2a864886f70d010108"):
    return seq(der(0xA0, seq(oid(digest))), der(0xA1, seq(oid(mgf), seq(oid(mask)))), der(0xA2, integer(salt)))


@pytest.mark.parametrize(
    "parameters",
    [
        pss(SHA256, SHA512, 32),
        pss(SHA512, SHA512, 32),
        pss(SHA256, SHA256, 31),
        pss(SHA256, SHA256, 65),
        pss(SHA256, SHA256, 32, "2a864886f70d010109"),
        seq(),
        seq(der(0xA0, seq(oid(SHA256)))),
    ],
)
def test_parameters_that_are_others_or_left_out_are_refused(authorities, parameters):
    own = authorities["pss"]
    with pytest.raises(StampError):
        verify_stamp(own.token(b"x", parameters=parameters), b"x", read_roots(own.root_pem))
