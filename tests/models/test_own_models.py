"""Networks that the operator brings: what is taken, what is refused, and that what was kept is what runs later."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from custodes.core.device import Device
from custodes.core.errors import InvalidParameterError, NotFoundError, UnavailableError
from custodes.deployment.networks.own_models import AddedNetwork, BroughtNetwork, add_network
from custodes.deployment.networks.scores import score_rates
from custodes.engine.calibrate import Calibration, Knot
from custodes.engine.faces.assembly import OwnNetworks, open_face_engine
from custodes.models.card import CardError
from custodes.models.own import OwnEmbedder, PixelInput, Provenance, ScoreFit, own_embedders
from custodes.models.store import ModelStore
from custodes.settings import Settings, from_environment

LFW = Path(__file__).resolve().parents[3] / "shared" / "data" / "lfw" / "images"
PEOPLE, DIMENSION = 84, 48
PROVENANCE = Provenance("Apache-2.0", "the tests", "nothing")


def network(seed: int = 0, dimension: int = DIMENSION) -> bytes:
    """A face of 112 x 112 seen in 14 x 14 places, and a drawn matrix: tells faces apart a little."""
    random = np.random.default_rng(seed)
    kernel = random.normal(size=(8, 3, 8, 8)).astype(np.float32)
    kernel -= kernel.mean(axis=(2, 3), keepdims=True)  # blind to the light that all faces share
    matrix = random.normal(size=(8 * 14 * 14, dimension)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["data", "kernel"], ["seen"], strides=[8, 8]),
        helper.make_node("Flatten", ["seen"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["vector"]),
    ]
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["batch", 3, 112, 112])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["batch", dimension])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def models(model_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models of its own, with the networks of the pack linked into it."""
    folder = tmp_path_factory.mktemp("models")
    for path in model_pack.glob("*.*"):
        if path.is_file():
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def settings(models: Path) -> Settings:
    return replace(from_environment(models=models), device=Device.CPU, threads=1)


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> BroughtNetwork:
    if not LFW.exists():
        pytest.skip("no data: lfw")
    folder = tmp_path_factory.mktemp("brought")
    people = sorted(path for path in LFW.iterdir() if len(list(path.glob("*.jpg"))) > 1)[:PEOPLE]
    for person in people:
        (folder / "people" / person.name).mkdir(parents=True)
        for photo in sorted(person.glob("*.jpg"))[:2]:
            (folder / "people" / person.name / photo.name).symlink_to(photo)
    (folder / "people" / people[0].name / "broken.jpg").write_bytes(b"no picture")
    (folder / "drawn.onnx").write_bytes(network())
    (folder / "LICENCE").write_text("May be used by tests.")
    file, licence = folder / "drawn.onnx", folder / "LICENCE"
    return BroughtNetwork(
        "drawn", file, DIMENSION, PixelInput(127.5, 1 / 127.5), PROVENANCE, licence, folder / "people"
    )


@pytest.fixture(scope="module")
def added(settings: Settings, brought: BroughtNetwork) -> AddedNetwork:
    return add_network(settings, brought, lambda done, total: None)


@pytest.mark.models
@pytest.mark.data
def test_what_was_added_runs_under_a_version_and_a_scale_of_its_own(added, settings, models) -> None:
    assert (added.photos, added.without_face) == (2 * PEOPLE + 1, 1)
    own = own_embedders(models).get("drawn")
    assert own == added.own
    engine = open_face_engine(ModelStore(models), Device.CPU, 1, OwnNetworks(own))
    assert engine.dimension == DIMENSION
    assert float(engine.model_version) >= 7.1
    curve = Calibration(tuple(Knot(cosine, pct) for cosine, pct in own.fit.knots))
    assert engine.scale(np.ones(DIMENSION, np.float32)).similarity_pct(0.9) == curve.similarity_pct(0.9)
    chosen = score_rates(replace(settings, face_embedder="drawn"))
    assert chosen.points == own.fit.false_match_rates
    assert score_rates(settings).points != chosen.points


@pytest.mark.models
@pytest.mark.data
def test_a_drawn_network_is_shown_to_be_worse_than_the_one_that_ships(added) -> None:
    ours, theirs = dict(added.shipped.true_match_rates), dict(added.own.fit.true_match_rates)
    assert ours[95.0] > 0.9 > theirs[95.0]
    assert added.shipped.impostor == added.own.fit.impostor > 3000


@pytest.mark.models
@pytest.mark.data
def test_a_network_that_answers_otherwise_later_is_not_used(added, models) -> None:
    lying = replace(added.own, sample=tuple(-value for value in added.own.sample))
    with pytest.raises(UnavailableError, match="answers otherwise"):
        open_face_engine(ModelStore(models), Device.CPU, 1, OwnNetworks(lying))


@pytest.mark.models
@pytest.mark.data
def test_altered_weights_are_not_opened(added, models, tmp_path) -> None:
    copy = tmp_path / "models"
    shutil.copytree(models, copy, symlinks=True)
    file = ModelStore(copy).path(added.own.card)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(UnavailableError, match="altered"):
        open_face_engine(ModelStore(copy), Device.CPU, 1, OwnNetworks(added.own))


@pytest.mark.models
@pytest.mark.data
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dimension": DIMENSION + 1}, "shapes of the network do not fit"),
        ({"name": "../x"}, "is no name"),
        ({"provenance": Provenance("", "x", "x")}, "statement is missing"),
    ],
)
def test_what_contradicts_itself_is_refused_and_nothing_is_kept(brought, settings, models, change, words) -> None:
    before = sorted(path.name for path in models.iterdir())
    with pytest.raises(InvalidParameterError, match=words):
        add_network(settings, replace(brought, **change), lambda done, total: None)
    assert sorted(path.name for path in models.iterdir()) == before


@pytest.mark.models
@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("LICENCE", b" \n", "without licence text"),
        ("drawn.onnx", b"", "0 bytes"),
        ("drawn.onnx", b"not a network", "not an ONNX file"),
        ("drawn.onnx", network(dimension=DIMENSION)[:200], "not an ONNX file"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused(brought, settings, tmp_path, file, content, words) -> None:
    for path in (brought.file, brought.licence_file):
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / file).write_bytes(content)
    changed = replace(brought, name="refused", file=tmp_path / "drawn.onnx", licence_file=tmp_path / "LICENCE")
    with pytest.raises(InvalidParameterError, match=words):
        add_network(settings, changed, lambda done, total: None)
    with pytest.raises(NotFoundError):
        own_embedders(settings.models_folder).get("refused")


def kept() -> OwnEmbedder:
    fit = ScoreFit(((0.1, 5.0), (0.5, 80.0)), ((80.0, 1e-3),), ((80.0, 0.9),), 50, 900)
    return OwnEmbedder("kept", "0" * 64, 10, 8, PixelInput(), PROVENANCE, fit, (1.0,) * 8)


def test_what_is_kept_is_read_back(tmp_path) -> None:
    models = own_embedders(tmp_path)
    assert models.names() == []
    models.put(kept(), b"text")
    assert models.get("kept") == kept()
    assert models.names() == ["kept"]
    assert (tmp_path / "own" / "kept.licence.txt").read_bytes() == b"text"


def test_versions_differ_when_anything_that_decides_vectors_or_percentages_does() -> None:
    plain = kept()
    others = [
        replace(plain, sha256="1" * 64),
        replace(plain, pixels=PixelInput(bgr=True)),
        replace(plain, fit=replace(plain.fit, knots=((0.1, 5.0), (0.6, 80.0)))),
    ]
    assert len({one.recipe_version for one in (plain, *others)}) == 4


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"name": 1}', b"\xff\xfe", b"{" * 5000])
def test_a_damaged_record_is_said_to_be_one(tmp_path, damage) -> None:
    own_embedders(tmp_path).put(kept(), b"text")
    (tmp_path / "own" / "kept.json").write_bytes(damage)
    with pytest.raises(UnavailableError, match="damaged"):
        own_embedders(tmp_path).get("kept")


@pytest.mark.parametrize("name", ["", "../kept", "KEPT", "a" * 33, "kept.json", "none"])
def test_no_other_name_finds_it(tmp_path, name) -> None:
    own_embedders(tmp_path).put(kept(), b"text")
    with pytest.raises(NotFoundError):
        own_embedders(tmp_path).get(name)


def test_without_licence_text_nothing_is_kept(tmp_path) -> None:
    with pytest.raises(CardError, match="licence"):
        own_embedders(tmp_path).put(kept(), b" ")
    assert own_embedders(tmp_path).names() == []


def test_the_drawn_network_is_a_network() -> None:
    onnx.checker.check_model(onnx.load_model_from_string(network()))
