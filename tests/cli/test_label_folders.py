"""Folders of labelled pictures in every form that is read: as they should be, broken, and meant to do harm."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

from custodes.cli.labels.annotations import read_samples
from custodes.cli.labels.picture_folder import MAX_TEXT_BYTES
from custodes.cli.labels.samples import Sample
from custodes.core.errors import InvalidParameterError
from custodes.projects.manifest import read_line
from tests.fakes.command import custodes
from tests.fakes.custom import plain

Files = dict[str, str | bytes]
WIDE = plain("red", 0, (200, 100))
CAT = ("cat", 20.0, 10.0, 100.0, 50.0)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Files], Path]:
    def made(files: Files) -> Path:
        root = tmp_path / "given"
        for name, content in files.items():
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return made


def coco(**changes: object) -> str:
    table = {
        "images": [{"id": 7, "file_name": "a.png"}],
        "annotations": [{"image_id": 7, "category_id": 3, "bbox": [20, 10, 100, 50]}],
        "categories": [{"id": 3, "name": "cat"}],
    }
    return json.dumps({**table, **changes})


def voc(box: str = "<xmin>20</xmin><ymin>10</ymin><xmax>120</xmax><ymax>60</ymax>", name: str = "cat") -> str:
    return f"<annotation><object><name>{name}</name><bndbox>{box}</bndbox></object></annotation>"


YOLO = "0 0.35 0.35 0.5 0.5\n"
CSV = "file,label\na.png,cat\nb.png,dog,wet\n"
BOXED: list[Files] = [
    {"a.png": WIDE, "all.json": coco()},
    {"train/a.png": WIDE, "annotations/all.json": coco(images=[{"id": 7, "file_name": "train/a.png"}])},
    {"train/a.png": WIDE, "annotations/all.json": coco()},
    {"a.png": WIDE, "a.xml": voc()},
    {"VOC/JPEGImages/a.png": WIDE, "VOC/Annotations/a.xml": voc()},
    {"a.png": WIDE, "a.txt": YOLO, "classes.txt": "cat\n"},
    {"images/train/a.png": WIDE, "labels/train/a.txt": YOLO, "data.yaml": "path: .\nnames: ['cat', dog]\nnc: 2\n"},
    {"images/a.png": WIDE, "labels/a.txt": YOLO, "data.yaml": "nc: 2\nnames:\n  0: cat\n  1: dog\n"},
    {"images/a.png": WIDE, "labels/a.txt": YOLO, "data.yaml": "names:\n- cat\n- dog\ntrain: images\n"},
    {"a.png": WIDE, "a.txt": "0 0.1 0.1 0.6 0.1 0.6 0.6 0.1 0.6\n", "classes.txt": "cat\n"},
    {"a.png": WIDE, "a.txt": "0 0.35 0.35 0.5 0.5 0.93\n\n", "classes.txt": "cat\n"},
]


@pytest.mark.parametrize("files", BOXED)
def test_boxes_of_every_form_are_the_same(folder: Callable[[Files], Path], files: Files) -> None:
    (found,) = read_samples(folder(files))
    assert found.path.name == "a.png" and found.size == (200, 100) and found.boxes is not None
    ((name, *place),) = found.boxes
    assert (name, *(round(value, 3) for value in place)) == CAT
    line = read_line(json.dumps(found.line("s3://pictures/a.png")))
    assert line.usable and [box.name for box in line.boxes] == ["cat"], "the API takes what was made of it"


def test_labels_of_whole_pictures(folder: Callable[[Files], Path]) -> None:
    found = read_samples(folder({"a.png": WIDE, "b.png": WIDE, "labels.csv": CSV}))
    assert [(one.path.name, one.names) for one in found] == [("a.png", ("cat",)), ("b.png", ("dog", "wet"))]


def test_a_folder_for_each_label(folder: Callable[[Files], Path]) -> None:
    root = folder({"cat/a.png": WIDE, "dog/a.PNG": WIDE, "dog/note.txt": "no picture", "loose.png": WIDE})
    assert [(one.path.parent.name, one.names) for one in read_samples(root)] == [("cat", ("cat",)), ("dog", ("dog",))]


def test_a_picture_that_lies_turned_has_boxes_in_its_upright_size(folder: Callable[[Files], Path]) -> None:
    out, exif = io.BytesIO(), PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.new("RGB", (200, 100)).save(out, "JPEG", exif=exif)
    (found,) = read_samples(folder({"a.jpg": out.getvalue(), "a.txt": "0 0.5 0.5 1 1", "classes.txt": "cat"}))
    assert found.size == (100, 200) and found.boxes == (("cat", 0.0, 0.0, 100.0, 200.0),)


def test_boxes_are_cut_at_the_edges(folder: Callable[[Files], Path]) -> None:
    placed = [[-50, -50, 100, 100], [190, 90, 500, 500], [300, 0, 10, 10], [5, 5, 0.4, 50], [50, 50, -20, 10]]
    notes = [{"image_id": 7, "category_id": 3, "bbox": box} for box in placed]
    (found,) = read_samples(folder({"a.png": WIDE, "all.json": coco(annotations=notes)}))
    assert found.boxes == (("cat", 0.0, 0.0, 50.0, 50.0), ("cat", 190.0, 90.0, 10.0, 10.0))


def test_a_crowd_is_no_example_and_a_picture_without_boxes_is_one(folder: Callable[[Files], Path]) -> None:
    crowd = [{"image_id": 7, "category_id": 3, "bbox": [20, 10, 100, 50], "iscrowd": 1}]
    assert read_samples(folder({"a.png": WIDE, "all.json": coco(annotations=crowd)}))[0].boxes == ()


HUGE = "1" * 400
BROKEN: list[tuple[str, Files]] = [
    ("nothing", {"a.png": WIDE}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco(categories=[])}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco(categories=[{"id": 3, "name": ""}])}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco(images=[{"id": 7}])}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco(images=5)}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco(annotations=["x"])}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco().replace("100", "NaN")}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco().replace("100", "1e400")}),
    ("not a COCO", {"a.png": WIDE, "all.json": coco().replace("[20, 10, 100, 50]", "[20, 10]")}),
    ("nothing", {"a.png": WIDE, "all.json": "{" * 20}),
    ("nothing", {"a.png": WIDE, "all.json": "[" * 200_000}),
    ("not UTF-8", {"a.png": WIDE, "all.json": coco().encode("utf-16")}),
    ("not a picture", {"a.png": b"no picture", "all.json": coco()}),
    ("not a picture", {"a.png": WIDE[:20], "a.txt": YOLO}),
    ("row 2: there is no picture", {"a.png": WIDE, "labels.csv": "file,label\nz.png,cat\n"}),
    ("not a CSV", {"a.png": WIDE, "labels.csv": f'a.png,"{"x" * 200_000}"\n'}),
    ("not a CSV", {"a.png": WIDE, "labels.csv": 'a.png,"cat"x\n'}),
    ("nothing", {"a.png": WIDE, "labels.csv": ""}),
    ("nothing", {"a.png": WIDE, "labels.csv": "a.png\n"}),
    ("not a Pascal VOC", {"a.png": WIDE, "a.xml": "<annotation>"}),
    ("not a Pascal VOC", {"a.png": WIDE, "a.xml": "<annotation><object/></annotation>"}),
    ("not a Pascal VOC", {"a.png": WIDE, "a.xml": voc(name=" ")}),
    ("not a Pascal VOC", {"a.png": WIDE, "a.xml": voc().replace("20", "inf")}),
    ("nothing", {"a.png": WIDE, "a.xml": "<other/>"}),
    ("no class 1", {"a.png": WIDE, "a.txt": YOLO.replace("0 ", "1 ", 1), "classes.txt": "cat"}),
    ("no class -1", {"a.png": WIDE, "a.txt": YOLO.replace("0 ", "-1 ", 1), "classes.txt": "cat"}),
    ("no class", {"a.png": WIDE, "a.txt": YOLO.replace("0 ", "99999 ", 1)}),
    ("not a YOLO", {"a.png": WIDE, "a.txt": "cat 0.5 0.5 1 1"}),
    ("not a YOLO", {"a.png": WIDE, "a.txt": "0 0.5 0.5"}),
    ("not a YOLO", {"a.png": WIDE, "a.txt": "0 nan nan nan nan"}),
    ("not a YOLO", {"a.png": WIDE, "a.txt": f"0 {HUGE} 0 1 1"}),
    ("without gaps", {"a.png": WIDE, "a.txt": YOLO, "data.yaml": "names:\n  0: cat\n  5: dog\n"}),
    ("could be", {"x/a.png": WIDE, "y/a.png": WIDE, "all.json": coco()}),
    ("could be", {"x/a.png": WIDE, "y/a.png": WIDE, "z/a.txt": YOLO}),
    ("could be", {"x/a.png": WIDE, "y/a.png": WIDE, "z/a.xml": voc()}),
]


@pytest.mark.parametrize(("told", "files"), BROKEN)
def test_what_is_broken_is_named(folder: Callable[[Files], Path], told: str, files: Files) -> None:
    with pytest.raises(InvalidParameterError, match=told):
        read_samples(folder(files))


BOMB = '<!DOCTYPE a [<!ENTITY b "' + "x" * 1000 + '"><!ENTITY c "' + "&b;" * 1000 + '">]>'
OUTSIDE = ("../private.png", "/etc/passwd", "..\\private.png", "x/../../private.png", "{root}/private.png")


@pytest.mark.parametrize("form", ["coco", "csv"])
@pytest.mark.parametrize("reference", OUTSIDE)
def test_nothing_outside_of_the_folder_is_read(
    folder: Callable[[Files], Path], tmp_path: Path, form: str, reference: str
) -> None:
    (tmp_path / "private.png").write_bytes(WIDE)
    name = reference.format(root=tmp_path)
    if form == "coco":
        root = folder({"a.png": WIDE, "all.json": coco(images=[{"id": 7, "file_name": name}])})
    else:
        root = folder({"a.png": WIDE, "labels.csv": f"a.png,cat\n{name},dog\n"})
    with pytest.raises(InvalidParameterError, match="outside of"):
        read_samples(root)


@pytest.mark.parametrize("form", ["folders", "coco", "csv", "voc", "yolo", "voc file", "yolo file", "coco file"])
def test_links_that_lead_out_of_the_folder_are_not_followed(
    folder: Callable[[Files], Path], tmp_path: Path, form: str
) -> None:
    private = tmp_path / "private.png"
    private.write_bytes(WIDE)
    files: dict[str, Files] = {
        "folders": {"cat/b.png": WIDE},
        "coco": {"all.json": coco(images=[{"id": 7, "file_name": "link.png"}])},
        "csv": {"labels.csv": "link.png,cat\n"},
        "voc": {"link.xml": voc()},
        "yolo": {"link.txt": YOLO, "classes.txt": "cat"},
    }
    texts: dict[str, tuple[str, str]] = {
        "voc file": ("a.xml", voc()),
        "yolo file": ("a.txt", YOLO),
        "coco file": ("a.json", coco()),
    }
    root = folder(files.get(form, {"a.png": WIDE}))
    if form in texts:
        name, text = texts[form]
        (tmp_path / name).write_text(text)
        (root / name).symlink_to(tmp_path / name)
    else:
        (root / ("cat/link.png" if form == "folders" else "link.png")).symlink_to(private)
    try:
        found: list[Sample] = read_samples(root)
    except InvalidParameterError:
        return
    assert [one.path.name for one in found] == ["b.png"], "only what lies in the folder"


def test_entities_are_refused_before_they_grow(folder: Callable[[Files], Path]) -> None:
    with pytest.raises(InvalidParameterError, match="entities"):
        read_samples(folder({"a.png": WIDE, "a.xml": BOMB + voc(name="&c;")}))


def test_files_that_are_too_large_are_not_read(folder: Callable[[Files], Path]) -> None:
    for name in ("all.json", "labels.csv", "a.xml", "a.txt"):
        root = folder({"a.png": WIDE})
        with (root / name).open("wb") as file:
            file.truncate(MAX_TEXT_BYTES + 1)  # a hole: it takes no room
        with pytest.raises(InvalidParameterError, match="larger than 256 MB"):
            read_samples(root)
        (root / name).unlink()


def test_a_picture_that_is_too_large_is_not_read(folder: Callable[[Files], Path]) -> None:
    root = folder({"a.png": WIDE, "a.txt": YOLO})
    with (root / "a.png").open("r+b") as file:
        file.truncate(16 << 20)
    with pytest.raises(InvalidParameterError, match="larger than 15 MB"):
        read_samples(root)


def test_the_command_says_what_is_wrong_and_where(folder: Callable[[Files], Path], tmp_path: Path) -> None:
    root = folder({"a.png": WIDE, "a.txt": "0 x"})
    done = custodes("labels", "train", root, "--data", tmp_path / "data")
    assert done.returncode == 1 and "a.txt is not a YOLO annotation" in done.stderr
    assert not (tmp_path / "data").exists(), "nothing was begun"
