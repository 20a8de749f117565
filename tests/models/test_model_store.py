"""The folder of converted models: what it gives out is what was put in."""

from __future__ import annotations

from pathlib import Path

import pytest

from custodes.core.errors import UnavailableError
from custodes.models.archives import ModelFileError
from custodes.models.store import ModelMissingError, ModelState, ModelStore, default_root
from tests.models.tiny_models import sha256, tiny_card, tiny_onnx, zipped

MODEL = tiny_onnx()
CARD = tiny_card(zipped({"tiny/model.onnx": MODEL}), MODEL)


def test_a_missing_model_says_what_to_do(tmp_path: Path):
    with pytest.raises(ModelMissingError, match="custodes models fetch tiny"):
        ModelStore(tmp_path / "none").path(CARD)
    assert not (tmp_path / "none").exists()


def test_an_installed_model_is_found_again(tmp_path: Path):
    path = ModelStore(tmp_path).install(CARD, MODEL, "test")
    assert ModelStore(tmp_path).path(CARD) == path
    assert path.read_bytes() == MODEL
    assert sha256(MODEL) in path.with_suffix(".json").read_text()
    assert {p.suffix for p in tmp_path.iterdir()} == {".onnx", ".json"}


@pytest.mark.parametrize("victim", [".onnx", ".json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", MODEL[:-1] + b"!"])
def test_an_altered_file_is_refused_by_name(tmp_path: Path, victim: str, content: bytes):
    store = ModelStore(tmp_path)
    store.install(CARD, MODEL, "test").with_suffix(victim).write_bytes(content)
    with pytest.raises(ModelFileError, match=r"tiny: tiny-.*custodes models fetch"):
        store.path(CARD)
    (found,) = store.verify([CARD])
    assert found.state is ModelState.ALTERED
    assert "tiny" in found.detail


def test_a_file_without_its_record_does_not_count(tmp_path: Path):
    store = ModelStore(tmp_path)
    store.install(CARD, MODEL, "test").with_suffix(".json").unlink()
    assert store.verify([CARD])[0].state is ModelState.MISSING


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"), ModelStore(blocked / "models").locked():
        pass


def test_the_default_folder_follows_xdg(tmp_path: Path):
    assert default_root({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "custodes" / "models"
    assert default_root({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "custodes" / "models"
    assert default_root({}) == Path.home() / ".cache" / "custodes" / "models"
