"""Messages of event streams: the same bytes as others write and read, and nothing else."""

from __future__ import annotations

import binascii
import contextlib
import json
import struct
from pathlib import Path

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.edge.aws.eventstream.event_stream import EventMessage, EventStreamError, Timestamp, decode, encode

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda name: len(name.encode()) < 256)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.binary(max_size=64),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.integers(-(2**63), 2**63 - 1).map(Timestamp),
)
MESSAGES = st.builds(EventMessage, st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=256))

VECTORS = json.loads((Path(__file__).parent / "vectors" / "chunks.json").read_text())


def test_the_codec_of_the_javascript_sdk_writes_the_same() -> None:
    assert encode(EventMessage({})).hex() == VECTORS["empty"]
    kinds = {":message-type": "event", ":event-type": "VideoEvent", ":content-type": "application/json"}
    first, second, third = (bytes.fromhex(one) for one in VECTORS["inners"])
    assert encode(EventMessage(kinds, b'{"VideoChunk":"AAEC","TimestampMillis":1}')) == first
    assert encode(EventMessage(kinds)) == third
    more = {"flag": True, "small": -3, "n": 77, "raw": b"\1\2\3", "when": Timestamp(VECTORS["ts_ms"])}
    assert decode(second) == EventMessage(kinds | more, b'{"VideoChunk":"","TimestampMillis":2}')


@given(MESSAGES)
def test_what_is_written_is_read(message: EventMessage) -> None:
    assert decode(encode(message)) == message


@given(MESSAGES)
def test_botocore_reads_the_same(message: EventMessage) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode(message))
    (found,) = list(buffer)
    assert found.payload == message.payload
    # botocore gives a moment as a number of ms.
    expected = {name: value.ts_ms if isinstance(value, Timestamp) else value for name, value in message.headers.items()}
    assert found.headers == expected


def test_every_type_of_value_is_read() -> None:
    values = [
        (b"\x00", True),
        (b"\x01", False),
        (b"\x02\xff", -1),
        (b"\x03\x01\x00", 256),
        (b"\x04" + struct.pack(">i", -7), -7),
        (b"\x05" + struct.pack(">q", 2**40), 2**40),
        (b"\x06\x00\x02ab", b"ab"),
        (b"\x07\x00\x02\xc3\xa9", "é"),
        (b"\x08" + struct.pack(">q", 1000), Timestamp(1000)),
        (b"\x09" + bytes(range(16)), bytes(range(16))),
    ]
    for raw, value in values:
        assert decode(_message(b"\x01n" + raw)).headers == {"n": value}


@pytest.mark.parametrize(
    "headers",
    [
        b"\x00\x00",
        b"\x01n\x0a",
        b"\x01n\x00\x01n\x00",
        b"\x05n\x00",
        b"\x01n\x07\x00\x09ab",
        b"\x01\xff\x00",
        b"\x01n\x07\x00\x01\xff",
    ],
    ids=["no name", "unknown type", "twice", "name cut", "value cut", "name no text", "value no text"],
)
def test_bad_headers_are_refused(headers: bytes) -> None:
    with pytest.raises(EventStreamError):
        decode(_message(headers))


@given(MESSAGES, st.data())
@settings(max_examples=300)
def test_a_changed_bit_or_length_is_noticed(message: EventMessage, data: st.DataObject) -> None:
    good = encode(message)
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    changed = bytearray(good)
    changed[bit // 8] ^= 1 << bit % 8
    for bad in (bytes(changed), good[: bit // 8], good + b"\0"):
        with pytest.raises(EventStreamError):
            decode(bad)


@given(st.binary(max_size=400))
@settings(max_examples=500)
def test_any_bytes_are_a_message_or_refused(raw: bytes) -> None:
    with contextlib.suppress(EventStreamError):
        decode(raw)


def test_what_has_no_place_in_a_message_is_not_written() -> None:
    for headers in ({"": True}, {"n" * 256: True}, {"n": 2**31}, {"n": "x" * 70_000}, {"n": b"x" * 70_000}):
        with pytest.raises(EventStreamError):
            encode(EventMessage(headers))
    with pytest.raises(EventStreamError):
        encode(EventMessage({}, bytes(4 * 1024 * 1024)))


def _message(headers: bytes) -> bytes:
    head = struct.pack(">II", 16 + len(headers), len(headers))
    body = head + struct.pack(">I", binascii.crc32(head)) + headers
    return body + struct.pack(">I", binascii.crc32(body))
