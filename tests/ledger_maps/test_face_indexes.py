"""Face indexes of a running operator, from enrolment to a certificate that holds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.prover.erasure import ErasureRecords, certificate
from custodes.ledger.prover.face_map import FaceIndexes
from custodes.ledger.prover.files import encode_file
from custodes.ledger.verifier.erasure import verify_certificate
from custodes.storage.files.documents import FolderDocuments

ANN = "100000000001"


def append_to(world, kind):
    return lambda fields: world.append(kind, None, fields)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_erased_face_gets_a_certificate_that_holds(data, make_world):
    world = make_world()
    indexes = FaceIndexes(world.vrf)
    indexes.add(ANN, "other", ["x"])
    here, records = set(), []
    for _ in range(data.draw(st.integers(1, 5))):
        enrolled = data.draw(st.sets(st.sampled_from("abcdefgh"), max_size=5))
        indexes.add(ANN, "c", enrolled)
        here |= enrolled
        asked = data.draw(st.sets(st.sampled_from("abcdefgh"), max_size=4))
        erased = indexes.erase(ANN, "c", asked, append_to(world, "era"))
        assert {record.erased.face for record in erased} == asked & here
        here -= asked
        records += erased
    indexes.close_head(append_to(world, "map"), len(world.envelopes))
    world.publish()
    for record in records:
        later = indexes.later(ANN, "c", record.erased.face, world)
        word = verify_certificate(encode_file(certificate(record, world, later)), world.policy()).word
        # A face that was enrolled again after its erasure is in the index at the later head.
        assert word == ("INVALID" if record.erased.face in here else "ABSENT")
        assert verify_certificate(encode_file(certificate(record, world)), world.policy()).word == "ABSENT"


def test_a_ledger_that_cannot_be_written_erases_nothing(world):
    indexes = FaceIndexes(world.vrf)
    indexes.add(ANN, "c", ["a", "b"])

    def down(fields):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        indexes.erase(ANN, "c", ["a"], down)
    (record,) = indexes.erase(ANN, "c", ["a"], append_to(world, "era"))
    world.publish()
    assert verify_certificate(encode_file(certificate(record, world)), world.policy()).word == "ABSENT"


def test_a_proof_at_the_last_head_needs_a_head_after_the_last_change(world):
    indexes = FaceIndexes(world.vrf)
    with pytest.raises(LookupError):
        indexes.later(ANN, "c", "a", world)
    indexes.add(ANN, "c", ["a"])
    indexes.close_head(append_to(world, "map"), len(world.envelopes))
    assert indexes.later(ANN, "c", "b", world)
    indexes.erase(ANN, "c", ["a"], append_to(world, "era"))
    with pytest.raises(LookupError, match="changed"):
        indexes.later(ANN, "c", "a", world)
    assert indexes.erase(ANN, "c", ["a", "zz"], append_to(world, "era")) == []


def test_records_of_erased_faces_are_kept_by_hash(world, tmp_path):
    indexes = FaceIndexes(world.vrf)
    indexes.add(ANN, "c", ["../../etc/passwd"])
    (record,) = indexes.erase(ANN, "c", ["../../etc/passwd"], append_to(world, "era"))
    store = ErasureRecords(FolderDocuments(tmp_path))
    store.keep(record)
    assert store.get("../../etc/passwd") == record
    assert all(path.is_relative_to(tmp_path) for path in tmp_path.rglob("*"))
    with pytest.raises(LookupError):
        store.get("a")


def test_a_collection_that_goes_as_a_whole_leaves_one_entry(world):
    indexes = FaceIndexes(world.vrf)
    indexes.add(ANN, "c", ["a", "b", "c"])
    written = []
    assert indexes.erase_all(ANN, "c", lambda fields: written.append(fields) or len(written)) == 3
    assert indexes.erase_all(ANN, "c", lambda fields: written.append(fields) or len(written)) == 0
    (fields,) = written
    assert fields["n"] == 3
    assert fields["o"] != fields["w"]
    assert indexes.erase(ANN, "c", ["a"], append_to(world, "era")) == []
