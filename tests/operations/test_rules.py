"""Rules of faces and users, and which faces of a picture are taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from custodes.core.box import BoxRatio
from custodes.core.ids import FaceId, ImageId, ModelVersion, RequestId, UserId
from custodes.core.slot import Slot
from custodes.edge.aws.model import load_service
from custodes.engine.results.face import QualityFilter
from custodes.gallery.entities import Face
from custodes.gallery.rules import (
    RefusalReason,
    plan_association,
    plan_deletion,
    plan_disassociation,
    refuse_low_matches,
    user_vector,
)
from custodes.imaging.image import decode
from custodes.operations.collections.same_face import by_box, overlap
from custodes.operations.images.attributes import Attribute, detail_for, requested, shows
from custodes.operations.images.scale import min_cosine, similarity_pct
from custodes.operations.images.selection import largest, select
from tests.fakes.engine import BLURRED, DARK_AND_BLURRED, GOOD, MEDIOCRE, Square, SquareEngine, picture

ANN, BOB = UserId("ann"), UserId("bob")
BOX = BoxRatio(0, 0, 1, 1)


def face(name: str, user: UserId | None) -> Face:
    return Face(1, FaceId(name), ImageId("i"), None, BOX, 99.0, ModelVersion("1.0"), user, enrolled_ts_ms=0)


KNOWN = {f.face_id: f for f in (face("free", None), face("anns", ANN), face("bobs", BOB))}
ASKED = [FaceId(name) for name in ("bobs", "anns", "gone", "free", "free", "gone")]


@pytest.mark.parametrize(
    ("plan", "accepted", "refused"),
    [
        (
            plan_association(ANN, ASKED, KNOWN),
            ["free"],
            [("bobs", "ASSOCIATED_TO_A_DIFFERENT_USER", BOB), ("gone", "FACE_NOT_FOUND", None)],
        ),
        (
            plan_disassociation(ANN, ASKED, KNOWN),
            ["anns"],
            [("bobs", "ASSOCIATED_TO_A_DIFFERENT_USER", BOB), ("gone", "FACE_NOT_FOUND", None)],
        ),
        (
            plan_deletion(ASKED, KNOWN),
            ["free"],
            [
                ("bobs", "ASSOCIATED_TO_AN_EXISTING_USER", BOB),
                ("anns", "ASSOCIATED_TO_AN_EXISTING_USER", ANN),
                ("gone", "FACE_NOT_FOUND", None),
            ],
        ),
    ],
    ids=["associate", "disassociate", "delete"],
)
def test_plans(plan, accepted, refused):
    assert [f.face_id for f in plan.accepted] == accepted
    assert [(r.face_id, r.reason, r.user_id) for r in plan.refused] == refused


STATES = st.sampled_from(["free", "ann", "bob", "gone"])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), STATES), max_size=20))
def test_every_face_asked_for_ends_in_at_most_one_place(pairs):
    owners = {"free": None, "ann": ANN, "bob": BOB}
    known = {FaceId(name): face(name, owners[state]) for name, state in pairs if state != "gone"}
    asked = [FaceId(name) for name, _ in pairs]
    for plan in (
        plan_association(ANN, asked, known),
        plan_disassociation(ANN, asked, known),
        plan_deletion(asked, known),
    ):
        names = [f.face_id for f in plan.accepted] + [r.face_id for r in plan.refused]
        assert len(names) == len(set(names))
        assert set(names) <= set(asked)
        assert {r.face_id for r in plan.refused if r.reason is RefusalReason.FACE_NOT_FOUND} == set(
            asked
        ) - known.keys()


@given(st.lists(st.floats(0, 100), max_size=5), st.floats(0, 100))
def test_match_threshold_is_inclusive(matches, threshold):
    faces = {FaceId(str(i)): face(str(i), None) for i in range(len(matches))}
    plan = refuse_low_matches(plan_association(ANN, list(faces), faces), matches, threshold)
    assert [f.face_id for f in plan.accepted] == [str(i) for i, match in enumerate(matches) if match >= threshold]
    assert [(r.face_id, r.confidence_pct) for r in plan.refused] == [
        (str(i), match) for i, match in enumerate(matches) if match < threshold
    ]


def units(count: int) -> st.SearchStrategy:
    raw = arrays(np.float32, (count, 4), elements=st.floats(-1, 1, width=32))
    return raw.filter(lambda a: bool((np.linalg.norm(a, axis=1) > 0.1).all())).map(
        lambda a: (a / np.linalg.norm(a, axis=1, keepdims=True)).astype(np.float32)
    )


@given(st.integers(1, 8).flatmap(units), st.randoms(use_true_random=False))
def test_user_vector_is_a_unit_vector_whatever_the_order(vectors, random):
    mean = user_vector(vectors)
    assert mean.dtype == np.float32
    assert np.linalg.norm(mean) == pytest.approx(1, abs=1e-5)
    order = list(range(len(vectors)))
    random.shuffle(order)
    if np.linalg.norm(vectors.astype(np.float64).sum(axis=0)) > 1e-3:
        np.testing.assert_allclose(user_vector(vectors[order]), mean, atol=1e-6)


def test_user_vector_of_one_face_is_that_face():
    one = np.array([[0.6, 0.8]], dtype=np.float32)
    np.testing.assert_allclose(user_vector(one), one[0], atol=1e-7)


def test_user_vector_lies_between_its_faces():
    np.testing.assert_allclose(user_vector(np.eye(2, dtype=np.float32)), [2**-0.5, 2**-0.5], atol=1e-7)


def test_faces_that_cancel_out_leave_the_first():
    vectors = np.array([[1, 0], [-1, 0]], dtype=np.float32)
    np.testing.assert_array_equal(user_vector(vectors), vectors[0])


def test_user_vector_of_nobody_is_a_defect():
    with pytest.raises(ValueError, match="at least one"):
        user_vector(np.empty((0, 4), dtype=np.float32))


def found(*squares: Square):
    return SquareEngine().detect(Slot(0, RequestId("r")), decode(picture(*squares)))


LARGE_BLURRED = Square(1, side=90, blue=BLURRED)
LARGE_MEDIOCRE = Square(2, left=110, side=80, blue=MEDIOCRE)
MIDDLE = Square(3, left=200, side=60, blue=GOOD)
SMALL = Square(4, left=300, side=50, blue=GOOD)
DARK = Square(5, left=10, top=200, side=40, blue=DARK_AND_BLURRED)
EXCEEDS, SHARP, BRIGHT = "EXCEEDS_MAX_FACES", "LOW_SHARPNESS", "LOW_BRIGHTNESS"

SELECTIONS = [
    # level, maximum, sides taken, {side refused: reasons}
    ("NONE", None, [90, 80, 60, 50, 40], {}),
    ("AUTO", None, [80, 60, 50], {90: (SHARP,), 40: (BRIGHT, SHARP)}),
    ("HIGH", None, [60, 50], {90: (SHARP,), 80: (SHARP,), 40: (BRIGHT, SHARP)}),
    ("AUTO", 2, [80, 60], {90: (SHARP,), 50: (EXCEEDS,), 40: (BRIGHT, SHARP)}),
    ("NONE", 3, [80, 60, 50], {90: (EXCEEDS,), 40: (EXCEEDS,)}),
    ("NONE", 1, [80], {90: (EXCEEDS,), 60: (EXCEEDS,), 50: (EXCEEDS,), 40: (EXCEEDS,)}),
    ("NONE", 4, [90, 80, 60, 50], {40: (EXCEEDS,)}),
    ("HIGH", 1, [60], {90: (SHARP,), 80: (SHARP,), 50: (EXCEEDS,), 40: (BRIGHT, SHARP)}),
]


@pytest.mark.parametrize(("level", "maximum", "taken", "refused"), SELECTIONS)
def test_lowest_quality_goes_first_then_the_smallest(level, maximum, taken, refused):
    faces = found(SMALL, DARK, LARGE_BLURRED, MIDDLE, LARGE_MEDIOCRE)
    selection = select(SquareEngine(), faces, QualityFilter(level), maximum)
    assert [f.box_px.width for f in selection.taken] == taken
    assert {r.face.box_px.width: r.reasons for r in selection.refused} == refused
    assert [r.face.box_px.width for r in selection.refused] == sorted(refused, reverse=True)


def test_the_largest_face_that_passes_is_asked_about():
    faces = found(SMALL, LARGE_BLURRED, MIDDLE)
    asked, others = largest(SquareEngine(), faces, QualityFilter.AUTO)
    assert asked.box_px.width == 60
    assert [(r.face.box_px.width, r.reasons) for r in others] == [(90, (SHARP,)), (50, ("FACE_NOT_LARGEST",))]
    assert largest(SquareEngine(), found(LARGE_BLURRED), QualityFilter.AUTO)[0] is None


@given(st.floats(0, 100), st.floats(-1, 1))
def test_thresholds_are_inclusive_and_zero_excludes_nothing(threshold, cosine):
    scale = SquareEngine().scale()
    limit = min_cosine(scale, threshold)
    assert cosine >= min_cosine(scale, 0)
    if abs(scale.similarity_pct(cosine) - threshold) > 1e-9:
        assert (cosine >= limit) == (similarity_pct(scale, cosine) >= threshold)


@pytest.mark.parametrize(("cosine", "percent"), [(1.0000001, 100), (-1.0000001, 0), (0.5, 75)])
def test_rounding_beyond_the_unit_is_cut_off(cosine, percent):
    assert similarity_pct(SquareEngine().scale(), cosine) == percent


@pytest.mark.parametrize(
    ("tokens", "detail", "eyes"),
    [
        (None, "box", False),
        ([], "box", False),
        (["DEFAULT"], "box", False),
        (["AGE_RANGE", "EMOTIONS"], "box", False),
        (["EYES_OPEN"], "full", True),
        (["ALL"], "full", True),
        (["ALL", "DEFAULT"], "full", True),
        (["DEFAULT", "EYE_DIRECTION"], "full", False),
    ],
)
def test_attributes(tokens, detail, eyes):
    attributes = requested(tokens)
    assert detail_for(attributes) == detail
    assert shows(attributes, Attribute.EYES_OPEN) is eyes


def test_attributes_are_those_of_the_model():
    shape = load_service().operations["DetectFaces"].input.members["Attributes"].item
    assert {attribute.value for attribute in Attribute} == set(shape.enum)


RATIOS = st.floats(-0.5, 1.5)
BOXES = st.builds(BoxRatio, RATIOS, RATIOS, st.floats(0.01, 1), st.floats(0.01, 1))


@given(BOXES, BOXES)
def test_overlap_is_symmetric_and_one_for_the_same_box(a, b):
    assert 0 <= overlap(a, b) <= 1 + 1e-9
    assert overlap(a, b) == pytest.approx(overlap(b, a))
    assert overlap(a, a) == pytest.approx(1)


def test_boxes_beside_each_other_do_not_overlap():
    assert overlap(BoxRatio(0, 0, 0.5, 1), BoxRatio(0.5, 0, 0.5, 1)) == 0
    assert overlap(BoxRatio(0, 0, 1, 1), BoxRatio(0.5, 0, 0.5, 1)) == 0.5
    assert overlap(BoxRatio(0, 0, 0, 0), BoxRatio(0, 0, 0, 0)) == 0


def test_faces_are_told_apart_by_their_boxes():
    at = [BoxRatio(0.1, 0.1, 0.2, 0.2), BoxRatio(0.5, 0.1, 0.2, 0.2), BoxRatio(0.1, 0.6, 0.2, 0.2)]
    enrolled = [replace(face(str(i), None), box_ratio=box) for i, box in enumerate(at[:2])]
    shifted = [BoxRatio(box.left + 1e-3, box.top, box.width, box.height) for box in reversed(at)]
    assert {index: f.face_id for index, f in by_box(shifted, enrolled).items()} == {1: "1", 2: "0"}
    assert by_box(at, []) == {}
