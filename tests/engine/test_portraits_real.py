"""Traits, checks and liveness by the real networks: a public-domain portrait, and the same made worse on purpose."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot, SlotClosedError
from custodes.engine.equipment.assembly import open_portrait_engine
from custodes.engine.equipment.portraits import PortraitInspector
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.capture import frame_share
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.ports import PortraitEngine
from custodes.engine.results.face import Trait, VectorUse
from custodes.engine.results.portrait import LIMITS, Check
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import Image
from custodes.models.store import ModelStore
from tests.fakes.samples import astronaut

pytestmark = pytest.mark.models
# Eileen Collins (NASA, public domain), cut like a passport portrait.
ASTRONAUT = astronaut()
PORTRAIT = cv2.resize(ASTRONAUT[0:250, 126:318], (768, 1000), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def engine(model_pack: Path) -> FacePipeline:
    return open_face_engine(ModelStore(model_pack), Device.CPU, threads=2)


@pytest.fixture(scope="module")
def inspector(model_pack: Path, engine: FacePipeline) -> PortraitInspector:
    return open_portrait_engine(Networks(ModelStore(model_pack), Device.CPU, threads=2), engine)


@pytest.fixture
def slot() -> Slot:
    return Slot(1, RequestId("r"))


def checked(engine: PortraitEngine, slot: Slot, rgb: NDArray[np.uint8]) -> dict[str, Check]:
    found = engine.inspect(slot, Image(np.ascontiguousarray(rgb), b""), 1)
    (face,) = found.faces
    return {check.name: check for check in face.checks}


def test_a_smiling_young_woman_without_glasses_or_beard(engine: FacePipeline, slot: Slot):
    image = Image(ASTRONAUT, b"")
    (face,) = engine.describe(slot, image, engine.detect(slot, image).faces, frozenset(Trait))
    value = face.traits
    assert value.age is not None and value.age.low_years <= 35 <= value.age.high_years + 3
    assert value.male is not None and not value.male.value
    assert value.emotions is not None and value.emotions[0].name == "HAPPY"
    assert value.smile is not None and value.smile.value
    for judgement in (value.eyeglasses, value.sunglasses, value.beard, value.mustache, value.occluded):
        assert judgement is not None
        assert not judgement.value


def test_vectors_do_not_depend_on_whether_a_face_was_described(engine: FacePipeline, slot: Slot):
    image = Image(ASTRONAUT, b"")
    faces = engine.detect(slot, image).faces
    described = engine.describe(slot, image, faces, {Trait.GENDER})
    for use in VectorUse:
        np.testing.assert_allclose(
            engine.embed(slot, image, described, use), engine.embed(slot, image, faces, use), atol=1e-5
        )


@pytest.mark.parametrize("spoiled", ["small", "blurred", "dark"])
def test_a_bad_picture_of_a_face_is_not_a_covered_face(engine: FacePipeline, slot: Slot, spoiled: str):
    rgb = {
        "small": lambda: cv2.resize(PORTRAIT, None, fx=0.05, fy=0.05, interpolation=cv2.INTER_AREA),
        "blurred": lambda: cv2.GaussianBlur(PORTRAIT, (0, 0), 16),
        "dark": lambda: (PORTRAIT * 0.05).astype(np.uint8),
    }[spoiled]()
    image = Image(np.ascontiguousarray(rgb), b"")
    (face,) = engine.detect(slot, image).faces
    (reported,) = engine.describe(slot, image, [face], {Trait.FACE_OCCLUDED})
    assert reported.traits.occluded is not None
    assert not reported.traits.occluded.value
    assert reported.traits.occluded.confidence_pct == 50, "nothing is known"


def test_dark_glasses_are_seen(engine: FacePipeline, slot: Slot):
    rgb = PORTRAIT.copy()
    (face,) = engine.detect(slot, Image(rgb, b"")).faces[:1]
    for x, y in face.points_px[:2]:
        cv2.ellipse(rgb, (int(x), int(y) + 8), (75, 52), 0, 0, 360, (12, 12, 14), -1, cv2.LINE_AA)
    image = Image(rgb, b"")
    (reported,) = engine.describe(slot, image, [face], {Trait.SUNGLASSES, Trait.FACE_OCCLUDED})
    assert reported.traits.sunglasses is not None and reported.traits.sunglasses.value
    assert reported.traits.occluded is not None and reported.traits.occluded.value


def test_the_portrait_passes_most_checks(engine: FacePipeline, slot: Slot):
    checks = checked(engine, slot, PORTRAIT)
    failed = {name for name, check in checks.items() if check.passed is False}
    assert failed <= {
        *("mouth_opening_ratio", "smile_chance_pct", "background_deviation_pct", "head_height_share"),
        *("head_width_share", "sharpness_pct", "eyes_from_top_share"),
    }


@pytest.mark.parametrize(
    ("worse", "name"),
    [
        (lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 9), "sharpness_pct"),
        (lambda rgb: (rgb * 0.25).astype(np.uint8), "brightness_pct"),
        (
            lambda rgb: (rgb * np.where(np.arange(768) < 384, 0.3, 1)[None, :, None]).astype(np.uint8),
            "even_light_ratio",
        ),
        (lambda rgb: rgb.mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8), "colour_spread_levels"),
        (lambda rgb: np.clip(rgb * 0.25 + 110, 0, 255).astype(np.uint8), "dynamic_range_levels"),
        (lambda rgb: np.clip(rgb * 1.9, 0, 255).astype(np.uint8), "overexposed_share"),
        (lambda rgb: np.hstack([rgb, rgb]), "faces_in_picture"),
        (lambda rgb: np.hstack([rgb, np.full_like(rgb, 200)]), "eyes_from_left_share"),
        (lambda rgb: cv2.resize(rgb, (154, 200)), "eye_distance_px"),
        (lambda rgb: np.clip(rgb * (0.55, 0.85, 1.3), 0, 255).astype(np.uint8), "skin_hue_deg"),
        (lambda rgb: np.clip(rgb + grain(10), 0, 255).astype(np.uint8), "noise_levels"),
        (lambda rgb: cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 8])[1], 1), "block_edge_ratio"),
        (lambda rgb: np.pad(rgb, ((60, 60), (0, 0), (0, 0))), "frame_share"),
        (lambda rgb: np.pad(rgb, ((0, 0), (45, 0), (0, 0)), constant_values=255), "frame_share"),
    ],
)
def test_what_is_made_worse_fails_its_check(engine: FacePipeline, slot: Slot, worse, name: str):
    assert checked(engine, slot, PORTRAIT)[name].passed
    assert checked(engine, slot, worse(PORTRAIT))[name].passed is False


def grain(levels: float) -> NDArray[np.float64]:
    return np.random.default_rng(3).normal(0, levels, PORTRAIT.shape)


def test_every_check_is_made_and_in_order(inspector: PortraitInspector, slot: Slot):
    assert list(checked(inspector, slot, PORTRAIT)) == list(LIMITS)


def test_what_covers_head_and_mouth_fails(inspector: PortraitInspector, engine: FacePipeline, slot: Slot):
    plain = checked(inspector, slot, ASTRONAUT)
    assert plain["head_cover_chance_pct"].passed and plain["mask_chance_pct"].passed
    assert plain["shoulders_roll_deg"].passed
    (face,) = engine.detect(slot, Image(ASTRONAUT, b"")).faces[:1]
    left, right = face.points_px[0], face.points_px[1]
    unit, middle = float(right[0] - left[0]), (left + right) / 2
    masked, hatted = ASTRONAUT.copy(), ASTRONAUT.copy()
    mask = np.array([(-0.95, 0.45), (0, 0.32), (0.95, 0.45), (0.85, 1.35), (0, 1.85), (-0.85, 1.35)]) * unit + middle
    cv2.fillPoly(masked, [mask.astype(np.int32)], (150, 190, 215), cv2.LINE_AA)
    hat = np.array([(-1.9, -0.75), (-1.15, -0.85), (-1.0, -2.0), (1.0, -2.0), (1.15, -0.85), (1.9, -0.75)]) * unit
    cv2.fillPoly(hatted, [(hat + middle).astype(np.int32)], (45, 40, 60), cv2.LINE_AA)
    assert checked(inspector, slot, masked)["mask_chance_pct"].passed is False
    assert checked(inspector, slot, hatted)["head_cover_chance_pct"].passed is False


def test_shoulders_that_slope_fail_and_hidden_ones_are_not_measured(inspector: PortraitInspector, slot: Slot):
    height, width = ASTRONAUT.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -25, 0.8)
    sloping = cv2.warpAffine(ASTRONAUT, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    assert checked(inspector, slot, sloping)["shoulders_roll_deg"].passed is False
    only_a_face = ASTRONAUT[50:180, 160:290]
    assert checked(inspector, slot, cv2.resize(only_a_face, (520, 520)))["shoulders_roll_deg"].value is None


def test_plain_background_is_no_frame(inspector: PortraitInspector, slot: Slot):
    plain = np.pad(PORTRAIT, ((0, 0), (200, 200), (0, 0)), mode="edge")
    assert checked(inspector, slot, plain)["frame_share"].value == 0
    assert frame_share(np.full((300, 200, 3), 90, np.uint8)) == 0


@given(st.integers(8, 40), st.integers(0, 30), st.integers(0, 255), st.sampled_from(["top", "left", "both"]))
def test_bars_are_measured_as_wide_as_they_are(bar: int, other: int, shade: int, where: str):
    inside = np.random.default_rng(shade).integers(0, 255, (200, 160, 3), dtype=np.uint8)
    inside = np.where(np.abs(inside.astype(int) - shade) < 60, 255 - inside, inside).astype(np.uint8)
    pads = {"top": ((bar, 0), (0, 0)), "left": ((0, 0), (bar, 0)), "both": ((bar, other), (0, 0))}[where]
    framed = np.pad(inside, (*pads, (0, 0)), constant_values=shade)
    along = framed.shape[1 if where == "left" else 0]
    assert frame_share(framed) == pytest.approx((bar + (other if where == "both" else 0)) / along)


def test_too_few_pixels_say_nothing_of_noise(engine: FacePipeline, slot: Slot):
    checks = checked(engine, slot, cv2.resize(PORTRAIT, (46, 60), interpolation=cv2.INTER_AREA))
    assert checks["noise_levels"].passed is None and checks["block_edge_ratio"].passed is None


def test_red_eyes_fail(engine: FacePipeline, slot: Slot):
    (face,) = engine.detect(slot, Image(PORTRAIT, b"")).faces[:1]
    rgb = PORTRAIT.copy()
    for x, y in face.points_px[:2]:
        cv2.circle(rgb, (int(x), int(y)), 16, (225, 40, 35), -1, cv2.LINE_AA)
    assert checked(engine, slot, PORTRAIT)["red_eye_share"].passed
    assert checked(engine, slot, rgb)["red_eye_share"].passed is False


def test_a_noisy_background_fails_and_a_plain_one_passes(engine: FacePipeline, slot: Slot):
    wide = np.full((1000, 1600, 3), 215, np.uint8)
    wide[:, 416:1184] = PORTRAIT
    wide[:, :416], wide[:, 1184:] = 215, 215
    noisy = wide.copy()
    for at in range(0, 1600, 80):
        if at < 416 or at > 1104:
            noisy[:, at : at + 40] = 20
    calm = checked(engine, slot, wide)["background_deviation_pct"].value
    wild = checked(engine, slot, noisy)["background_deviation_pct"].value
    assert calm is not None and wild is not None
    assert wild > calm + 5


def test_a_real_portrait_scores_above_its_dotted_copy(engine: FacePipeline, slot: Slot):
    y, x = np.mgrid[0 : ASTRONAUT.shape[0], 0 : ASTRONAUT.shape[1]]
    dots = 28.0 * np.cos(2 * np.pi * x / 4.2) * np.cos(2 * np.pi * y / 4.2)
    printed = np.clip(ASTRONAUT + dots[..., None], 0, 255).astype(np.uint8)
    plain, copy = (engine.liveness(slot, Image(rgb, b""), 1).faces[0] for rgb in (ASTRONAUT, printed))
    assert plain.score_pct > 60
    assert copy.score_pct < 10


def test_pictures_without_a_face_have_nothing_to_tell(engine: FacePipeline, slot: Slot):
    blank = Image(np.full((200, 300, 3), 128, np.uint8), b"")
    assert engine.inspect(slot, blank).faces == ()
    assert engine.liveness(slot, blank).faces == ()


def test_nothing_is_assessed_without_an_open_slot(engine: FacePipeline, slot: Slot):
    slot.close()
    image = Image(ASTRONAUT, b"")
    for ask in (engine.inspect, engine.liveness):
        with pytest.raises(SlotClosedError):
            ask(slot, image)
    with pytest.raises(SlotClosedError):
        engine.describe(slot, image, (), {Trait.GENDER})
