"""Networks in bfloat16: they answer nearly as in float32, say so, and are refused where they cannot be had."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from custodes.core.device import Arithmetic, Device
from custodes.core.errors import UnavailableError
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.deployment.networks.computing import open_computing
from custodes.engine.labels.assembly import open_label_engine, open_objects
from custodes.engine.results.label import LabelsWanted
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.meter import RunMeter
from custodes.engine.runtime.narrow import BEARS, require_bfloat16
from custodes.engine.runtime.networks import Networks
from custodes.engine.text.assembly import open_text_engine
from custodes.imaging.image import Image
from custodes.models.card import load_cards
from custodes.models.store import ModelStore
from custodes.settings import load

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def narrow(model_pack: Path) -> Networks:
    try:
        require_bfloat16()
    except UnavailableError as error:
        pytest.skip(error.message)
    return Networks(ModelStore(model_pack), Device.CPU, 1, arithmetic=Arithmetic.BFLOAT16)


@pytest.fixture(scope="module")
def wide(model_pack: Path) -> Networks:
    return Networks(ModelStore(model_pack), Device.CPU, 1)


@pytest.fixture(scope="module")
def cat() -> Image:
    return Image(np.ascontiguousarray(pytest.importorskip("skimage.data").chelsea()), sha256=b"")


def planes(image: Image, side: int) -> np.ndarray:
    return np.ascontiguousarray(image.rgb[:side, :side].transpose(2, 0, 1)[None], np.float32)


def test_every_network_that_bears_it_has_a_card() -> None:
    assert load_cards().keys() >= BEARS


def test_scores_are_those_of_float32_to_the_second_digit(narrow: Networks, wide: Networks, cat: Image) -> None:
    feeds = {"rgb": planes(cat, 260)}
    found = narrow.session("efficientnet-lite2").run(feeds, ("logits",))
    wanted = wide.session("efficientnet-lite2").run(feeds, ("logits",))
    assert found.keys() == {"logits"}
    assert found["logits"].dtype == np.float32
    apart = np.abs(found["logits"] - wanted["logits"]).max()
    assert 0 < apart < 0.05 * np.abs(wanted["logits"]).max()


def test_what_does_not_bear_it_or_must_be_exact_stays_float32(narrow: Networks, wide: Networks, cat: Image) -> None:
    feeds = {"rgb": planes(cat, 260)}
    exact = narrow.session("efficientnet-lite2", exact=True).run(feeds)
    wanted = wide.session("efficientnet-lite2").run(feeds)
    assert all(np.array_equal(exact[name], rows) for name, rows in wanted.items())
    assert type(narrow.session("movenet")) is type(wide.session("movenet"))


def test_detectors_see_in_a_part_of_their_square_what_they_see_in_all_of_it(
    narrow: Networks, wide: Networks, cat: Image
) -> None:
    tall = np.ascontiguousarray(np.rot90(cat.rgb))
    for rgb in (cat.rgb, tall):
        found, wanted = (open_objects(networks).detect(rgb) for networks in (narrow, wide))
        sure = wanted.scores >= 0.3
        assert sure.any()
        same = found.classes[: sure.sum()] == wanted.classes[sure]
        assert same.all()
        assert np.abs(found.places[: sure.sum()] - wanted.places[sure]).max() < 0.03 * max(rgb.shape)
        assert np.abs(found.scores[: sure.sum()] - wanted.scores[sure]).max() < 0.06


def test_misfits_are_refused(narrow: Networks) -> None:
    session = narrow.session("efficientnet-lite2")
    with pytest.raises(ValueError, match="outputs"):
        session.run({"rgb": np.zeros((1, 3, 260, 260), np.float32)}, ("nothing",))
    with pytest.raises(ValueError, match="does not fit"):
        session.run({"rgb": np.zeros((1, 3, 100, 100), np.float32)})
    assert session.run({"rgb": np.zeros((1, 3, 260, 260), np.float32)})["logits"].shape == (1, 1000)


def test_many_threads_get_their_own_answers_and_runs_are_counted(model_pack: Path, narrow: Networks) -> None:
    meter = RunMeter()
    networks = Networks(ModelStore(model_pack), Device.CPU, 1, Runs(meter.ran), narrow.arithmetic)
    session = networks.session("efficientnet-lite2")
    inputs = [np.full((1, 3, 260, 260), 8.0 * n, np.float32) for n in range(12)]
    alone = [session.run({"rgb": each})["logits"] for each in inputs]
    meter.take()
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda each: session.run({"rgb": each})["logits"], inputs))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert meter.take().runs == len(inputs)


def test_answers_say_so(narrow: Networks, wide: Networks, cat: Image) -> None:
    slot, wanted = Slot(0, RequestId("1")), LabelsWanted(labels=True, min_confidence_pct=55)
    engines = [open_label_engine(networks) for networks in (wide, narrow)]
    names = [[label.name for label in engine.labels(slot, cat, wanted).labels] for engine in engines]
    assert "Cat" in names[0]
    assert "Cat" in names[1]
    assert engines[1].model_version == f"{engines[0].model_version}-bf16"


def test_a_page_reads_the_same(model_pack: Path, narrow: Networks) -> None:
    grey = pytest.importorskip("skimage.data").page()[:145]
    page = Image(np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2)), sha256=b"")
    texts = []
    for arithmetic in (Arithmetic.FLOAT32, narrow.arithmetic):
        engine = open_text_engine(ModelStore(model_pack), Device.CPU, 1, arithmetic=arithmetic)
        lines = engine.read(Slot(0, RequestId("1")), page).lines
        texts.append([" ".join(word.text for word in line.words) for line in lines])
        assert engine.model_version.endswith("-bf16") == (arithmetic is Arithmetic.BFLOAT16)
    assert texts[0] == texts[1]
    assert len(texts[0]) >= 6


def test_without_the_extra_a_server_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    require_bfloat16.cache_clear()
    settings = load({"CUSTODES_DATA": str(tmp_path), "CUSTODES_ARITHMETIC": "bfloat16"}, {})
    try:
        with pytest.raises(UnavailableError, match=r"custodes\[bfloat16\]"), open_computing(settings):
            pass
    finally:
        require_bfloat16.cache_clear()
