"""Faces searched for in bytes: vectors stay near those of float32, what is kept stays the same, and not everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from custodes.core.device import Device, QueryArithmetic
from custodes.core.errors import UnavailableError
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.embedding.byte_ranges import FIRST, load_byte_ranges
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import VectorUse
from custodes.engine.runtime.byte_products import has_byte_products, require_int8
from custodes.imaging.image import Image
from custodes.models.card import load_cards
from custodes.models.importers.graphs.in_bytes import byte_tensors
from custodes.models.store import ModelStore

pytestmark = pytest.mark.models
SLOT = Slot(0, RequestId("test"))


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return Image(np.ascontiguousarray(pytest.importorskip("skimage.data").astronaut()), sha256=b"")


@pytest.fixture(scope="module")
def wide(model_pack: Path) -> FacePipeline:
    return open_face_engine(ModelStore(model_pack), Device.CPU, 1)


@pytest.fixture(scope="module")
def narrow(model_pack: Path) -> FacePipeline:
    if not has_byte_products():
        pytest.skip("this processor has no VNNI, or does not say so")
    return open_face_engine(ModelStore(model_pack), Device.CPU, 1, queries=QueryArithmetic.INT8)


def test_the_ranges_are_of_the_network_that_ships(model_pack: Path) -> None:
    model = ModelStore(model_pack).path(load_cards()["sface"]).read_bytes()
    assert set(load_byte_ranges()) == set(byte_tensors(model, FIRST))


def test_queries_are_near_and_enrolments_the_same(wide: FacePipeline, narrow: FacePipeline, astronaut: Image) -> None:
    faces = wide.detect(SLOT, astronaut, at_most=1).faces
    query, exact = (engine.embed(SLOT, astronaut, faces, VectorUse.QUERY) for engine in (narrow, wide))
    assert 0.98 < float((query * exact).sum()) < 0.99999
    enrolled = [engine.embed(SLOT, astronaut, faces, VectorUse.ENROL) for engine in (narrow, wide)]
    assert np.array_equal(*enrolled)
    assert narrow.model_version == wide.model_version


@pytest.mark.skipif(has_byte_products(), reason="this processor has byte products")
def test_a_processor_without_them_is_refused_at_the_start() -> None:
    with pytest.raises(UnavailableError, match="VNNI"):
        require_int8(Device.CPU)
