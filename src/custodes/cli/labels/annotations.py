"""Reads labelled pictures of a folder in whatever form they are labelled: folders, CSV, COCO, YOLO or Pascal VOC.

In: a folder, which may be from strangers. Out: samples. The form is found by what is there. Nothing outside of the
folder is read, and what is not as its form has it is refused with the name of the file.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from custodes.cli.labels.picture_folder import SUFFIXES, PictureFolder
from custodes.cli.labels.samples import Box, Sample
from custodes.core.errors import InvalidParameterError

_MAX_PX = 1e6


def read_samples(place: Path) -> list[Sample]:
    """Everything that is labelled below a folder, in the order of the names.

    Raises:
        InvalidParameterError: it is not a folder, nothing in it is labelled in a form that is known, or a file is not
            as its form has it.
    """
    folder = PictureFolder(place)
    coco = [(path, table) for path in folder.files("*.json") if (table := _coco_file(folder, path)) is not None]
    lists = [path for path in folder.files("*.csv") if path.parent == place]
    if coco:
        found = [sample for path, table in coco for sample in _coco(folder, path, table)]
    elif lists:
        found = [sample for path in lists for sample in _table(folder, path)]
    elif voc := folder.files("*.xml"):
        found = [sample for path in voc for sample in _voc(folder, path)]
    elif yolo := _yolo_files(folder):
        found = _yolo(folder, yolo)
    else:
        found = [Sample(path, (path.parent.name,)) for path in folder.pictures if path.parent != place]
    if not found:
        raise InvalidParameterError(
            f"nothing in {place} is labelled: a folder for each label, a CSV of file and label, or COCO, YOLO or "
            "Pascal VOC annotations are read"
        )
    return sorted(found, key=lambda sample: sample.path.as_posix())


def _coco_file(folder: PictureFolder, path: Path) -> dict[str, Any] | None:
    """What a JSON file has, where that is annotations."""
    try:
        found = json.loads(folder.text(path))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and {"images", "annotations", "categories"} <= found.keys() else None


def _coco(folder: PictureFolder, path: Path, table: dict[str, Any]) -> list[Sample]:
    try:
        names = {one["id"]: _label(one["name"]) for one in table["categories"]}
        boxes: dict[Any, list[Box]] = {image["id"]: [] for image in table["images"]}
        for one in table["annotations"]:
            if not one.get("iscrowd") and one["image_id"] in boxes:
                left, top, width, height = (_number(value) for value in one["bbox"])
                boxes[one["image_id"]].append((names[one["category_id"]], left, top, width, height))
        named = [(str(image["file_name"]), boxes[image["id"]]) for image in table["images"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidParameterError(f"{path} is not a COCO annotation file") from error
    found = [(folder.named(reference, path), placed) for reference, placed in named]
    return [_boxed(folder, picture, placed) for picture, placed in found if picture is not None]


def _table(folder: PictureFolder, path: Path) -> list[Sample]:
    names: dict[Path, list[str]] = {}
    try:
        rows = list(csv.reader(io.StringIO(folder.text(path), newline=""), strict=True))
    except csv.Error as error:
        raise InvalidParameterError(f"{path} is not a CSV file: {error}") from error
    for number, row in enumerate(rows):
        if not row or (number == 0 and Path(row[0]).suffix.lower() not in SUFFIXES):
            continue  # nothing, or what the columns are called
        picture = folder.named(row[0].strip(), path)
        if picture is None:
            raise InvalidParameterError(f"{path}, row {number + 1}: there is no picture {row[0]}")
        names.setdefault(picture, []).extend(cell.strip() for cell in row[1:] if cell.strip())
    return [Sample(picture, tuple(dict.fromkeys(found))) for picture, found in names.items() if found]


def _voc(folder: PictureFolder, path: Path) -> list[Sample]:
    text = folder.text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InvalidParameterError(f"{path} declares entities, which annotations have no use for")
    try:
        root = ET.fromstring(text)  # noqa: S314 - declarations of entities were refused
        if root.tag != "annotation":
            return []
        boxes = [_voc_box(one) for one in root.iter("object")]
    except (ET.ParseError, ValueError) as error:
        raise InvalidParameterError(f"{path} is not a Pascal VOC annotation") from error
    picture = folder.beside(path)
    return [] if picture is None else [_boxed(folder, picture, boxes)]


def _voc_box(one: ET.Element) -> Box:
    """Raises ValueError."""
    x1, y1, x2, y2 = (_number(one.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax"))
    return (_label(one.findtext("name")), x1, y1, x2 - x1, y2 - y1)


def _yolo_files(folder: PictureFolder) -> list[Path]:
    stems = {picture.stem for picture in folder.pictures}
    return [path for path in folder.files("*.txt") if path.stem in stems]


def _yolo(folder: PictureFolder, files: Sequence[Path]) -> list[Sample]:
    names, found = _yolo_names(folder), []
    for path in files:
        picture = folder.beside(path)
        if picture is None:
            continue
        size = folder.size(picture)
        try:
            boxes = [_yolo_box(row.split(), names, size) for row in folder.text(path).splitlines() if row.strip()]
        except ValueError as error:
            raise InvalidParameterError(f"{path} is not a YOLO annotation: {error}") from error
        found.append(_boxed(folder, picture, boxes))
    return found


def _yolo_box(row: Sequence[str], names: Sequence[str], size: tuple[int, int]) -> Box:
    """A box, or the one around a polygon, in pixels. Raises ValueError."""
    kind, numbers = int(row[0]), [_number(cell) for cell in row[1:]]
    if not 0 <= kind < (len(names) or 1000):
        raise ValueError(f"there is no class {kind}")
    width, height = size
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        xs, ys = numbers[0::2], numbers[1::2]
        x1, y1, w, h = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    elif len(numbers) in (4, 5):  # the fifth is how sure a detector was
        x, y, w, h = numbers[:4]
        x1, y1 = x - w / 2, y - h / 2
    else:
        raise ValueError("a row has a class and four numbers, or a polygon")
    return (names[kind] if names else str(kind), x1 * width, y1 * height, w * width, h * height)


def _yolo_names(folder: PictureFolder) -> list[str]:
    """From ``classes.txt`` or the ``names`` of a ``data.yaml``; empty, where neither is there."""
    for path in (folder.folder / "classes.txt", folder.folder / "obj.names"):
        if path.is_file():
            return [line.strip() for line in folder.text(path).splitlines() if line.strip()]
    for path in [*folder.files("*.yaml"), *folder.files("*.yml")]:
        text = folder.text(path)
        if listed := re.search(r"^names:[ \t]*\[(.*?)\]", text, re.MULTILINE | re.DOTALL):
            return [_unquoted(cell) for cell in listed[1].split(",") if cell.strip()]
        if rows := re.search(r"^names:[ \t]*\n((?:[ \t]*(?:\d+:|-)[^\n]*(?:\n|$))+)", text, re.MULTILINE):
            pairs = re.findall(r"^[ \t]*(?:(\d+):|-)(.*)$", rows[1], re.MULTILINE)
            numbers = [int(number) if number else place for place, (number, _) in enumerate(pairs)]
            if sorted(numbers) != list(range(len(pairs))):
                raise InvalidParameterError(f"{path}: classes are numbered from 0 on, without gaps")
            return [_unquoted(name) for _, (_, name) in sorted(zip(numbers, pairs, strict=True))]
    return []


def _unquoted(cell: str) -> str:
    return cell.strip().strip("'\"")


def _label(value: object) -> str:
    """Raises ValueError for none."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a label has no name")
    return value.strip()


def _number(value: object) -> float:
    """Raises ValueError for what is no place in a picture."""
    found = float(value) if isinstance(value, str | int | float) else math.nan
    if not abs(found) <= _MAX_PX:
        raise ValueError(f"{value} is no place in a picture")
    return found


def _boxed(folder: PictureFolder, path: Path, boxes: Sequence[Box]) -> Sample:
    """A sample whose boxes are cut at the edges; what is less than a pixel is left out."""
    width, height = folder.size(path)
    kept = []
    for name, left, top, wide, tall in boxes:
        x1, y1 = max(0.0, left), max(0.0, top)
        x2, y2 = min(float(width), left + wide), min(float(height), top + tall)
        if x2 - x1 >= 1 and y2 - y1 >= 1:
            kept.append((name, x1, y1, x2 - x1, y2 - y1))
    return Sample(path, boxes=tuple(kept), size=(width, height))
