"""Labels, moderation and masks with the real networks, over boto3, on public-domain pictures of scikit-image."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.deployment.networks.computing import open_engine
from custodes.imaging.image import Image
from custodes.settings import Settings
from tests.fakes.live import running

pytestmark = [pytest.mark.models, pytest.mark.slow]


def png(rgb):
    out = io.BytesIO()
    PIL.Image.fromarray(rgb).save(out, "PNG")
    return {"Bytes": out.getvalue()}


@pytest.fixture(scope="module")
def pictures():
    data = pytest.importorskip("skimage.data")
    return {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee")}


@pytest.fixture(scope="module")
def client(model_pack, tmp_path_factory):
    with running(tmp_path_factory.mktemp("sight") / "data") as server:
        yield server.client()


def test_a_cat_is_a_cat_and_everything_above(client, pictures):
    answer = client.detect_labels(Image=png(pictures["chelsea"]), MaxLabels=20)
    found = {label["Name"]: label for label in answer["Labels"]}
    assert {"Cat", "Feline", "Mammal", "Animal", "Pet"} <= found.keys()
    assert found["Animal"]["Confidence"] >= found["Cat"]["Confidence"] > 80
    (box,) = (instance["BoundingBox"] for instance in found["Cat"]["Instances"])
    assert box["Width"] * box["Height"] > 0.3
    sure = [label["Confidence"] for label in answer["Labels"]]
    assert sure == sorted(sure, reverse=True)


def test_coffee_is_in_a_cup_on_brown_wood(client, pictures):
    answer = client.detect_labels(
        Image=png(pictures["coffee"]), Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"],
    )  # fmt: skip
    names = [label["Name"] for label in answer["Labels"]]
    assert {"Coffee", "Beverage", "Cup"} <= set(names)
    colours = [colour["SimplifiedColor"] for colour in answer["ImageProperties"]["DominantColors"]]
    assert colours[0] == "brown"
    assert "Foreground" in answer["ImageProperties"]


def test_the_answer_is_the_same_each_time(client, pictures):
    ask = {"Image": png(pictures["coffee"]), "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}
    first, second = (client.detect_labels(**ask) for _ in range(2))
    assert {**first, "ResponseMetadata": 0} == {**second, "ResponseMetadata": 0}


def test_nothing_to_moderate_in_a_portrait(client, pictures):
    answer = client.detect_moderation_labels(Image=png(pictures["astronaut"]))
    assert (answer["ModerationLabels"], answer["ContentTypes"]) == ([], [])
    assert answer["ModerationModelVersion"] == "7.0"


def masked(rgb, models):
    """The astronaut with a mask drawn on, which no head was fitted with."""
    path = Path(__file__).parents[2] / "scripts" / "mask_drawing.py"
    spec = importlib.util.spec_from_file_location("mask_drawing", path)
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    with open_engine(Settings(models=models)) as engine:
        face = engine.detect(Slot(0, RequestId("draw")), Image(rgb, b"")).faces[0]
        vertices = engine.steps.finder.mesh.read(rgb, [face.points_px])[0].vertices_px.astype(float)
    return drawing.with_mask(rgb, vertices, "respirator", drawing.COVERING, np.random.default_rng(1))


def parts(person):
    return {part["Name"]: part["EquipmentDetections"] for part in person["BodyParts"]}


def test_a_mask_is_seen_and_a_bare_face_and_head_are_bare(client, pictures, model_pack):
    ask = {"MinConfidence": 70, "RequiredEquipmentTypes": ["FACE_COVER"]}
    bare = client.detect_protective_equipment(Image=png(pictures["astronaut"]), SummarizationAttributes=ask)
    assert bare["Summary"]["PersonsWithoutRequiredEquipment"] == [0]
    assert [parts(bare["Persons"][0])[name] for name in ("FACE", "HEAD")] == [[], []]
    covered = png(masked(pictures["astronaut"], model_pack))
    answer = client.detect_protective_equipment(Image=covered, SummarizationAttributes=ask)
    (cover,) = parts(answer["Persons"][0])["FACE"]
    assert (cover["Type"], cover["CoversBodyPart"]["Value"]) == ("FACE_COVER", True)
    assert answer["Summary"]["PersonsWithRequiredEquipment"] == [0]
    behind = client.detect_protective_equipment(Image=png(pictures["coffee"]))
    assert behind["Persons"] == []


def test_a_cap_covers_a_head_and_gloves_are_never_asserted(client, pictures):
    rgb = pictures["astronaut"].copy()
    # A knitted cap over hair and forehead: rows above the brows, as wide as the head.
    yy, xx = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]]
    dome = (((xx - 222) / 78.0) ** 2 + ((yy - 92) / 88.0) ** 2 < 1) & (yy < 84)
    rgb[dome] = (np.array([150, 30, 40]) * (0.8 + 0.2 * np.sin(xx[dome] / 3.0))[:, None]).astype(np.uint8)
    ask = {"MinConfidence": 50, "RequiredEquipmentTypes": ["HEAD_COVER", "HAND_COVER"]}
    answer = client.detect_protective_equipment(Image=png(rgb), SummarizationAttributes=ask)
    (cover,) = parts(answer["Persons"][0])["HEAD"]
    assert (cover["Type"], cover["CoversBodyPart"]["Value"]) == ("HEAD_COVER", True)
    assert cover["BoundingBox"]["Top"] < 0.15
    assert answer["Summary"]["PersonsIndeterminate"] == [0]
