"""Labelled pictures of a folder, in whatever form they are labelled: folders, CSV, COCO, YOLO or Pascal VOC.

In: a folder. Out: pictures with labels of the whole or labelled boxes in pixels. The form is found by what is there.
Nothing is trained here.
"""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageOps

from custodes.cli.input_files import require_folder
from custodes.core.errors import InvalidParameterError

PICTURES = frozenset({".jpg", ".jpeg", ".png"})
_MAX_TABLE_BYTES = 256 << 20
_DATE = "2026-01-01T00:00:00"

Box = tuple[str, float, float, float, float]
"""Label, left, top, width, height, in pixels."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: labels of the whole, or boxes in a picture of ``size``."""

    path: Path
    names: tuple[str, ...] = ()
    boxes: tuple[Box, ...] | None = None
    size: tuple[int, int] = (0, 0)

    def line(self, source: str) -> dict[str, Any]:
        """As a line of a manifest that names the picture as ``source``."""
        found: dict[str, Any] = {"source-ref": source}
        if self.boxes is None:
            for number, name in enumerate(self.names):
                found[f"label-{number}"] = number
                kind = _about("groundtruth/image-classification")
                found[f"label-{number}-metadata"] = {"class-name": name, "confidence": 1, **kind}
            return found
        names = list(dict.fromkeys(box[0] for box in self.boxes))
        sides = ("left", "top", "width", "height")
        found["boxes"] = {
            "image_size": [{"width": self.size[0], "height": self.size[1], "depth": 3}],
            "annotations": [
                {"class_id": names.index(box[0]), **dict(zip(sides, box[1:], strict=True))} for box in self.boxes
            ],
        }
        found["boxes-metadata"] = {
            "objects": [{"confidence": 1} for _ in self.boxes],
            "class-map": {str(number): name for number, name in enumerate(names)},
            **_about("groundtruth/object-detection"),
        }
        return found


def _about(kind: str) -> dict[str, str]:
    return {"type": kind, "human-annotated": "yes", "creation-date": _DATE, "job-name": "custodes-labels"}


def read_samples(folder: Path) -> list[Sample]:
    """Everything that is labelled below ``folder``, in the order of the names.

    Raises:
        InvalidParameterError: it is not a folder, or nothing in it is labelled in a form that is known.
    """
    require_folder(folder)
    coco = [path for path in sorted(folder.rglob("*.json")) if _is_coco(path)]
    tables = sorted(folder.glob("*.csv"))
    if coco:
        found = [sample for path in coco for sample in _coco(path, folder)]
    elif tables:
        found = [sample for path in tables for sample in _table(path, folder)]
    elif any(folder.rglob("*.xml")):
        found = _voc(folder)
    elif _yolo_labels(folder):
        found = _yolo(folder)
    else:
        found = [Sample(path, (path.parent.name,)) for path in _pictures(folder) if path.parent != folder]
    if not found:
        raise InvalidParameterError(
            f"nothing in {folder} is labelled: a folder for each label, a CSV of file and label, or COCO, YOLO or "
            "Pascal VOC annotations are read"
        )
    return sorted(found, key=lambda sample: sample.path.as_posix())


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())


def _loaded(path: Path) -> Any:
    if path.stat().st_size > _MAX_TABLE_BYTES:
        raise InvalidParameterError(f"{path} is too large")
    try:
        return json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return None


def _is_coco(path: Path) -> bool:
    found = _loaded(path)
    return isinstance(found, dict) and {"images", "annotations", "categories"} <= found.keys()


def _coco(path: Path, folder: Path) -> list[Sample]:
    found = _loaded(path)
    by_name = {picture.name: picture for picture in _pictures(folder)}
    try:
        names = {one["id"]: str(one["name"]) for one in found["categories"]}
        boxes: dict[Any, list[Box]] = {image["id"]: [] for image in found["images"]}
        for one in found["annotations"]:
            if not one.get("iscrowd") and one["image_id"] in boxes:
                left, top, width, height = (float(number) for number in one["bbox"])
                boxes[one["image_id"]].append((names[one["category_id"]], left, top, width, height))
        named = [(by_name.get(Path(image["file_name"]).name), boxes[image["id"]]) for image in found["images"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidParameterError(f"{path} is not a COCO annotation file") from error
    return [_boxed(picture, placed) for picture, placed in named if picture is not None]


def _table(path: Path, folder: Path) -> list[Sample]:
    names: dict[Path, list[str]] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.reader(file):
            place = folder / row[0] if row else folder
            if len(row) < 2 or not place.is_file():
                if row and row[0].strip().lower() not in ("file", "image", "path", "filename"):
                    raise InvalidParameterError(f"{path}: there is no picture {row[0]}")
                continue
            names.setdefault(place, []).extend(cell.strip() for cell in row[1:] if cell.strip())
    return [Sample(place, tuple(dict.fromkeys(found))) for place, found in names.items()]


def _voc(folder: Path) -> list[Sample]:
    by_stem = {picture.stem: picture for picture in _pictures(folder)}
    found = []
    for path in sorted(folder.rglob("*.xml")):
        text = path.read_text("utf-8", "replace")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise InvalidParameterError(f"{path} declares entities, which annotations have no use for")
        try:
            root = ET.fromstring(text)  # noqa: S314 - declarations of entities were refused
            boxes = [_voc_box(one) for one in root.iter("object")]
        except (ET.ParseError, TypeError, ValueError, AttributeError) as error:
            raise InvalidParameterError(f"{path} is not a Pascal VOC annotation") from error
        if root.tag == "annotation" and path.stem in by_stem:
            found.append(_boxed(by_stem[path.stem], boxes))
    return found


def _voc_box(one: ET.Element) -> Box:
    place = one.find("bndbox")
    assert place is not None
    x1, y1, x2, y2 = (float(str(place.findtext(side))) for side in ("xmin", "ymin", "xmax", "ymax"))
    return (str(one.findtext("name")), x1, y1, x2 - x1, y2 - y1)


def _yolo_labels(folder: Path) -> list[Path]:
    pictures = {picture.stem for picture in _pictures(folder)}
    return [path for path in sorted(folder.rglob("*.txt")) if path.stem in pictures]


def _yolo(folder: Path) -> list[Sample]:
    names = _yolo_names(folder)
    by_stem = {picture.stem: picture for picture in _pictures(folder)}
    found = []
    for path in _yolo_labels(folder):
        picture = by_stem[path.stem]
        width, height = _size(picture)
        boxes: list[Box] = []
        for row in path.read_text("utf-8").splitlines():
            try:
                kind, x, y, w, h = (float(cell) for cell in row.split()[:5])
                name = names[int(kind)] if int(kind) < len(names) else str(int(kind))
            except ValueError as error:
                raise InvalidParameterError(f"{path} is not a YOLO annotation") from error
            boxes.append((name, (x - w / 2) * width, (y - h / 2) * height, w * width, h * height))
        found.append(_boxed(picture, boxes))
    return found


def _yolo_names(folder: Path) -> Sequence[str]:
    """From ``classes.txt`` or the ``names`` of a ``data.yaml``; numbers where neither is there."""
    for path in (folder / "classes.txt", folder / "obj.names"):
        if path.is_file():
            return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    for path in sorted(folder.glob("*.y*ml")):
        listed = re.search(r"^names:\s*\[(.*?)\]", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        if listed:
            return [name.strip().strip("'\"") for name in listed[1].split(",") if name.strip()]
        lines = re.findall(r"^\s+(?:\d+:|-)\s*['\"]?(.+?)['\"]?\s*$", path.read_text("utf-8"), re.MULTILINE)
        if lines:
            return list(lines)
    return []


def _size(path: Path) -> tuple[int, int]:
    """Width and height of the upright picture."""
    try:
        with PIL.Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (image.height, image.width) if turned else (image.width, image.height)
    except OSError as error:
        raise InvalidParameterError(f"{path} is not a picture") from error


def _boxed(path: Path, boxes: Sequence[Box]) -> Sample:
    """A sample whose boxes are cut at the edges; what is less than a pixel is left out."""
    width, height = _size(path)
    kept = []
    for name, left, top, wide, tall in boxes:
        x1, y1 = max(0.0, left), max(0.0, top)
        x2, y2 = min(float(width), left + wide), min(float(height), top + tall)
        if x2 - x1 >= 1 and y2 - y1 >= 1:
            kept.append((name, x1, y1, x2 - x1, y2 - y1))
    return Sample(path, boxes=tuple(kept), size=(width, height))
