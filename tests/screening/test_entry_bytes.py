"""Bytes of list entries and of held-back reviews: what is stored stays readable, and digests stay what they were."""

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from custodes.governance.review import Candidate, Review, ReviewPerson, ReviewVote, decoded, encoded
from custodes.screening.entities import ListedName, ListEntry, decode_entry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
ENTRIES = st.builds(
    ListEntry,
    TEXT,
    TEXT,
    st.sampled_from(["person", "organisation", "vessel"]),
    st.lists(st.builds(ListedName, TEXT, st.booleans()), max_size=3).map(tuple),
    TEXTS,
    TEXTS,
    st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    TEXTS,
    TEXTS,
)


@given(ENTRIES)
def test_an_entry_is_written_as_canonical_json_and_read_back(entry):
    written = json.dumps(asdict(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert json.loads(entry.encoded()) == json.loads(written)
    assert decode_entry(entry.encoded()) == entry == decode_entry(written.encode())


def test_the_digest_of_an_entry_is_what_editions_before_wrote():
    entry = ListEntry(
        "ofac", "7", "person", (ListedName("Иван Пример", True),), ("1950-01-02",), ("ru",), (("lei", "5"),)
    )
    assert entry.digest() == "c84cba12dcae5802c5177e8ff29212ad8dcf6354e72535397d95cd391a779006"


def test_a_review_that_an_earlier_version_stored_is_read():
    stored = {
        "review_id": "ab", "account_id": "123456789012", "collection_id": "staff", "operation": "SearchFacesByImage",
        "requester": {"key": "k", "arn": "arn:x", "is_user": True}, "request_id": "r", "created_ts_ms": 1,
        "expires_ts_ms": 2, "secret": "AAECAw==",
        "candidates": [{"similarity_milli": 99000, "face_id": "f", "user_id": None}],
        "picture": "//79", "picture_sha256": "",
        "votes": [
            {"person": {"key": "v", "arn": "arn:y", "is_user": False}, "confirms": True, "ts_ms": 3, "reason": ""},
        ],
        "released_ts_ms": None,
    }  # fmt: skip
    review = decoded(json.dumps(stored).encode())
    assert (review.secret, review.picture) == (b"\x00\x01\x02\x03", b"\xff\xfe\xfd")
    assert review.candidates == (Candidate(99000, "f"),)
    assert review.votes == (ReviewVote(ReviewPerson("v", "arn:y", False), True, 3),)
    assert isinstance(review, Review) and json.loads(encoded(review)) == stored
