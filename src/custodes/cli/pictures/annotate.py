"""Answers of the API drawn onto a picture: boxes, landmarks, labels, words.

In: an upright picture and answers in AWS members, by operation. Out: a copy with drawings, and below it a strip with
what has no place in it. It reads no files of the user's and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import PIL.Image
import PIL.ImageDraw

from custodes.cli.pictures.captions import Caption, Colour, arrange
from custodes.cli.pictures.typeface import Typeface

Answers = Mapping[str, Mapping[str, Any]]
"""Answer by operation."""

_PAPER: Colour = (255, 255, 255)
_INK: Colour = (20, 20, 20)
FACE: Colour = (0, 150, 90)
LABEL: Colour = (30, 100, 220)
TEXT: Colour = (215, 90, 0)
WORN: Colour = (140, 60, 180)
_SMALLEST_TEXT_PX, _TEXT_SHARE = 12, 50
_STRIP_LINES = 4


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on one picture; sizes follow from the picture's. Captions are kept until all outlines are there."""

    draw: PIL.ImageDraw.ImageDraw
    width: int
    height: int
    typeface: Typeface
    captions: list[Caption] = field(default_factory=list)

    @property
    def text_px(self) -> int:
        """Height of captions."""
        return max(_SMALLEST_TEXT_PX, max(self.width, self.height) // _TEXT_SHARE)

    @property
    def line_px(self) -> int:
        """Width of outlines."""
        return max(2, self.text_px // 6)

    def outline(self, corners: Sequence[tuple[float, float]], colour: Colour, caption: str) -> None:
        """A closed outline through corners in ratios, and what it is called; nothing for an empty name."""
        points = [(x * self.width, y * self.height) for x, y in corners]
        self.draw.line([*points, points[0]], fill=colour, width=self.line_px, joint="curve")
        if not caption:
            return
        wide = self.typeface.length_px(caption, self.text_px) + self.text_px / 2
        across, down = [x for x, _ in points], [y for _, y in points]
        around = (min(across), min(down), max(across), max(down))
        self.captions.append(Caption(caption, (wide, self.text_px * 1.45), around, colour))

    def dot(self, x: float, y: float, colour: Colour) -> None:
        """A point in ratios."""
        reach = self.line_px
        across, down = x * self.width, y * self.height
        self.draw.ellipse((across - reach, down - reach, across + reach, down + reach), fill=colour)

    def write_captions(self) -> list[str]:
        """Write all captions, none over another; those that found no place are returned."""
        placed, left_over = arrange(self.captions, self.width, self.height)
        for one in placed:
            self.draw.rectangle(one.place, fill=one.caption.colour)
            at = one.place[0] + self.text_px / 4, one.place[1]
            self.typeface.draw(self.draw, at, one.caption.text, self.text_px, _PAPER)
        return [one.text for one in left_over]


def annotated(picture: PIL.Image.Image, answers: Answers) -> PIL.Image.Image:
    """``picture`` with everything drawn that ``answers`` place in it; it is not changed itself."""
    copy = picture.convert("RGB")
    pen = Pen(PIL.ImageDraw.Draw(copy), copy.width, copy.height, Typeface.load())
    for operation, draw in _DRAWN.items():
        if operation in answers:
            draw(pen, answers[operation])
    crowded = pen.write_captions()
    told = remarks(answers) + ([f"Also in it: {', '.join(crowded)}"] if crowded else [])
    return _with_strip(copy, pen, told) if told else copy


def confidence(value_pct: float) -> str:
    """Confidence without decimals, but never rounded up to certainty."""
    return f"{value_pct:.0f} %" if value_pct < 99.5 or value_pct >= 100.0 else "over 99 %"


def remarks(answers: Answers) -> list[str]:
    """What holds for the whole picture, one line per subject."""
    labels = answers.get("DetectLabels", {}).get("Labels", ())
    found = [f"{label['Name']} {confidence(label['Confidence'])}" for label in labels if not label["Instances"]]
    lines = [f"Labels: {', '.join(found)}"] if found else []
    concerns = answers.get("DetectModerationLabels", {}).get("ModerationLabels", ())
    rows = [f"{label['Name']} {confidence(label['Confidence'])}" for label in concerns]
    return [*lines, f"Moderation: {', '.join(rows)}"] if rows else lines


def _faces(pen: Pen, answer: Mapping[str, Any]) -> None:
    for face in answer["FaceDetails"]:
        pen.outline(_corners(face["BoundingBox"]), FACE, f"face {confidence(face['Confidence'])}")
        for point in face["Landmarks"]:
            pen.dot(point["X"], point["Y"], FACE)


def _labels(pen: Pen, answer: Mapping[str, Any]) -> None:
    for label in answer["Labels"]:
        for instance in label["Instances"]:
            caption = f"{label['Name']} {confidence(instance['Confidence'])}"
            pen.outline(_corners(instance["BoundingBox"]), LABEL, caption)


def _words(pen: Pen, answer: Mapping[str, Any]) -> None:
    for found in answer["TextDetections"]:
        corners = [(point["X"], point["Y"]) for point in found["Geometry"]["Polygon"]]
        # Words get their outline, lines the caption: so nothing is written twice.
        if found["Type"] == "LINE":
            pen.outline(corners, TEXT, f"{found['DetectedText']} {confidence(found['Confidence'])}")
        else:
            pen.outline(corners, TEXT, "")


def _equipment(pen: Pen, answer: Mapping[str, Any]) -> None:
    for person in answer["Persons"]:
        pen.outline(_corners(person["BoundingBox"]), WORN, f"person {confidence(person['Confidence'])}")
        for part in person["BodyParts"]:
            for item in part["EquipmentDetections"]:
                name = item["Type"].lower().replace("_", " ")
                pen.outline(_corners(item["BoundingBox"]), WORN, f"{name} {confidence(item['Confidence'])}")


_DRAWN: Mapping[str, Callable[[Pen, Mapping[str, Any]], None]] = MappingProxyType(
    {"DetectLabels": _labels, "DetectProtectiveEquipment": _equipment, "DetectText": _words, "DetectFaces": _faces}
)
"""What is drawn, in the order in which it is: later ones lie on top."""


def _corners(box: Mapping[str, float]) -> list[tuple[float, float]]:
    left, top = box["Left"], box["Top"]
    right, bottom = left + box["Width"], top + box["Height"]
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _with_strip(picture: PIL.Image.Image, pen: Pen, remarks_told: Sequence[str]) -> PIL.Image.Image:
    lines = [line for remark in remarks_told for line in _wrapped(pen, remark)]
    tall = round(pen.text_px * 1.45)
    sheet = PIL.Image.new("RGB", (picture.width, picture.height + tall * len(lines) + pen.text_px // 2), _PAPER)
    sheet.paste(picture, (0, 0))
    draw = PIL.ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        at = pen.text_px // 2, picture.height + number * tall
        pen.typeface.draw(draw, at, pen.typeface.fitted(line, pen.text_px, pen.width - pen.text_px), pen.text_px, _INK)
    return sheet


def _wrapped(pen: Pen, text: str) -> list[str]:
    """``text`` in a few lines that fit the picture, cut after them."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.typeface.length_px(longer, pen.text_px) <= pen.width - pen.text_px or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if len(lines) <= _STRIP_LINES else [*lines[: _STRIP_LINES - 1], f"{lines[_STRIP_LINES - 1]} ..."]
