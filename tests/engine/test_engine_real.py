"""The assembled engine on real networks: a public-domain portrait, drawn pictures, odd sizes, many threads."""

from __future__ import annotations

import importlib.util
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from custodes.core.box import BoxPx
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot, SlotClosedError
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import Detail, QualityFilter, VectorUse
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelMissingError, ModelStore
from tests.fakes.samples import astronaut

pytestmark = [pytest.mark.models, pytest.mark.slow]
ASTRONAUT = astronaut()
LFW = Path(__file__).parents[3] / "shared" / "data" / "lfw" / "images"


@pytest.fixture(scope="module")
def engine(model_pack: Path) -> FacePipeline:
    return open_face_engine(ModelStore(model_pack), Device.CPU, threads=2)


@pytest.fixture
def slot() -> Slot:
    return Slot(1, RequestId("r"))


def picture(rgb: np.ndarray) -> Image:
    return Image(np.ascontiguousarray(rgb), b"")


def corners(box: BoxPx) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def vector(engine, slot, rgb, use=VectorUse.QUERY):
    image = picture(rgb)
    found = engine.detect(slot, image)
    return engine.embed(slot, image, found.faces[:1], use)[0]


def test_a_portrait_in_full_detail(engine, slot):
    found = engine.detect(slot, picture(ASTRONAUT), Detail.FULL)
    (face,) = found.faces
    marks = {m.name: (m.x_px, m.y_px) for m in face.landmarks}
    assert len(marks) == 30
    box = face.box_px
    assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx((181, 58, 270, 178), abs=6)
    assert all(box.x1 - 12 < x < box.x2 + 12 and box.y1 - 12 < y < box.y2 + 12 for x, y in marks.values())
    assert marks["eyeLeft"][0] < marks["nose"][0] < marks["eyeRight"][0]
    assert marks["leftEyeBrowUp"][1] < marks["leftEyeUp"][1] < marks["leftEyeDown"][1] < marks["noseLeft"][1]
    assert marks["noseLeft"][1] < marks["mouthUp"][1] < marks["mouthDown"][1] < marks["chinBottom"][1]
    assert marks["upperJawlineLeft"][0] < marks["midJawlineLeft"][0] < marks["midJawlineRight"][0]
    assert face.confidence_pct > 99.5
    assert abs(face.pose.yaw_deg) < 10
    assert abs(face.pose.roll_deg) < 10
    assert face.eyes_open is not None and face.eyes_open.value
    assert face.mouth_open is not None and face.mouth_open.value, "she smiles with her teeth"
    assert face.gaze is not None and abs(face.gaze.yaw_deg) < 20
    assert engine.poor_reasons(face, found.size, QualityFilter.HIGH) == ()


def test_mirroring_mirrors_yaw_and_roll(engine, slot):
    tilted = np.asarray(PIL.Image.fromarray(ASTRONAUT).rotate(-15, PIL.Image.Resampling.BILINEAR))
    one = engine.detect(slot, picture(tilted)).faces[0].pose
    other = engine.detect(slot, picture(tilted[:, ::-1])).faces[0].pose
    assert one.roll_deg == pytest.approx(15 + 3, abs=4), "turned clockwise is positive"
    assert other.roll_deg == pytest.approx(-one.roll_deg, abs=2)
    assert other.yaw_deg == pytest.approx(-one.yaw_deg, abs=4)


@pytest.fixture(scope="module")
def turned():
    """The drawing of turned heads that fitting and measuring share."""
    path = Path(__file__).parents[2] / "scripts" / "turned_faces.py"
    spec = importlib.util.spec_from_file_location("turned_faces", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("yaw", "pitch"), [(60, 0), (-60, 0), (-70, 5), (40, 0), (0, 30), (0, -30)])
def test_heads_turned_far_are_told_by_their_angle(engine, slot, turned, yaw, pitch):
    """A profile is not told as a three-quarter view: the mesh alone stops at about 45 degrees."""
    head = ASTRONAUT[0:300, 100:360]
    face = engine.detect(slot, picture(head)).faces[0]
    vertices = engine.steps.finder.mesh.read(head, [face.points_px])[0].vertices_px.astype(np.float64)
    start = turned.rotation(turned.Angles(face.pose.yaw_deg, face.pose.pitch_deg, face.pose.roll_deg))
    turn = turned.rotation(turned.Angles(yaw, pitch, 0.0)) @ np.linalg.inv(start)
    found = engine.detect(slot, picture(turned.Head.of(head, vertices).seen(turn, 120))).faces[0].pose
    assert found.yaw_deg == pytest.approx(yaw, abs=13)
    assert found.pitch_deg == pytest.approx(pitch, abs=13)


def test_both_uses_of_a_face_agree_and_are_unit(engine, slot):
    enrol = vector(engine, slot, ASTRONAUT, VectorUse.ENROL)
    query = vector(engine, slot, ASTRONAUT)
    assert enrol.shape == (engine.dimension,)
    assert enrol.dtype == np.float32
    assert np.linalg.norm(enrol) == pytest.approx(1, abs=1e-6)
    assert engine.scale(query).similarity_pct(float(enrol @ query)) > 99.9


def test_no_percent_above_95_is_said_among_small_children(engine, slot):
    """Whose surroundings are a small child's shows in the last component; the astronaut's are not."""
    grown = vector(engine, slot, ASTRONAUT)
    child = grown.copy()
    child[-1] = 0.08
    assert engine.scale(grown).similarity_pct(1.0) == 100
    for scale in (engine.scale(child), engine.scale(grown, child)):
        assert scale.similarity_pct(1.0) == 95
        assert scale.cosine(99) > 1, "nothing reaches 99"
        assert scale.similarity_pct(scale.cosine(90) + 1e-9) == pytest.approx(90, abs=1e-3)


def test_wrong_channel_order_shows(engine, slot):
    """Blue faces must score lower than the same face in its colours: a swapped channel order cannot pass unseen."""
    enrol = vector(engine, slot, ASTRONAUT, VectorUse.ENROL)
    swapped = vector(engine, slot, ASTRONAUT[:, :, ::-1])
    assert float(enrol @ swapped) < 0.99 < float(enrol @ vector(engine, slot, ASTRONAUT))


@pytest.mark.parametrize("quality", [95, 40])
@pytest.mark.parametrize("side", [160, 400, 1500, 3000])
def test_the_same_person_at_any_size_and_compression(engine, slot, side, quality):
    reference = vector(engine, slot, ASTRONAUT, VectorUse.ENROL)
    buffer = io.BytesIO()
    PIL.Image.fromarray(ASTRONAUT).resize((side, side), PIL.Image.Resampling.LANCZOS).save(
        buffer, "JPEG", quality=quality
    )
    image = decode(buffer.getvalue())
    found = engine.detect(slot, image)
    query = engine.embed(slot, image, found.faces[:1], VectorUse.QUERY)[0]
    assert engine.scale(query).similarity_pct(float(reference @ query)) > 95


def test_the_smallest_promised_face_is_found(engine, slot):
    """40 x 40 px in 1920 x 1080, anywhere, largest first when there are several."""
    canvas = np.full((1080, 1920, 3), 90, np.uint8)
    small = PIL.Image.fromarray(ASTRONAUT)
    for side, at in ((230, (1500, 800)), (256, (40, 30)), (300, (900, 400))):
        canvas[at[1] : at[1] + side, at[0] : at[0] + side] = np.asarray(small.resize((side, side)))
    found = engine.detect(slot, picture(canvas))
    assert len(found.faces) == 3
    widths = [face.box_px.width for face in found.faces]
    assert widths == sorted(widths, reverse=True)
    assert min(widths) <= 42
    for face in found.faces:
        assert face.box_px.x2 <= 1920


def test_a_face_fills_the_picture(engine, slot):
    crop = np.asarray(PIL.Image.fromarray(ASTRONAUT[40:200, 160:300]).resize((2800, 3200)))
    assert len(engine.detect(slot, picture(crop)).faces) == 1


@pytest.mark.parametrize("side", [300, 640, 1000, 1700, 3000])
@pytest.mark.parametrize("padding", [0.0, 0.15, 0.5, 1.0])
def test_a_portrait_at_any_size_and_padding_is_one_face(engine, slot, side, padding):
    left, top, right, bottom = 181, 58, 270, 178
    margin = round(padding * (bottom - top) / 2)
    part = ASTRONAUT[max(0, top - margin) : bottom + margin, left - margin : right + margin]
    factor = side / max(part.shape[:2])
    size = (round(part.shape[1] * factor), round(part.shape[0] * factor))
    enlarged = np.asarray(PIL.Image.fromarray(part).resize(size, PIL.Image.Resampling.BICUBIC))
    (face,) = engine.detect(slot, picture(enlarged)).faces
    assert face.box_px.height > 0.6 * size[1] / (1 + padding)


@pytest.mark.parametrize("at", [0, 3000, 6321, 7800])
@pytest.mark.parametrize("upright", [True, False])
def test_a_small_face_in_a_long_picture_is_found_once(engine, slot, at, upright):
    """88 x 118 px in 8,000 x 1,000, lying or standing."""
    canvas = np.full((8000, 1000, 3) if upright else (1000, 8000, 3), 90, np.uint8)
    part = ASTRONAUT[0:200, 130:330]
    if upright:
        canvas[at : at + 200, 400:600] = part
    else:
        canvas[400:600, at : at + 200] = part
    (face,) = engine.detect(slot, picture(canvas)).faces
    x, y = (400, at) if upright else (at, 400)
    assert corners(face.box_px) == pytest.approx((x + 51, y + 58, x + 140, y + 178), abs=6)


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("at_most", [1, 100])
def test_a_turned_picture_has_the_same_face_with_its_own_points(engine, slot, quarters, at_most):
    (upright,) = engine.detect(slot, picture(ASTRONAUT)).faces
    image = picture(np.rot90(ASTRONAUT, quarters))
    (face,) = engine.detect(slot, image, at_most=at_most).faces
    turned = -90 * quarters
    assert (face.pose.roll_deg - upright.pose.roll_deg - turned + 180) % 360 - 180 == pytest.approx(0, abs=10)
    last = ASTRONAUT.shape[0] - 1
    x, y = upright.points_px[:, 0], upright.points_px[:, 1]
    places = {1: (y, last - x), 2: (last - x, last - y), 3: (last - y, x)}[quarters]
    assert np.abs(face.points_px - np.stack(places, axis=1)).max() < 6
    one = engine.embed(slot, picture(ASTRONAUT), [upright], VectorUse.ENROL)[0]
    other = engine.embed(slot, image, [face], VectorUse.QUERY)[0]
    assert float(one @ other) > 0.9


@pytest.mark.parametrize("side", [200, 512, 1500])
def test_a_glance_gives_the_same_face_and_nearly_the_same_vector(engine, slot, side):
    image = picture(np.asarray(PIL.Image.fromarray(ASTRONAUT).resize((side, side))))
    (one,), (full, *_) = engine.detect(slot, image, at_most=1).faces, engine.detect(slot, image).faces
    apart = np.abs(np.array(corners(one.box_px)) - corners(full.box_px)) / full.box_px.width
    assert apart.max() < 0.15
    first, second = engine.embed(slot, image, [one, full], VectorUse.QUERY)
    assert float(first @ second) > 0.99


@pytest.mark.parametrize("shape", [(80, 80), (80, 2000), (2000, 80), (1, 1), (81, 4097)])
@pytest.mark.parametrize("fill", ["grey", "noise"])
def test_pictures_without_faces_have_none(engine, slot, shape, fill):
    noise = np.random.default_rng(3).integers(0, 256, (*shape, 3), dtype=np.uint8)
    rgb = noise if fill == "noise" else np.full((*shape, 3), 128, np.uint8)
    found = engine.detect(slot, picture(rgb), Detail.FULL)
    assert found.faces == ()
    assert engine.embed(slot, picture(rgb), [], VectorUse.QUERY).shape == (0, engine.dimension)


def test_many_threads_get_what_one_gets(engine, slot):
    image = picture(ASTRONAUT)
    faces = engine.detect(slot, image).faces
    alone = engine.embed(slot, image, faces, VectorUse.QUERY)
    with ThreadPoolExecutor(6) as pool:
        many = list(pool.map(lambda _: engine.embed(slot, image, faces, VectorUse.QUERY), range(18)))
    for other in many:
        np.testing.assert_allclose(other, alone, atol=2e-6)


def test_a_closed_slot_computes_nothing(engine, slot):
    slot.close()
    with pytest.raises(SlotClosedError):
        engine.detect(slot, picture(ASTRONAUT))
    with pytest.raises(SlotClosedError):
        engine.embed(slot, picture(ASTRONAUT), [], VectorUse.QUERY)


def test_missing_models_name_the_command(tmp_path):
    with pytest.raises(ModelMissingError, match="custodes models fetch"):
        open_face_engine(ModelStore(tmp_path), Device.CPU, 1)


@pytest.mark.data
@pytest.mark.skipif(not LFW.exists(), reason="needs ../shared/data/lfw")
def test_people_are_told_apart(engine, slot):
    """Forty people with two photos each: every pair of one person scores above every pair of two, nearly always."""
    people = [folder for folder in sorted(LFW.iterdir()) if len(list(folder.glob("*.jpg"))) == 2][:40]

    def of(path: Path, use: VectorUse) -> np.ndarray:
        return vector(engine, slot, decode(path.read_bytes()).rgb, use)

    files = [sorted(folder.glob("*.jpg")) for folder in people]
    enrolled = np.stack([of(pair[0], VectorUse.ENROL) for pair in files])
    asked = np.stack([of(pair[1], VectorUse.QUERY) for pair in files])
    best = (asked @ enrolled.T).argmax(1)
    assert (best == np.arange(len(people))).mean() >= 0.9
