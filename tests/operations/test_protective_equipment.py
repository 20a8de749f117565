"""DetectProtectiveEquipment over a scripted engine: members, who is counted where, limits of pictures."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.box import BoxPx
from custodes.core.errors import ImageTooLargeError, InvalidParameterError
from custodes.engine.equipment.body_points import (
    LEFT_ELBOW,
    LEFT_WRIST,
    RIGHT_ELBOW,
    RIGHT_WRIST,
    BodyPoints,
    decode,
)
from custodes.engine.equipment.hands import hands
from custodes.engine.equipment.masks import told
from custodes.engine.equipment.pipeline import owned
from custodes.engine.results.equipment import BodyPart, Equipment, EquippedPerson, Part
from custodes.engine.results.face import Judgement
from custodes.operations.images.detect_equipment import Requirement, summed_up
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.sight import person, worn

IMAGE = {"Bytes": picture(width=400, height=300)}
MASK = frozenset({Equipment.FACE_COVER})


def detect(server, **required):
    more = {"SummarizationAttributes": required} if required else {}
    return server.call("DetectProtectiveEquipment", Image=IMAGE, **more)


def test_persons_parts_and_equipment(server):
    answer = detect(server)
    assert answer["ProtectiveEquipmentModelVersion"] == "1.0"
    assert "Summary" not in answer
    assert [one["Id"] for one in answer["Persons"]] == [0, 1, 2]
    masked, bare, behind = answer["Persons"]
    assert masked["BodyParts"] == [
        {
            "Name": "FACE",
            "Confidence": 98.0,
            "EquipmentDetections": [
                {
                    "Type": "FACE_COVER",
                    "BoundingBox": {"Left": 0.05, "Top": 0.1, "Width": 0.1, "Height": 0.1},
                    "Confidence": 95.0,
                    "CoversBodyPart": {"Value": True, "Confidence": 90.0},
                }
            ],
        }
    ]
    assert bare["BodyParts"] == [{"Name": "FACE", "Confidence": 98.0, "EquipmentDetections": []}]
    assert behind["BodyParts"] == []
    assert server.recorder.outcomes[-1].images == 1
    assert server.recorder.outcomes[-1].counts["persons_detected"] == 3


def test_the_summary_has_three_lists(server):
    answer = detect(server, MinConfidence=80, RequiredEquipmentTypes=["FACE_COVER"])
    assert answer["Summary"] == {
        "PersonsWithRequiredEquipment": [0],
        "PersonsWithoutRequiredEquipment": [1],
        "PersonsIndeterminate": [2],
    }


@pytest.mark.parametrize(
    ("one", "least", "where"),
    [
        (person(worn()), 80, "having"),
        (person(worn()), 90, "having"),
        (person(worn()), 90.5, "unclear"),
        (person(worn(sure=70)), 80, "unclear"),
        (person(worn(covers=False)), 80, "lacking"),
        (person(worn(covers=False, sure_of_cover=60)), 80, "unclear"),
        (person(), 80, "lacking"),
        (person(face_pct=79), 80, "unclear"),
        (person(person_pct=79), 80, "unclear"),
        (person(worn(sure=51, sure_of_cover=51)), 0, "having"),
        (person(worn(sure=49)), 0, "unclear"),
        (EquippedPerson(BoxPx(0, 0, 1, 1), 99, ()), 80, "unclear"),
    ],
)
def test_who_is_counted_where(one, least, where):
    summary = summed_up((one,), Requirement(MASK, least))
    assert {name for name in ("having", "lacking", "unclear") if getattr(summary, name)} == {where}


def test_what_cannot_be_told_is_indeterminate_but_a_bare_face_is_enough():
    both = Requirement(MASK | {Equipment.HEAD_COVER}, 80)
    summary = summed_up((person(worn()), person()), both)
    assert (summary.having, summary.lacking, summary.unclear) == ((), (1,), (0,))


persons = st.lists(
    st.builds(
        lambda sure, face, covers: person(*covers, face_pct=face, person_pct=sure),
        st.floats(50, 100),
        st.floats(50, 100),
        st.lists(st.builds(worn, st.booleans(), st.floats(50, 100), st.floats(50, 100)), max_size=2),
    ),
    max_size=15,
)


@given(persons, st.floats(0, 100), st.frozensets(st.sampled_from(sorted(Equipment))))
def test_everybody_is_in_exactly_one_list(group, least, kinds):
    summary = summed_up(tuple(group), Requirement(kinds, least))
    assert sorted(summary.having + summary.lacking + summary.unclear) == list(range(len(group)))


def test_hands_need_both_when_both_are_seen():
    cover = worn().__class__(Equipment.HAND_COVER, BoxPx(0, 0, 1, 1), 99, worn().covers)
    hands = (BodyPart(Part.LEFT_HAND, 99, (cover,)), BodyPart(Part.RIGHT_HAND, 99, ()))
    one = EquippedPerson(BoxPx(0, 0, 1, 1), 99, hands)
    assert summed_up((one,), Requirement(frozenset({Equipment.HAND_COVER}), 80)).lacking == (0,)


def test_hands_whose_cover_nothing_can_tell_leave_a_person_indeterminate():
    hands = tuple(BodyPart(part, 99, (), looked_at=False) for part in (Part.LEFT_HAND, Part.RIGHT_HAND))
    one = EquippedPerson(BoxPx(0, 0, 1, 1), 99, hands)
    assert summed_up((one,), Requirement(frozenset({Equipment.HAND_COVER}), 80)).unclear == (0,)


def body(left=(0.9, 10.0), right=(0.9, 90.0)):
    """Arms that hang down, with the score and the place from the left of each wrist."""
    points, scores = np.zeros((17, 2), np.float32), np.zeros(17, np.float32)
    for elbow, wrist, (score, x) in ((LEFT_ELBOW, LEFT_WRIST, left), (RIGHT_ELBOW, RIGHT_WRIST, right)):
        points[elbow], points[wrist], scores[[elbow, wrist]] = (x, 100), (x, 140), score
    return BodyPoints(points, scores)


PERSON = BoxPx(0, 0, 100, 300)


def test_hands_lie_beyond_wrists_and_are_the_persons_own():
    left, right = hands(body(), PERSON, 50.0)
    assert (left.part, right.part) == (Part.LEFT_HAND, Part.RIGHT_HAND)
    assert left.box_px.y1 < 140 < 154 < left.box_px.y2
    assert left.box_px.x1 < 10 < left.box_px.x2
    assert left.confidence_pct > 99


@pytest.mark.parametrize(
    ("arms", "seen"),
    [
        (body(left=(0.1, 10.0)), [Part.RIGHT_HAND]),
        (body(left=(0.1, 10.0), right=(0.2, 90.0)), []),
        (body(left=(0.5, 50.0), right=(0.9, 52.0)), [Part.RIGHT_HAND]),
        (body(left=(0.9, 50.0), right=(0.5, 52.0)), [Part.LEFT_HAND]),
    ],
)
def test_a_hand_that_was_not_seen_is_not_told_and_one_hand_is_told_once(arms, seen):
    assert [hand.part for hand in hands(arms, PERSON, 50.0)] == seen


def test_points_of_the_person_in_the_middle_are_read_from_the_cells():
    heat, centre = np.zeros((17, 48, 48), np.float32), np.zeros((48, 48), np.float32)
    regression, offsets = np.zeros((34, 48, 48), np.float32), np.zeros((34, 48, 48), np.float32)
    centre[24, 24], centre[2, 40] = 0.8, 1.0  # a stronger middle far away is somebody else's
    regression[2 * LEFT_WRIST : 2 * LEFT_WRIST + 2, 24, 24] = (5.0, -10.0)
    heat[LEFT_WRIST, 30, 13], heat[LEFT_WRIST, 3, 40] = 0.6, 0.9
    offsets[2 * LEFT_WRIST : 2 * LEFT_WRIST + 2, 30, 13] = (0.25, 0.5)
    cells, scores = decode(heat, centre, regression, offsets)
    assert cells[LEFT_WRIST].tolist() == [13.5, 30.25]
    assert scores[LEFT_WRIST] == pytest.approx(0.6)


def judgement(value, sure):
    return Judgement(value, sure)


@pytest.mark.parametrize(
    ("worn", "covering", "is_told"),
    [
        (judgement(True, 80), judgement(True, 90), True),
        (judgement(True, 60), judgement(True, 60), False),
        (judgement(True, 80), judgement(False, 99), False),
        (judgement(True, 97), judgement(False, 97), True),
        (judgement(False, 90), judgement(True, 99), False),
    ],
)
def test_a_mask_that_covers_nothing_is_told_only_when_it_is_sure(worn, covering, is_told):
    assert told(worn, covering) is is_told


def test_each_face_goes_to_the_person_it_fits():
    from custodes.core.ids import RequestId
    from custodes.core.slot import Slot
    from custodes.imaging.image import decode

    data = picture(Square(1, left=20, top=10, side=30), Square(2, left=220, top=20, side=40), width=400, height=300)
    faces = SquareEngine().detect(Slot(0, RequestId("x")), decode(data)).faces
    left, right, around = BoxPx(0, 0, 80, 290), BoxPx(200, 0, 300, 290), BoxPx(0, 0, 400, 300)
    found = owned(faces, [around, left, right])
    assert {k: faces[at].box_px.x1 for k, at in found.items()} == {1: 20, 2: 220}
    assert owned(faces, [BoxPx(100, 0, 190, 300)]) == {}


def blank(width, height):
    out = io.BytesIO()
    PIL.Image.fromarray(np.zeros((height, width), np.uint8)).save(out, "PNG")
    return {"Bytes": out.getvalue()}


def test_limits_of_pictures_are_its_own(server):
    assert server.call("DetectProtectiveEquipment", Image=blank(64, 64))["Persons"]
    with pytest.raises(InvalidParameterError, match="minimum dimension size of 64"):
        server.call("DetectProtectiveEquipment", Image=blank(63, 64))
    with pytest.raises(ImageTooLargeError, match="4096"):
        server.call("DetectProtectiveEquipment", Image=blank(4097, 64))
    with pytest.raises(ImageTooLargeError):
        server.call("DetectProtectiveEquipment", Image={"Bytes": b"\xff\xd8" + bytes(4 * 1024 * 1024)})
    with pytest.raises(InvalidParameterError, match="80"):
        server.call("DetectLabels", Image=blank(79, 100))
