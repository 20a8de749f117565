"""The engine's pure steps: alignment, decoding, suppression, pose, quality, calibration, batching. No model files."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.box import BoxPx, Size
from custodes.engine.calibrate import FALSE_MATCH_RATES, Calibration, Knot, LocalScale, false_match_rate
from custodes.engine.faces.assembly import KNOTS, face_recipe
from custodes.engine.faces.detection.candidates import Candidates, suppress, without_parts
from custodes.engine.faces.detection.detect import FaceDetectionRules, centerface, decode, letterbox
from custodes.engine.faces.embedding.embed import planes, unit
from custodes.engine.faces.embedding.lookalikes import MAX_LEVEL, level_of, load_lookalikes
from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame, chip, similarity, warp
from custodes.engine.faces.geometry.landmarks import default_set, full_set
from custodes.engine.faces.geometry.pose import _MEAN_SHAPE, head_pose, rotation
from custodes.engine.faces.geometry.turned_pose import load_turned_pose
from custodes.engine.faces.pipeline import confidence_pct
from custodes.engine.faces.quality import measure, overall_pct, poor_reasons
from custodes.engine.results.face import DetectedFace, PoorReason, Pose, Quality, QualityFilter
from custodes.engine.runtime.batch import Batcher
from custodes.imaging.windows import windows

finite = st.floats(-1e3, 1e3, allow_nan=False, allow_infinity=False)


def rotated(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    a = math.radians(degrees)
    return np.array(
        [
            [scale * math.cos(a), -scale * math.sin(a), shift[0]],
            [scale * math.sin(a), scale * math.cos(a), shift[1]],
        ]
    )


@given(st.floats(-180, 180), st.floats(0.05, 20), st.tuples(finite, finite))
def test_similarity_finds_the_transform_that_was_applied(degrees, scale, shift):
    matrix = rotated(degrees, scale, shift)
    source = ChipFrame(150).place(FIVE_SHAPE)
    found = similarity(source, source @ matrix[:, :2].T + matrix[:, 2])
    np.testing.assert_allclose(found, matrix, atol=1e-6 * max(1.0, scale, *map(abs, shift)))


def test_similarity_never_mirrors():
    source = ChipFrame(150).place(FIVE_SHAPE)
    found = similarity(source, source * [-1, 1])
    assert np.linalg.det(found[:, :2]) > 0


def test_a_looser_frame_keeps_the_middle_and_shrinks_the_face():
    tight, loose = ChipFrame(150, 1.0).place(FIVE_SHAPE), ChipFrame(150, 1.5).place(FIVE_SHAPE)
    np.testing.assert_allclose((tight - 75) / 1.5, loose - 75)


@pytest.mark.parametrize("factor", [1, 2, 5, 9])
def test_chips_do_not_depend_on_the_size_of_the_picture(factor):
    """A smooth picture enlarged `factor` times gives the same chip: reduction averages and keeps pixel centres."""
    y, x = np.mgrid[0:200, 0:200]
    small = np.stack([x, y, (x + y) / 2], -1).astype(np.uint8)
    large = np.repeat(np.repeat(small, factor, 0), factor, 1)
    points = np.float32(ChipFrame(120).place(FIVE_SHAPE) + 40)
    # Pixel centres: (x + 0.5) * factor - 0.5.
    one = chip(small, points, FIVE_SHAPE, ChipFrame(64))
    other = chip(large, np.float32((points + 0.5) * factor - 0.5), FIVE_SHAPE, ChipFrame(64))
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 2


def test_outside_the_picture_is_black():
    white = np.full((50, 50, 3), 255, np.uint8)
    seen = warp(white, np.array([[1.0, 0, 20], [0, 1.0, 20]]), (100, 100))
    assert seen[:15, :15].max() == 0
    assert seen[40, 40].min() == 255


@given(st.integers(1, 900), st.integers(1, 900), st.integers(32, 512))
@settings(max_examples=40)
def test_letterbox_keeps_ratio_and_pads_to_32(width, height, side):
    array, scale = letterbox(np.full((height, width, 3), 200, np.uint8), side)
    assert array.shape[2] % 32 == 0
    assert array.shape[3] % 32 == 0
    assert scale <= 1
    assert max(height, width) * scale <= side + 1 or scale == 1
    assert array[0, :, 0, 0].tolist() == [200, 200, 200]


def maps(height: int, width: int):
    return (
        np.zeros((height, width), np.float32),
        np.zeros((2, height, width), np.float32),
        np.zeros((2, height, width), np.float32),
        np.zeros((10, height, width), np.float32),
    )


def test_decoding_one_cell_by_hand():
    heat, scale, offset, points = maps(8, 8)
    heat[2, 5] = 0.9
    scale[:, 2, 5] = np.log(10), np.log(6)  # 40 px high, 24 px wide
    offset[:, 2, 5] = 0.25, -0.25  # y, x
    points[:, 2, 5] = [0.3, 0.2, 0.3, 0.8, 0.5, 0.5, 0.8, 0.3, 0.8, 0.7]  # y, x pairs
    found = decode(heat, scale, offset, points, 0.5)
    centre_y, centre_x = (2 + 0.25 + 0.5) * 4, (5 - 0.25 + 0.5) * 4
    np.testing.assert_allclose(found.boxes, [[centre_x - 12, centre_y - 20, centre_x + 12, centre_y + 20]], rtol=1e-6)
    np.testing.assert_allclose(found.points[0, 0], [centre_x - 12 + 0.2 * 24, centre_y - 20 + 0.3 * 40], rtol=1e-6)
    assert found.boxes[0, 1] < 0, "a face cut by the edge keeps its box beyond it"


def candidates(boxes, scores) -> Candidates:
    return Candidates(np.float32(boxes), np.float32(scores), np.zeros((len(boxes), 5, 2), np.float32))


def test_suppression_keeps_the_best_of_overlapping_boxes():
    found = suppress(candidates([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]], [0.6, 0.9, 0.7]), 0.3)
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_what_lies_mostly_inside_a_larger_sure_face_is_a_part_of_it():
    inner, outer, beside = [20, 30, 60, 70], [0, 0, 100, 120], [90, 0, 140, 60]
    found = without_parts(candidates([inner, outer, beside], [0.95, 0.7, 0.9]), 0.6, 0.7)
    assert found.boxes.tolist() == [outer, beside]
    unsure = without_parts(candidates([inner, outer], [0.95, 0.5]), 0.6, 0.7)
    assert len(unsure.scores) == 2, "a box that is not sure hides nobody"


sides = st.integers(1, 12_000)


@given(sides, sides, st.data())
def test_windows_cover_a_picture_and_whatever_is_not_longer_than_it_is_wide_lies_whole_in_one(width, height, data):
    parts = windows(Size(width, height))
    short = min(width, height)
    assert all(max(p.width, p.height) <= 2.4 * min(p.width, p.height) for p in parts)
    assert all(p.x >= 0 and p.y >= 0 and p.x + p.width <= width and p.y + p.height <= height for p in parts)
    x, y = data.draw(st.integers(0, width - short)), data.draw(st.integers(0, height - short))
    assert any(p.x <= x and p.y <= y and x + short <= p.x + p.width and y + short <= p.y + p.height for p in parts), (
        "a square of the short side"
    )
    if max(width, height) <= 2.4 * short:
        assert len(parts) == 1


boxes = st.lists(
    st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(1, 40), st.floats(1, 40), st.floats(0.1, 1)), max_size=25
)


@given(boxes, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_suppression_leaves_no_overlap_and_ignores_input_order(rows, random):
    data = [[x, y, x + w, y + h] for x, y, w, h, _ in rows]
    scores = [r[4] for r in rows]
    found = suppress(candidates(np.reshape(data, (-1, 4)), scores), 0.3)
    for i in range(len(found.boxes)):
        for j in range(i):
            a, b = found.boxes[i].astype(float), found.boxes[j].astype(float)
            w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            shared = max(w, 0) * max(h, 0)
            union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
            assert shared <= 0.3 * union * (1 + 1e-3)
    order = list(range(len(rows)))
    random.shuffle(order)
    again = suppress(candidates(np.reshape([data[i] for i in order], (-1, 4)), [scores[i] for i in order]), 0.3)
    if len({(s, d[0], d[1]) for s, d in zip(np.float32(scores).tolist(), data, strict=True)}) == len(rows):
        np.testing.assert_array_equal(found.boxes, again.boxes)


class NoFaces:
    def __init__(self):
        self.shapes = []

    def run(self, feeds):
        height, width = feeds["rgb"].shape[2] // 4, feeds["rgb"].shape[3] // 4
        self.shapes.append(feeds["rgb"].shape)
        names = ("heatmap", "scale", "offset", "landmarks")
        heat, *rest = maps(height, width)
        return dict(zip(names, (heat[None, None], *(m[None] for m in rest)), strict=True))


def test_large_pictures_are_seen_at_two_scales_and_none_gives_an_empty_answer():
    network = NoFaces()
    found = centerface(network, FaceDetectionRules()).detect(np.zeros((1500, 2000, 3), np.uint8))
    assert len(found.scores) == 0
    assert found.points.shape == (0, 5, 2)
    assert [max(shape) for shape in network.shapes] == [512, 1024]


class DrawnFaces:
    """Sees squares of one grey level as faces, larger ones only where the picture is shrunk less than ``too_small``."""

    too_small = 10

    def __init__(self, *faces: tuple[int, int, float]):
        """Left edge and side in pixels of a 960 x 720 picture, and score; all at the top."""
        self.faces = faces
        self.passes = []

    def run(self, feeds):
        height, width = feeds["rgb"].shape[2:]
        scale = width / 960
        self.passes.append(width)
        heat, size, offset, points = maps(height // 4, width // 4)
        for left, side, score in self.faces:
            if side * scale >= self.too_small:
                row, column = int(side * scale / 8), int((left + side / 2) * scale / 4)
                heat[row, column] = score
                size[:, row, column] = np.log(side * scale / 4)
        names = ("heatmap", "scale", "offset", "landmarks")
        return dict(zip(names, (heat[None, None], size[None], offset[None], points[None]), strict=True))


def largest_of(*faces: tuple[int, int, float]) -> tuple[list[int], int]:
    network = DrawnFaces(*faces)
    found = centerface(network).detect(np.zeros((720, 960, 3), np.uint8), at_most=1)
    assert len(found.scores) == min(1, len(faces))
    return network.passes, round(float(found.boxes[0, 2] - found.boxes[0, 0])) if faces else 0


@pytest.mark.parametrize(
    ("faces", "passes"),
    [
        ([(100, 480, 0.9)], [96]),
        ([(100, 480, 0.9), (700, 100, 0.95)], [96]),
        ([(100, 480, 0.65)], [96, 192, 512, 960]),  # not certain enough to stop
        ([(10, 420, 0.9), (500, 400, 0.9)], [96, 192, 512, 960]),  # which of two is larger takes a closer look
        ([(100, 200, 0.9)], [96, 192]),
        ([(100, 120, 0.9)], [96, 192, 512]),  # too small for a glance
        ([(100, 20, 0.9)], [96, 192, 512, 960]),
        ([], [96, 192, 512, 960]),
    ],
)
def test_the_largest_face_alone_is_looked_for_from_coarse_to_fine(faces, passes):
    seen, side = largest_of(*faces)
    assert seen == passes
    assert side == max((side for _, side, _ in faces), default=0)


@given(st.lists(st.tuples(st.integers(12, 300), st.floats(0.6, 0.99)), max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_glance_finds_a_face_about_as_large_as_the_largest(drawn):
    lefts = itertools.accumulate((side + 20 for side, _ in drawn), initial=0)
    detector = centerface(DrawnFaces(*[(left, *face) for left, face in zip(lefts, drawn, strict=False)]))
    rgb = np.zeros((720, 960, 3), np.uint8)
    one, everywhere = detector.detect(rgb, at_most=1), detector.detect(rgb)
    assert len(one.scores) == min(1, len(drawn))
    assert len(everywhere.scores) == len(drawn)
    if drawn:
        found, largest = (float(faces.boxes[0, 2] - faces.boxes[0, 0]) for faces in (one, everywhere))
        assert found >= 0.8 * largest


def mean_face(turn: np.ndarray) -> np.ndarray:
    vertices = np.zeros((468, 3), np.float32)
    for vertex, *place in _MEAN_SHAPE:
        vertices[vertex] = turn @ np.array(place) * 80 + 200
    return vertices


@pytest.mark.parametrize(("axis", "degrees"), [(a, d) for a in ("yaw", "pitch", "roll") for d in (-40, -10, 0, 25)])
def test_pose_signs(axis, degrees):
    """Yaw > 0 faces the picture's right, pitch > 0 up, roll > 0 clockwise; each alone leaves the others at zero."""
    a = math.radians(degrees)
    c, s = math.cos(a), math.sin(a)
    turns = {
        "yaw": [[c, 0, -s], [0, 1, 0], [s, 0, c]],  # carries -z (towards the camera) towards +x
        "pitch": [[1, 0, 0], [0, c, s], [0, -s, c]],  # carries -z towards -y, which is up
        "roll": [[c, -s, 0], [s, c, 0], [0, 0, 1]],  # carries +x towards +y: clockwise as seen
    }
    found = head_pose(mean_face(np.array(turns[axis])))
    expected = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, axis: float(degrees)}
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == pytest.approx(tuple(expected.values()), abs=0.01)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (8, -5), (-9, 9)])
def test_a_head_that_looks_at_the_camera_has_the_pose_of_its_mesh(yaw, pitch):
    a, b = math.radians(yaw), math.radians(pitch)
    turn = np.array([[1, 0, 0], [0, math.cos(b), math.sin(b)], [0, -math.sin(b), math.cos(b)]]) @ np.array(
        [[math.cos(a), 0, -math.sin(a)], [0, 1, 0], [math.sin(a), 0, math.cos(a)]]
    )
    vertices = mean_face(turn)
    points = vertices[[33, 263, 4, 129, 358], :2]
    told = load_turned_pose().pose(vertices, points, 1.0)
    mesh = head_pose(vertices)
    assert (told.yaw_deg, told.pitch_deg) == pytest.approx((mesh.yaw_deg, mesh.pitch_deg), abs=4)
    assert told.roll_deg == mesh.roll_deg


def test_rotation_is_never_a_reflection():
    shape = np.array([row[1:] for row in _MEAN_SHAPE])
    assert np.linalg.det(rotation(shape, shape * [-1, 1, 1])) == pytest.approx(1.0)


def test_thirty_landmarks_with_pupils_and_five_by_default():
    vertices = np.random.default_rng(1).uniform(0, 300, (468, 3)).astype(np.float32)
    pupils = {"leftPupil": np.float32([1, 2]), "rightPupil": np.float32([3, 4])}
    names = [mark.name for mark in full_set(vertices, pupils)]
    assert len(names) == len(set(names)) == 30
    assert len(default_set(np.zeros((5, 2), np.float32))) == 5


def checkered(step: int) -> np.ndarray:
    y, x = np.mgrid[0:150, 0:150]
    return np.repeat((((x // step + y // step) % 2) * 160 + 40).astype(np.uint8)[..., None], 3, -1)


def test_sharpness_falls_with_coarser_detail_and_ignores_exposure():
    values = [measure(checkered(step)).sharpness_pct for step in (2, 10, 40)]
    assert values[0] > values[1] > values[2]
    dark = (checkered(10) // 2).astype(np.uint8)
    assert measure(dark).sharpness_pct == pytest.approx(values[1], abs=1)
    assert measure(dark).brightness_pct == pytest.approx(measure(checkered(10)).brightness_pct / 2, abs=0.5)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_pictures_have_no_sharpness(value):
    found = measure(np.full((150, 150, 3), value, np.uint8))
    assert found.sharpness_pct == pytest.approx(0.0)
    assert found.brightness_pct == pytest.approx(value / 2.55)


@pytest.mark.parametrize("skin", [30, 90, 220])
def test_what_lies_in_the_dark_counts_at_any_colour_of_skin(skin):
    picture = np.full((150, 150, 3), skin, np.uint8)
    assert measure(picture).shadow_share == 0.0
    picture[:, :60] = skin // 5  # 24 of the 78 columns that count
    assert measure(picture).shadow_share == pytest.approx(24 / 78)
    picture[:, :60] = skin // 3
    assert measure(picture).shadow_share == 0.0
    assert measure(np.zeros((150, 150, 3), np.uint8)).shadow_share == 0.0


def face(side=100.0, confidence=99.0, yaw=0.0, pitch=0.0, brightness=60.0, sharpness=60.0, shadow=0.0) -> DetectedFace:
    return DetectedFace(
        BoxPx(0, 0, side, side * 1.2),
        confidence,
        np.zeros((5, 2), np.float32),
        (),
        Pose(yaw, pitch, 0.0),
        Quality(brightness, sharpness, shadow),
    )


@pytest.mark.parametrize(
    ("poor", "reason"),
    [
        (face(side=8), PoorReason.SMALL_BOUNDING_BOX),
        (face(confidence=30), PoorReason.LOW_CONFIDENCE),
        (face(yaw=-85), PoorReason.EXTREME_POSE),
        (face(pitch=75), PoorReason.EXTREME_POSE),
        (face(brightness=3), PoorReason.LOW_BRIGHTNESS),
        (face(shadow=0.5), PoorReason.LOW_BRIGHTNESS),
        (face(sharpness=1), PoorReason.LOW_SHARPNESS),
    ],
)
def test_each_reason_is_found_at_every_level_but_none(poor, reason):
    size = Size(800, 600)
    assert poor_reasons(poor, size, QualityFilter.NONE) == ()
    for level in (QualityFilter.LOW, QualityFilter.AUTO, QualityFilter.MEDIUM, QualityFilter.HIGH):
        assert reason in poor_reasons(poor, size, level)
    assert overall_pct(poor) <= overall_pct(face())


measures = st.builds(
    face,
    side=st.floats(1, 300),
    confidence=st.floats(0, 100),
    yaw=st.floats(-180, 180),
    pitch=st.floats(-90, 90),
    brightness=st.floats(0, 100),
    sharpness=st.floats(0, 100),
    shadow=st.floats(0, 1),
)


@given(measures)
def test_a_stricter_level_never_passes_what_a_looser_one_refuses(any_face):
    size = Size(640, 480)
    order = (QualityFilter.LOW, QualityFilter.AUTO, QualityFilter.MEDIUM, QualityFilter.HIGH)
    found = [set(poor_reasons(any_face, size, level)) for level in order]
    assert found[0] <= found[1] <= found[2] <= found[3]


def test_a_good_portrait_passes_everything_and_needs_more_pixels_in_a_larger_picture():
    assert poor_reasons(face(), Size(800, 600), QualityFilter.HIGH) == ()
    assert poor_reasons(face(side=40), Size(1920, 1080), QualityFilter.MEDIUM) == ()
    assert poor_reasons(face(side=40), Size(7680, 4320), QualityFilter.MEDIUM) == (PoorReason.SMALL_BOUNDING_BOX,)


curve = Calibration(KNOTS)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_calibration_rises_and_stays_in_range(a, b):
    low, high = sorted((a, b))
    assert 0 <= curve.similarity_pct(low) <= curve.similarity_pct(high) <= 100


@given(st.floats(0, 100))
def test_calibration_goes_round(percent):
    assert curve.similarity_pct(curve.cosine(percent)) == pytest.approx(percent, abs=1e-6)


def test_calibration_ends_and_rounding():
    assert curve.similarity_pct(1.0000001) == 100
    assert curve.similarity_pct(-1) == 0
    assert curve.cosine(0) == -1
    assert curve.cosine(100) == 1


@pytest.mark.parametrize(
    "knots",
    [(Knot(0.5, 50),), (Knot(0.5, 50), Knot(0.4, 60)), (Knot(0.4, 60), Knot(0.5, 50)), (Knot(0.4, 0), Knot(0.5, 50))],
)
def test_bad_knots_are_refused(knots):
    with pytest.raises(ValueError, match="knots"):
        Calibration(knots)


def test_false_match_rates_interpolate_between_what_was_measured():
    assert false_match_rate(10.0, FALSE_MATCH_RATES) is None
    for percent, rate in FALSE_MATCH_RATES:
        assert false_match_rate(percent, FALSE_MATCH_RATES) == pytest.approx(rate)
    values = [false_match_rate(p, FALSE_MATCH_RATES) for p in np.linspace(50, 100, 200)]
    assert all(a >= b for a, b in itertools.pairwise(values))


def test_the_table_of_the_documentation_is_the_one_in_the_code():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "scores.md").read_text(encoding="utf-8")
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    shown = {float(row[0]): float(row[2]) for row in rows if row[0].replace(".", "").isdigit() and len(row) == 9}
    assert shown == dict(FALSE_MATCH_RATES)


def test_confidence_rises():
    values = [confidence_pct(score) for score in np.linspace(0, 1, 50)]
    assert all(0 < a < b < 100 for a, b in itertools.pairwise(values))


scales = st.builds(LocalScale, st.just(curve), st.floats(0, MAX_LEVEL), st.one_of(st.just(100.0), st.floats(50, 99)))


@given(scales, st.floats(-1, 1), st.floats(-1, 1))
def test_a_scale_never_falls_and_keeps_its_top(scale, a, b):
    low, high = sorted((a, b))
    assert 0 <= scale.similarity_pct(low) <= scale.similarity_pct(high) <= scale.top_pct


@given(scales, st.floats(0.01, 100), st.floats(-1, 1))
def test_no_hit_is_lost_between_threshold_and_percent(scale, threshold, cosine):
    """What a search leaves out by the cosine limit shows below the threshold, and nothing else does."""
    shown = scale.similarity_pct(cosine)
    if abs(shown - threshold) > 1e-6:
        assert (cosine >= scale.cosine(threshold)) == (shown >= threshold)


@given(st.floats(0, MAX_LEVEL), st.floats(-1, 0.999), st.floats(0.001, 0.2))
def test_alike_surroundings_lower_every_percent_but_that_of_identity(level, cosine, more):
    lower, higher = LocalScale(curve, level), LocalScale(curve, level + more)
    assert higher.similarity_pct(cosine) <= lower.similarity_pct(cosine)
    assert lower.similarity_pct(1.0) == higher.similarity_pct(1.0) == 100


def features(seed: int, count: int, like: np.ndarray | None = None) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 128))
    return unit(rows if like is None else unit(rows) + 1.2 * like)


def test_vectors_of_the_mixture_are_unit_and_carry_their_level():
    model = load_lookalikes()
    np.testing.assert_allclose(model.basis.T @ model.basis, np.eye(127), atol=1e-5)
    vectors = model.vectors(features(1, 50))
    assert vectors.shape == (50, face_recipe().dimension) == (50, 128)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert all(0 <= level_of(vector) <= MAX_LEVEL for vector in vectors)
    np.testing.assert_allclose(model.shares(features(1, 50)).sum(axis=1), 1)


def test_what_look_alikes_share_is_taken_out():
    """Strangers around one distribution agree before and much less after; their level is that distribution's."""
    model = load_lookalikes()
    k = int(np.argmax(model.levels))
    rows = features(2, 40, like=model.directions[k])
    apart = ~np.eye(40, dtype=bool)
    vectors = model.vectors(rows)
    assert (rows @ rows.T)[apart].mean() > 0.5
    assert abs((vectors @ vectors.T)[apart].mean()) < 0.15
    np.testing.assert_allclose([level_of(vector) for vector in vectors], model.levels[k], atol=0.05)


def test_a_face_in_ordinary_light_is_not_taken_for_one_in_a_hard_light():
    """Between a distribution of people and one of a light, a face belongs to the people."""
    model = load_lookalikes()
    lights = np.flatnonzero(model.log_priors < 0)
    assert len(lights) and (model.log_priors <= 0).all()
    for light in lights:
        people = int(np.argmax(np.where(model.log_priors == 0, model.directions @ model.directions[light], -1)))
        between = unit((model.directions[[people]] + model.directions[[light]]) / 2)
        share = model.shares(between)[0]
        assert share[light] < 0.2 * share[people]


def test_a_face_that_is_surely_a_childs_has_a_higher_level_and_a_grown_ups_keeps_its_own():
    shipped = load_lookalikes()
    alone = replace(shipped, levels=np.zeros_like(shipped.levels))
    rows, towards = features(3, 100), unit(shipped.child[None, :-1])
    child, grown = unit(rows + 3 * towards), unit(rows - 3 * towards)
    assert min(level_of(vector) for vector in alone.vectors(child)) > 0.1
    assert max(level_of(vector) for vector in alone.vectors(grown)) == 0
    assert min(level_of(vector) for vector in shipped.vectors(child)) > face_recipe().children_from
    assert all(level_of(vector) <= MAX_LEVEL for vector in shipped.vectors(child))


def test_a_mixture_holds_distributions_and_no_person():
    """Every direction and mean is an average: far shorter than a face's unit vector."""
    model = load_lookalikes()
    assert np.linalg.norm(model.means, axis=1).max() < 0.75


def test_unit_and_planes():
    rows = unit(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]], rtol=1e-6)
    view = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
    array = planes([view, view], mirrored=True)
    assert array.shape == (4, 3, 2, 2)
    np.testing.assert_array_equal(array[1], array[0][:, :, ::-1])
    np.testing.assert_array_equal(array[0].transpose(1, 2, 0), view)


def test_threads_share_runs_and_get_their_own_rows():
    sizes = []
    first = threading.Event()
    release = threading.Event()

    def run(samples):
        sizes.append(len(samples))
        if len(sizes) == 1:
            first.set()
            release.wait(5)
        return samples.astype(np.float32) * 2

    batcher = Batcher(run, max_batch=8)
    answers: dict[int, np.ndarray] = {}

    def ask(i):
        answers[i] = batcher(np.full((2, 3), i))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    threads[0].start()
    assert first.wait(5)
    for thread in threads[1:]:
        thread.start()
    while len(batcher._waiting) < 5:
        first.wait(0.001)
    release.set()
    for thread in threads:
        thread.join(5)
    assert sizes == [2, 8, 2], "what waited during the first run shares the next ones, at most eight samples each"
    assert all((answers[i] == 2 * i).all() and answers[i].shape == (2, 3) for i in range(6))


def test_an_error_reaches_its_callers_and_the_next_run_works():
    def run(samples):
        if samples[0, 0] < 0:
            raise ValueError("no")
        return samples

    batcher = Batcher(run)
    with pytest.raises(ValueError, match="no"):
        batcher(np.full((1, 1), -1.0))
    assert batcher(np.ones((1, 1), np.float32))[0, 0] == 1


def test_the_filter_table_of_the_documentation_is_the_one_in_the_code():
    from dataclasses import astuple
    from pathlib import Path

    from custodes.engine.faces.quality import _LIMITS

    page = (Path(__file__).parents[2] / "docs" / "faces.md").read_text(encoding="utf-8")
    table = page.split("## Quality filter")[1].split("## ")[0].splitlines()
    rows = [[float(c) for c in line.split("|")[2:-1]] for line in table if line.startswith("| ") and "LOW" not in line]
    columns = [tuple(row[i] for row in rows) for i in range(4)]
    levels = (QualityFilter.LOW, QualityFilter.AUTO, QualityFilter.MEDIUM, QualityFilter.HIGH)
    assert columns == [astuple(_LIMITS[level]) for level in levels]
