"""ECVRF-EDWARDS25519-SHA512-TAI against the vectors of RFC 9381 appendix B.3, and against forgeries."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from custodes.ledger.prover.maps import vrf as prover
from custodes.ledger.verifier.vrf import edwards25519, vrf

# RFC 9381 appendix B.3, examples 16 to 18: secret key, public key, alpha, pi, beta.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f"
        "26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
        "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff"
        "66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed593"
        "3bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
        "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb"
        "5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf80"
        "96bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
        "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45"
        "2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
    ),
]


@pytest.mark.parametrize(("seed", "public", "alpha", "pi", "beta"), VECTORS)
def test_the_vectors_of_the_rfc(seed, public, alpha, pi, beta):
    key = prover.secret_key(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert prover.prove(key, bytes.fromhex(alpha)).hex() == pi
    assert prover.output(key, bytes.fromhex(alpha)).hex() == beta
    assert vrf.verify(key.public, bytes.fromhex(alpha), bytes.fromhex(pi)).hex() == beta


KEY = prover.secret_key(bytes(range(32)))


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 80 * 8 - 1))
def test_a_flipped_bit_in_a_proof_is_refused(alpha, bit):
    proof = bytearray(prover.prove(KEY, alpha))
    assert vrf.verify(KEY.public, alpha, bytes(proof)) == prover.output(KEY, alpha)
    proof[bit // 8] ^= 1 << bit % 8
    with pytest.raises(vrf.VrfError):
        vrf.verify(KEY.public, alpha, bytes(proof))


def test_a_proof_is_for_one_name_and_one_key():
    proof = prover.prove(KEY, b"acct:1")
    with pytest.raises(vrf.VrfError):
        vrf.verify(KEY.public, b"acct:2", proof)
    with pytest.raises(vrf.VrfError):
        vrf.verify(prover.secret_key(bytes(32)).public, b"acct:1", proof)


def test_the_second_encoding_of_a_proof_is_refused():
    proof = prover.prove(KEY, b"acct:1")
    s = int.from_bytes(proof[48:], "little") + edwards25519.ORDER
    with pytest.raises(vrf.VrfError, match="canonical"):
        vrf.verify(KEY.public, b"acct:1", proof[:48] + s.to_bytes(32, "little"))


# The eight points of small order that have a canonical encoding (RFC 9381 section 5.4.5 forbids such keys).
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_a_key_of_small_order_is_refused(public):
    # Under such a key a holder could prove several values for one name: Gamma may carry any small-order part.
    with pytest.raises(vrf.VrfError, match="small order"):
        vrf.verify(bytes.fromhex(public), b"acct:1", prover.prove(KEY, b"acct:1"))


@pytest.mark.parametrize(
    "data", [b"", bytes(31), (2**255 - 19).to_bytes(32, "little"), b"\x01" + bytes(30) + b"\x80", b"\x02" + bytes(31)]
)
def test_bytes_that_are_no_point(data):
    with pytest.raises(edwards25519.PointError):
        edwards25519.decode(data)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**253), st.integers(0, 2**253))
def test_products_agree_with_one_another(a, b):
    assume((a + b) % edwards25519.ORDER)  # libsodium refuses the neutral point
    base, encode = edwards25519.BASE, edwards25519.encode
    one = edwards25519.combine((a + b, base))
    assert encode(edwards25519.combine((a, base), (b, base))) == encode(one)
    parts = (edwards25519.combine((scalar, base)) for scalar in (a, b))
    assert encode(edwards25519.add(*parts)) == encode(one)
    assert encode(one) == crypto_scalarmult_ed25519_base_noclamp(((a + b) % edwards25519.ORDER).to_bytes(32, "little"))
    assert encode(edwards25519.decode(encode(one))) == encode(one)


def test_a_secret_key_does_not_show_itself():
    assert str(KEY.scalar) not in repr(KEY)
    with pytest.raises(vrf.VrfError):
        prover.secret_key(b"short")
