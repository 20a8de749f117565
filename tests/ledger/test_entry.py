from __future__ import annotations

import contextlib
import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.ledger.tlog.commitment import BodyError, check_opening, commit
from custodes.ledger.tlog.entry import KINDS, MAX_ENVELOPE_BYTES, MAX_INT, Entry, EntryError, b64url, check, decode
from custodes.ledger.writer.body import MAX_BODY_BYTES, SealedBody, canonical, seal, unseal

DIGEST = b64url(bytes(32))
fields = st.dictionaries(
    st.from_regex(r"[a-z]{1,4}", fullmatch=True).filter(lambda name: name not in set("cktuv")),
    st.integers(0, MAX_INT) | st.from_regex(r"[A-Za-z0-9._:/+-]{0,20}", fullmatch=True),
    max_size=4,
)


@given(
    kind=st.sampled_from(["later", "x"]),
    t=st.integers(0, MAX_INT),
    units=st.none() | st.integers(0, MAX_INT),
    commitment=st.none() | st.binary(min_size=32, max_size=32),
    members=fields,
)
def test_envelopes_go_round_also_of_kinds_to_come(
    kind: str, t: int, units: int | None, commitment: bytes | None, members: dict[str, int | str]
) -> None:
    entry = Entry(kind, t, units, commitment, members)
    try:
        data = entry.encode()
    except EntryError:
        assert len(str(members)) > 60
        return
    assert len(data) <= MAX_ENVELOPE_BYTES
    assert decode(data) == entry
    # RFC 8785 for this subset is what the standard library writes with sorted names.
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode()


def _largest(kind: str) -> Entry:
    rule = KINDS[kind]
    candidates: tuple[int | str, ...] = (b64url(bytes(64)), DIGEST, MAX_INT, 10**12 - 1, "2026-11", "EUR", "allow")
    members = {
        name: next(value for value in candidates if test(value)) for name, test in {**rule.must, **rule.may}.items()
    }
    body = None if kind in ("map", "key", "boot") else bytes(32)
    return Entry(kind, 10**12, MAX_INT if rule.units else None, body, members)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fullest_entry_of_each_kind_fits(kind: str) -> None:
    entry = _largest(kind)
    check(kind, entry.units, entry.fields)
    assert decode(entry.encode()) == entry


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"k":"auth","t":1,"v":1}',
        b'{"d":"maybe","k":"auth","t":1,"v":1}',
        b'{"d":"allow","k":"auth","t":1,"u":1,"v":1}',
        b'{"d":"allow","k":"auth","t":1,"v":2}',
        b'{"d":"allow","k":"auth","t":1.0,"v":1}',
        b'{"d":"allow","k":"auth","t":true,"v":1}',
        b'{"d":"allow","k":"auth","t":1,"v":1} ',
        b'{"k":"auth","d":"allow","t":1,"v":1}',
        b'{"d":"allow","d":"deny","k":"auth","t":1,"v":1}',
        b'{"a":0,"k":"use","t":1,"u":"1","v":1}',
        b'{"a":[],"k":"x","t":1,"v":1}',
        b'{"a":"\\u0041","k":"x","t":1,"v":1}',
        b'{"a":"\xff","k":"x","t":1,"v":1}',
        b'{"A":1,"k":"x","t":1,"v":1}',
        b'{"c":"short","k":"x","t":1,"v":1}',
        b'{"k":"x","t":9007199254740992,"v":1}',
        b'{"k":"x","t":-1,"v":1}',
        b'{"a":"' + b"x" * 300 + b'","k":"x","t":1,"v":1}',
        b'{"a":' + b"[" * 200,
    ],
)
def test_other_bytes_are_no_envelope(data: bytes) -> None:
    with pytest.raises(EntryError):
        decode(data)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_as_entries(data: bytes) -> None:
    with contextlib.suppress(EntryError):
        assert decode(data).encode() == data


@pytest.mark.parametrize(
    ("kind", "units", "members"),
    [
        ("nonsense", None, {}),
        ("use", None, {"a": 1}),
        ("use", 1, {}),
        ("void", 1, {"a": 1}),
        ("auth", None, {"d": "allow", "zz": 1}),
        ("map", None, {"m": "acct", "n": 1, "r": "short"}),
        ("bil", None, {"r": DIGEST, "s": 1, "y": "euro"}),
    ],
)
def test_we_write_only_what_the_kind_allows(kind: str, units: int | None, members: dict[str, int | str]) -> None:
    with pytest.raises(EntryError):
        check(kind, units, members)


def test_a_field_that_came_later_is_read() -> None:
    assert decode(b'{"d":"deny","k":"auth","t":1,"v":1,"zz":7}').fields["zz"] == 7


leaf_values = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20)
bodies = st.dictionaries(
    st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
    st.recursive(leaf_values, lambda inner: st.lists(inner, max_size=3), max_leaves=6),
    max_size=6,
)


@given(bodies)
def test_bodies_go_round_and_open_only_to_their_commitment(body: dict[str, object]) -> None:
    master, salt = bytes(32), secrets.token_bytes(16)
    data = canonical(body)
    commitment = commit(salt, data)
    sealed = seal(data, salt, commitment, master)
    assert json.loads(unseal(sealed, commitment, master)) == body
    assert data not in sealed.sealed or len(data) < 4
    for wrong in (
        SealedBody(bytes(16), sealed.sealed),
        SealedBody(salt, sealed.sealed[:-1] + bytes([sealed.sealed[-1] ^ 1])),
        SealedBody(salt, b""),
    ):
        with pytest.raises(BodyError):
            unseal(wrong, commitment, master)
    with pytest.raises(BodyError):
        unseal(sealed, commitment, bytes([1] * 32))
    with pytest.raises(BodyError):
        check_opening(commitment, salt, data + b" ")


@pytest.mark.parametrize(
    "body",
    [{"a": 1.5}, {"a": 2**53}, {"é": 1}, {"a": b"x"}, {"a": "\ud800"}, {"a": "x" * MAX_BODY_BYTES}, {1: 2}],
)
def test_what_has_no_canonical_form_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(BodyError):
        canonical(body)


def test_a_body_that_holds_itself_is_refused() -> None:
    body: dict[str, object] = {}
    body["a"] = body
    with pytest.raises(BodyError):
        canonical(body)
