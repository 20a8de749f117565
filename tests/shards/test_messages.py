"""What servers that share collections say to each other: only to the one that is asked, only about that question."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import CustodesError, NotFoundError, NotReadyError, UnavailableError
from custodes.gallery.entities import Hit
from custodes.gallery.following import CollectionVersion
from custodes.gallery.shards.ports import ShardQuestion, VectorSearch
from custodes.storage.vectors.shard_messages import MessageError, ShardSeal, decoded_answer, encoded_answer
from tests.fakes.vectors import KEY, units

SEAL = ShardSeal(b"k" * 32, os.urandom)
HITS = st.lists(st.builds(Hit, st.integers(0, 2**63 - 1), st.floats(-1, 1, width=32))).map(tuple)


def question(seed: int = 1, limit: int = 10, least: float = 0.5) -> ShardQuestion:
    version = CollectionVersion(7, 12, "face 7.1", 300_000)
    return ShardQuestion(KEY, version, ("one", "two"), 8, VectorSearch(units(seed, 1, 128)[0], limit, least))


@given(st.integers(0, 2**32), st.integers(1, 4096), st.floats(-1, 1))
def test_a_question_arrives_as_it_was_asked(seed: int, limit: int, least: float) -> None:
    asked = question(seed, limit, least)
    sealed = SEAL.question(asked, "two")
    found = SEAL.opened_question(sealed, "two")
    assert (found.key, found.version, found.names, found.width) == (asked.key, asked.version, asked.names, asked.width)
    assert (found.sought.limit, found.sought.min_cosine) == (limit, least)
    assert np.array_equal(found.sought.vector, asked.sought.vector)
    assert asked.sought.vector.tobytes()[:8] not in sealed and b"people" not in sealed


@given(HITS)
def test_hits_arrive_with_every_bit(hits: tuple[Hit, ...]) -> None:
    assert decoded_answer(encoded_answer(hits)) == hits


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (NotFoundError("gone"), NotFoundError),
        (NotReadyError("soon"), NotReadyError),
        (UnavailableError("no"), UnavailableError),
    ],
)
def test_refusals_arrive_as_what_they_are(refusal: CustodesError, kind: type[CustodesError]) -> None:
    with pytest.raises(CustodesError) as raised:
        SEAL.opened_answer(SEAL.answer(refusal, b"asked"), b"asked")
    assert type(raised.value) is kind and raised.value.message == refusal.message


@given(st.data())
def test_what_was_altered_cut_or_said_to_others_does_not_open(data: st.DataObject) -> None:
    asked = SEAL.question(question(), "two")
    at = data.draw(st.integers(0, len(asked) - 1))
    altered = asked[:at] + bytes([asked[at] ^ data.draw(st.integers(1, 255))]) + asked[at + 1 :]
    for wrong in (altered, asked[:at]):
        with pytest.raises(MessageError):
            SEAL.opened_question(wrong, "two")
    with pytest.raises(MessageError):
        SEAL.opened_question(asked, "three")
    with pytest.raises(MessageError):
        ShardSeal(b"x" * 32, os.urandom).opened_question(asked, "two")


def test_an_answer_is_to_the_very_question(hits: tuple[Hit, ...] = (Hit(1, 0.5),)) -> None:
    first, second = SEAL.question(question(), "two"), SEAL.question(question(), "two")
    told = SEAL.answer(hits, first)
    assert SEAL.opened_answer(told, first) == hits
    with pytest.raises(MessageError):
        SEAL.opened_answer(told, second)
    with pytest.raises(MessageError):
        SEAL.opened_question(told, "two")
