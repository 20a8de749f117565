"""Traits, checks and liveness by the real networks: a public-domain portrait, and the same made worse on purpose."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot, SlotClosedError
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import Trait, VectorUse
from custodes.engine.results.portrait import Check
from custodes.imaging.image import Image
from custodes.models.store import ModelStore

pytestmark = pytest.mark.models
# Eileen Collins (NASA, public domain), cut like a passport portrait.
ASTRONAUT = skimage.data.astronaut()
PORTRAIT = cv2.resize(ASTRONAUT[0:250, 126:318], (768, 1000), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def engine(model_pack: Path) -> FacePipeline:
    return open_face_engine(ModelStore(model_pack), Device.CPU, threads=2)


@pytest.fixture
def slot() -> Slot:
    return Slot(1, RequestId("r"))


def checked(engine: FacePipeline, slot: Slot, rgb: NDArray[np.uint8]) -> dict[str, Check]:
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
    ],
)
def test_what_is_made_worse_fails_its_check(engine: FacePipeline, slot: Slot, worse, name: str):
    assert checked(engine, slot, PORTRAIT)[name].passed
    assert checked(engine, slot, worse(PORTRAIT))[name].passed is False


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
