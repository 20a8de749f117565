"""Steps of the label engine on made-up input: decoding, fusion, taxonomy, colours, looks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.box import BoxPx
from custodes.engine.labels.boxes import Boxes, fuse, none, overlaps, suppress
from custodes.engine.labels.colours import css_name, dominant_colours, simple_name
from custodes.engine.labels.letterbox import letterbox, stretched
from custodes.engine.labels.looks import foreground, image_properties, region_pixels
from custodes.engine.labels.objects import decode_centernet, decode_nanodet
from custodes.engine.labels.taxonomy import TaxonomyError, load_taxonomy, parse_taxonomy

TAXONOMY = load_taxonomy()


def boxes(*rows: tuple[int, float, float, float, float, float]) -> Boxes:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Boxes(table[:, 1:5].astype(np.float32), table[:, 0].astype(np.intp), table[:, 5].astype(np.float32))


@given(st.integers(1, 900), st.integers(1, 900), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_boxes_find_their_way_back_from_the_square(width, height, ratios):
    planes, frame = letterbox(np.full((height, width, 3), 255, np.uint8), 64)
    assert planes.shape == (1, 3, 64, 64)
    place = np.array([[ratios[0] * width, ratios[1] * height, ratios[2] * width, ratios[3] * height]])
    inside = place.copy()
    inside[:, [0, 2]] = place[:, [0, 2]] * frame.scale_x + frame.left_px
    inside[:, [1, 3]] = place[:, [1, 3]] * frame.scale_y + frame.top_px
    assert frame.to_picture(inside.astype(np.float32)) == pytest.approx(place, abs=max(width, height) * 1e-4)


def test_the_picture_is_in_the_middle_or_at_the_top_left():
    white = np.full((10, 20, 3), 255, np.uint8)
    middle, corner = letterbox(white, 20)[0], letterbox(white, 20, centred=False)[0]
    assert middle[0, 0, :, 0].nonzero()[0].tolist() == list(range(5, 15))
    assert corner[0, 0, :, 0].nonzero()[0].tolist() == list(range(10))
    assert stretched(white, 8).min() == 255


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([0, 16, 32]))
def test_a_part_of_the_square_is_cut_out_of_it_with_its_margin(width, height, margin):
    picture = np.random.default_rng(width * 301 + height).integers(1, 255, (height, width, 3), np.uint8)
    whole, frame = letterbox(picture, 128)
    part, within = letterbox(picture, 128, margin_px=margin)
    left, top = frame.left_px - within.left_px, frame.top_px - within.top_px
    down, across = part.shape[2:]
    assert np.array_equal(part, whole[:, :, top : top + down, left : left + across])
    assert {side % 32 for side in (left, top, down, across)} == {0}
    assert part.sum() == whole.sum()
    used = whole[0].any(axis=0)
    for axis, start, length in ((1, top, down), (0, left, across)):
        lit = np.flatnonzero(used.any(axis=axis))
        assert start <= max(0, lit[0] - margin)
        assert start + length >= min(128, lit[-1] + 1 + margin)
        assert length <= lit[-1] + 1 - lit[0] + 2 * margin + 2 * 31
    box = np.array([[0, 0, width, height]], np.float32)
    moved = np.array([[left, top, left, top]], np.float32) + box
    assert within.to_picture(box) == pytest.approx(frame.to_picture(moved), abs=1e-3)


def test_centernet_keeps_peaks_only():
    heat = np.zeros((2, 8, 8), np.float32)
    heat[1, 2, 3], heat[1, 2, 4], heat[0, 7, 7] = 0.9, 0.8, 0.3
    edges = np.full((4, 8, 8), 5.0, np.float32)
    found = decode_centernet(heat, edges, 0.2).ranked()
    assert found.classes.tolist() == [1, 0]
    assert found.places[0].tolist() == [12 - 5, 8 - 5, 12 + 5, 8 + 5]
    assert found.scores.tolist() == pytest.approx([0.9, 0.3])
    assert len(decode_centernet(heat * 0, edges, 0.2)) == 0


def test_nanodet_distances_are_means_of_their_bins():
    sizes = {8: 2704, 16: 676, 32: 169}
    outputs = {f"scores_{s}": np.zeros((1, n, 80), np.float32) for s, n in sizes.items()}
    outputs |= {f"boxes_{s}": np.zeros((1, n, 44), np.float32) for s, n in sizes.items()}
    outputs["scores_32"][0, 14, 7] = 0.5  # second row, second column of 13
    outputs["boxes_32"][0, 14, :11] = [0] * 10 + [1000]  # all weight on the last bin
    (place,) = decode_nanodet(outputs, 0.2).places.tolist()
    assert place == pytest.approx([48 - 320, 48 - 160, 48 + 160, 48 + 160])
    assert len(decode_nanodet({key: value * 0 for key, value in outputs.items()}, 0.2)) == 0
    narrow = {
        key: value[:, : value.shape[1] // 13 * 9] for key, value in outputs.items()
    }  # second row, sixth column of 9
    assert decode_nanodet(narrow, 0.2, 288).places.tolist() == [[176 - 320, 48 - 160, 176 + 160, 48 + 160]]


def test_suppression_stays_within_a_class():
    found = boxes((1, 0, 0, 10, 10, 0.5), (1, 1, 0, 11, 10, 0.9), (2, 0, 0, 10, 10, 0.4), (1, 30, 0, 40, 10, 0.1))
    kept = suppress(found, 0.6)
    assert [(int(c), round(float(s), 1)) for c, s in zip(kept.classes, kept.scores, strict=True)] == [
        (1, 0.9),
        (2, 0.4),
        (1, 0.1),
    ]


def test_two_witnesses_are_surer_than_one_and_meet_in_the_middle():
    one, other = boxes((3, 0, 0, 10, 10, 0.6)), boxes((3, 1, 0, 11, 10, 0.6), (4, 0, 0, 10, 10, 0.5))
    fused = fuse([one, other], (1.0, 1.0), 0.6)
    assert fused.classes.tolist() == [3, 4]
    assert fused.scores.tolist() == pytest.approx([1 - 0.4 * 0.4, 0.5])
    assert fused.places[0].tolist() == pytest.approx([0.5, 0, 10.5, 10])
    assert len(fuse([none(), none()], (1.0, 1.0), 0.6)) == 0


candidates = st.lists(
    st.tuples(
        st.integers(0, 3), st.floats(0, 50), st.floats(0, 50), st.floats(1, 50), st.floats(1, 50), st.floats(0.01, 1)
    ),
    max_size=12,
)


@given(candidates, candidates)
def test_fusion_loses_no_class_and_stays_within_bounds(first, second):
    given_boxes = [boxes(*((c, x, y, x + w, y + h, s) for c, x, y, w, h, s in rows)) for rows in (first, second)]
    fused = fuse(given_boxes, (1.0, 0.8), 0.6)
    classes = np.concatenate([found.classes for found in given_boxes])
    assert set(fused.classes.tolist()) == set(classes.tolist())
    assert len(fused) <= len(classes)
    assert ((fused.scores >= 0) & (fused.scores <= 1)).all()
    assert (np.diff(fused.scores) <= 0).all()
    if len(classes):
        every = np.concatenate([found.places for found in given_boxes])
        assert fused.places.min() >= every.min() - 1e-3
        assert fused.places.max() <= every.max() + 1e-3
        assert overlaps(fused.places[0], fused.places)[0] == pytest.approx(1)


def test_every_class_of_the_networks_is_a_label_with_category():
    assert (len(TAXONOMY.objects), len(TAXONOMY.scenes)) == (80, 1000)
    for term in TAXONOMY.terms.values():
        assert term.categories and all(term.categories)
        assert set(term.parents) <= TAXONOMY.terms.keys()
    aliases = [alias for term in TAXONOMY.terms.values() for alias in term.aliases]
    assert len(set(aliases)) == len(aliases) and not set(aliases) & TAXONOMY.terms.keys()


def test_documented_examples_of_the_tree():
    car, dog = TAXONOMY.terms["Car"], TAXONOMY.terms["Golden Retriever"]
    assert (car.parents, car.aliases) == (("Vehicle", "Transportation"), ("Automobile",))
    assert car.categories == ("Vehicles and Automotive",)
    assert {"Dog", "Canine", "Mammal", "Animal", "Pet"} <= set(dog.parents)
    assert dog.parents[0] == "Retriever", "nearest first"


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 30))
def test_a_label_is_never_surer_than_what_is_above_it(seed, peak):
    shares = np.random.default_rng(seed).random(1000) ** peak
    sure = TAXONOMY.scene_confidences((shares / shares.sum()).astype(np.float32))
    for name, value in sure.items():
        assert 0 <= value <= 1
        assert all(sure[parent] >= value - 1e-6 for parent in TAXONOMY.terms[name].parents)


def test_objects_raise_what_is_above_them():
    assert TAXONOMY.raised({"Car": 0.7, "Bus": 0.9}) == {
        "Car": 0.7, "Bus": 0.9, "Vehicle": 0.9, "Transportation": 0.9,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        '[labels]\n"A" = {}\n[classes]\nobjects = []\nscenes = []',
        '[labels]\n"A" = { under = ["B"], category = "c" }\n[classes]\nobjects = []\nscenes = []',
        '[labels]\n"A" = { under = ["A"], category = "c" }\n[classes]\nobjects = []\nscenes = []',
        '[labels]\n"A" = { under = ["B"] }\n"B" = { under = ["A"] }\n[classes]\nobjects = []\nscenes = []',
        '[labels]\n"A" = { category = "c" }\n[classes]\nobjects = ["B"]\nscenes = []',
    ],
)
def test_a_taxonomy_that_contradicts_itself_is_refused(text):
    with pytest.raises(TaxonomyError):
        parse_taxonomy(text)


@pytest.mark.parametrize(
    ("rgb", "css", "simple"),
    [
        ((255, 0, 0), "red", "red"),
        ((0, 128, 0), "green", "green"),
        ((0, 0, 255), "blue", "blue"),
        ((255, 255, 0), "yellow", "yellow"),
        ((255, 165, 0), "orange", "orange"),
        ((139, 69, 19), "saddlebrown", "brown"),
        ((128, 0, 128), "purple", "purple"),
        ((255, 192, 203), "pink", "pink"),
        ((0, 255, 255), "cyan", "cyan"),
        ((0, 0, 0), "black", "black"),
        ((255, 255, 255), "white", "white"),
        ((128, 128, 128), "gray", "gray"),
        ((1, 2, 250), "blue", "blue"),
        ((0, 0, 128), "navy", "blue"),
        ((128, 0, 0), "maroon", "red"),
        ((210, 180, 140), "tan", "brown"),
    ],
)
def test_names_of_colours(rgb, css, simple):
    assert (css_name(*rgb), simple_name(*rgb)) == (css, simple)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_every_colour_has_one_of_twelve_names(red, green, blue):
    assert simple_name(red, green, blue) in {
        "black", "blue", "brown", "cyan", "gray", "green", "orange", "pink", "purple", "red", "white", "yellow",
    }  # fmt: skip


def flag() -> np.ndarray:
    """Half red, three tenths blue, a fifth white."""
    rgb = np.empty((100, 100, 3), np.uint8)
    rgb[:50], rgb[50:80], rgb[80:] = (220, 10, 10), (10, 10, 200), (250, 250, 250)
    return rgb


def test_colours_by_share():
    found = dominant_colours(flag().reshape(-1, 3), 10)
    assert [(c.simple_name, round(c.pixels_pct)) for c in found] == [("red", 50), ("blue", 30), ("white", 20)]
    assert found[0].hex_code == "#dc0a0a"
    assert [c.simple_name for c in dominant_colours(flag().reshape(-1, 3), 1)] != []
    assert dominant_colours(flag().reshape(-1, 3), 0) == ()
    assert dominant_colours(np.zeros((0, 3), np.uint8), 5) == ()


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_colours_of_noise_are_few_and_the_same_each_time(seed, at_most):
    pixels = np.random.default_rng(seed).integers(0, 256, (300, 3), np.uint8)
    found = dominant_colours(pixels, at_most)
    assert 1 <= len(found) <= at_most
    assert sum(colour.pixels_pct for colour in found) <= 100.001
    assert found == dominant_colours(pixels.copy(), at_most)


def test_looks_tell_light_from_dark_and_sharp_from_blurred():
    import cv2

    squares = (np.indices((200, 320)).sum(0) // 20 % 2 * 180 + 40).astype(np.uint8)
    pattern = np.repeat(squares[..., None], 3, axis=2)
    blurred = cv2.GaussianBlur(pattern, (0, 0), 3)
    sharp, soft = (image_properties(rgb, [], 5).whole for rgb in (pattern, blurred))
    assert sharp.sharpness_pct > 90 > 20 > soft.sharpness_pct
    assert sharp.contrast_pct > soft.contrast_pct
    light = image_properties(np.full((80, 80, 3), 255, np.uint8), [], 5)
    assert light.whole.brightness_pct == pytest.approx(100, abs=0.1)
    assert (light.whole.contrast_pct, light.foreground, light.background) == (0, None, light.whole)


def test_what_stands_out_is_cut_from_its_box():
    rgb = np.full((200, 200, 3), (20, 120, 20), np.uint8)
    rgb[60:140, 80:120] = (220, 20, 20)
    mask = foreground(rgb, [BoxPx(60, 50, 140, 150)])
    assert mask is not None
    looks = image_properties(rgb, [BoxPx(60, 50, 140, 150)], 5)
    assert looks.foreground is not None
    assert looks.foreground.colours[0].simple_name == "red"
    assert looks.background.colours[0].simple_name == "green"
    assert foreground(rgb, []) is None
    assert foreground(rgb, [BoxPx(-5, -5, 300, 300)]) is None, "nothing is left behind it"


@given(st.floats(-50, 250), st.floats(-50, 250), st.floats(0, 200), st.floats(0, 200))
def test_any_box_has_pixels(x, y, width, height):
    rgb = flag()
    assert len(region_pixels(rgb, BoxPx(x, y, x + width, y + height))) > 0
