"""Chains of signed chunks: what the JavaScript SDK signs is opened, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.edge.aws.eventstream.chunk_signature import ChunkChain, ChunkRefusedError, ChunkSigner
from custodes.edge.aws.eventstream.event_stream import EventMessage, decode
from custodes.edge.aws.sigv4 import SigningKeys
from tests.fakes.liveness_client import ChunkMaker, Key, date_header, inner, pack

VECTORS = json.loads((Path(__file__).parent / "vectors" / "chunks.json").read_text())
KEYS = SigningKeys()
KEY = Key("AKIDEXAMPLE", "a secret")
NOW_MS = 1_778_371_198_123
SEED = "0" * 64
PAYLOADS = st.lists(st.binary(max_size=40), min_size=2, max_size=6)


def chain(seed: str = SEED, key: Key = KEY) -> ChunkChain:
    return ChunkChain(seed, ChunkSigner(key.secret, key.region, "rekognition"), KEYS)


def chunks(payloads: list[bytes], key: Key = KEY, seed: str = SEED) -> list[bytes]:
    make = ChunkMaker(key, seed)
    return [make(inner("VideoEvent", {"n": payload.hex()}), NOW_MS + i) for i, payload in enumerate(payloads)]


def opened(given: list[bytes], kept: ChunkChain | None = None) -> int:
    """How many chunks are opened before the first refusal."""
    opening = kept or chain()
    for count, chunk in enumerate(given):
        try:
            opening.opened(chunk, NOW_MS)
        except ChunkRefusedError:
            return count
    return len(given)


def test_the_signer_of_the_javascript_sdk_is_believed() -> None:
    signer = ChunkSigner(VECTORS["secret"], VECTORS["region"], "rekognition")
    opening = ChunkChain(VECTORS["query"]["X-Amz-Signature"], signer, KEYS)
    for chunk, told in zip(VECTORS["chunks"], VECTORS["inners"], strict=True):
        assert opening.opened(bytes.fromhex(chunk), VECTORS["ts_ms"]) == decode(bytes.fromhex(told))
    assert "secret" not in repr(signer) and VECTORS["secret"] not in repr(signer)


@given(PAYLOADS)
def test_what_was_signed_in_order_is_opened(payloads: list[bytes]) -> None:
    assert opened(chunks(payloads)) == len(payloads)


@given(PAYLOADS, st.data())
@settings(max_examples=300)
def test_altered_reordered_dropped_and_replayed_chunks_are_refused(payloads: list[bytes], data: st.DataObject) -> None:
    good = chunks(payloads)
    at = data.draw(st.integers(0, len(good) - 1))
    bit = data.draw(st.integers(0, len(good[at]) * 8 - 1))
    altered = bytearray(good[at])
    altered[bit // 8] ^= 1 << bit % 8
    assert opened([*good[:at], bytes(altered), *good[at + 1 :]]) == at
    other = data.draw(st.integers(0, len(good) - 1).filter(lambda i: i != at))
    first = min(at, other)
    swapped = list(good)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    assert opened(swapped) == first
    dropped = good[:at] + good[at + 1 :]
    assert opened(dropped) == at  # of the last one that is dropped nothing comes after
    assert opened([*good, good[at]]) == len(good)
    assert opened([*good[: at + 1], good[at], *good[at + 1 :]]) == at + 1


@given(PAYLOADS, st.integers(0, 5))
def test_a_chunk_of_another_stream_key_region_or_inner_message_is_refused(payloads: list[bytes], at: int) -> None:
    good = chunks(payloads)
    at %= len(good)
    for foreign in (
        chunks(payloads, seed="1" * 64),
        chunks(payloads, Key("AKIDEXAMPLE", "another secret")),
        chunks(payloads, Key("AKIDEXAMPLE", "a secret", "us-east-1")),
    ):
        assert opened([*good[:at], foreign[at]]) == at
    outer = decode(good[at])
    assert isinstance(outer, EventMessage)
    signature = outer.headers[":chunk-signature"]
    assert isinstance(signature, bytes)
    head = date_header(NOW_MS + at) + b"\x10:chunk-signature\x06\x00\x20" + signature
    assert opened([*good[:at], pack(head, inner("VideoEvent", {"n": "something else"}))]) == at


def test_a_broken_chain_stays_broken() -> None:
    good = chunks([b"a", b"b"])
    broken = chain()
    assert opened([good[1]], broken) == 0
    assert opened([good[0]], broken) == 0


@pytest.mark.parametrize("far_ms", [-301_000, 301_000])
def test_a_chunk_from_another_time_is_refused(far_ms: int) -> None:
    (good,) = chunks([b"a"])
    with pytest.raises(ChunkRefusedError, match="too long ago"):
        chain().opened(good, NOW_MS - far_ms)


def test_a_signed_end_without_a_message_is_an_end() -> None:
    assert chain().opened(ChunkMaker(KEY, SEED)(b"", NOW_MS), NOW_MS) is None


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        date_header(NOW_MS),
        date_header(NOW_MS) + b"\x10:chunk-signature\x00",
        b"\x05:date\x00\x10:chunk-signature\x00",
    ],
)
def test_other_headers_are_refused(headers: bytes) -> None:
    with pytest.raises(ChunkRefusedError):
        chain().opened(pack(headers, inner("VideoEvent", {})), NOW_MS)


def test_a_date_that_no_calendar_has_is_refused() -> None:
    signed = date_header(2**62) + b"\x10:chunk-signature\x06\x00\x20" + bytes(32)
    with pytest.raises(ChunkRefusedError):
        chain().opened(pack(signed, b""), NOW_MS)
