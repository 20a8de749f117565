"""Answers of the API drawn onto a picture: boxes, landmarks, labels, words.

In: an upright picture and answers in AWS members, by operation. Out: a copy with drawings, and below it a strip with
what has no place in it. It reads no files and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

Answers = Mapping[str, Mapping[str, Any]]
"""Answer by operation."""
Colour = tuple[int, int, int]

_PAPER: Colour = (255, 255, 255)
_INK: Colour = (20, 20, 20)
FACE: Colour = (0, 150, 90)
LABEL: Colour = (30, 100, 220)
TEXT: Colour = (215, 90, 0)
WORN: Colour = (140, 60, 180)
_SMALLEST_TEXT_PX, _TEXT_SHARE = 12, 60
_STRIP_LINES = 4
_LAST_LETTER = 0x24F
"""Last letter of Latin Extended-B."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on one picture; sizes follow from the picture's."""

    draw: PIL.ImageDraw.ImageDraw
    width: int
    height: int

    @property
    def text_px(self) -> int:
        """Height of captions."""
        return max(_SMALLEST_TEXT_PX, max(self.width, self.height) // _TEXT_SHARE)

    @property
    def line_px(self) -> int:
        """Width of outlines."""
        return max(1, self.text_px // 7)

    def outline(self, corners: Sequence[tuple[float, float]], colour: Colour, caption: str) -> None:
        """A closed outline through corners in ratios; its caption above the first one, or below all without room."""
        points = [(x * self.width, y * self.height) for x, y in corners]
        self.draw.line([*points, points[0]], fill=colour, width=self.line_px, joint="curve")
        if caption:
            self._caption(points, colour, caption)

    def dot(self, x: float, y: float, colour: Colour) -> None:
        """A point in ratios."""
        reach = self.line_px
        across, down = x * self.width, y * self.height
        self.draw.ellipse((across - reach, down - reach, across + reach, down + reach), fill=colour)

    def _caption(self, points: Sequence[tuple[float, float]], colour: Colour, caption: str) -> None:
        font = PIL.ImageFont.load_default(self.text_px)
        wide = self.draw.textlength(caption, font=font) + self.text_px / 2
        tall = self.text_px * 1.25
        left, above = points[0][0], points[0][1] - tall
        top = above if above >= 0 else min(max(y for _, y in points), self.height - tall)
        left = min(max(0.0, left), max(0.0, self.width - wide))
        self.draw.rectangle((left, top, left + wide, top + tall), fill=colour)
        self.draw.text((left + self.text_px / 4, top), caption, fill=_PAPER, font=font)


def annotated(picture: PIL.Image.Image, answers: Answers) -> PIL.Image.Image:
    """``picture`` with everything drawn that ``answers`` place in it; it is not changed itself."""
    copy = picture.convert("RGB")
    pen = Pen(PIL.ImageDraw.Draw(copy), copy.width, copy.height)
    for operation, draw in _DRAWN.items():
        if operation in answers:
            draw(pen, answers[operation])
    value = remarks(answers)
    return _with_strip(copy, pen, value) if value else copy


def remarks(answers: Answers) -> list[str]:
    """What holds for the whole picture, one line per subject."""
    labels = answers.get("DetectLabels", {}).get("Labels", ())
    found = [f"{label['Name']} {label['Confidence']:.0f} %" for label in labels if not label["Instances"]]
    lines = [f"Labels: {', '.join(found)}"] if found else []
    concerns = answers.get("DetectModerationLabels", {}).get("ModerationLabels", ())
    rows = [f"{label['Name']} {label['Confidence']:.0f} %" for label in concerns]
    return [*lines, f"Moderation: {', '.join(rows)}"] if rows else lines


def _faces(pen: Pen, answer: Mapping[str, Any]) -> None:
    for face in answer["FaceDetails"]:
        pen.outline(_corners(face["BoundingBox"]), FACE, f"face {face['Confidence']:.0f} %")
        for point in face["Landmarks"]:
            pen.dot(point["X"], point["Y"], FACE)


def _labels(pen: Pen, answer: Mapping[str, Any]) -> None:
    for label in answer["Labels"]:
        for instance in label["Instances"]:
            caption = f"{label['Name']} {instance['Confidence']:.0f} %"
            pen.outline(_corners(instance["BoundingBox"]), LABEL, caption)


def _words(pen: Pen, answer: Mapping[str, Any]) -> None:
    for found in answer["TextDetections"]:
        corners = [(point["X"], point["Y"]) for point in found["Geometry"]["Polygon"]]
        # Words get their outline, lines the caption: so nothing is written twice.
        if found["Type"] == "LINE":
            pen.outline(corners, TEXT, f"{_drawable(found['DetectedText'])} {found['Confidence']:.0f} %")
        else:
            pen.outline(corners, TEXT, "")


def _drawable(text: str) -> str:
    """``text`` if Pillow's own typeface has its letters; else nothing, rather than a row of boxes."""
    return text if max(map(ord, text)) <= _LAST_LETTER else ""


def _equipment(pen: Pen, answer: Mapping[str, Any]) -> None:
    for person in answer["Persons"]:
        pen.outline(_corners(person["BoundingBox"]), WORN, f"person {person['Confidence']:.0f} %")
        for part in person["BodyParts"]:
            for item in part["EquipmentDetections"]:
                name = item["Type"].lower().replace("_", " ")
                pen.outline(_corners(item["BoundingBox"]), WORN, f"{name} {item['Confidence']:.0f} %")


_DRAWN: Mapping[str, Callable[[Pen, Mapping[str, Any]], None]] = MappingProxyType(
    {"DetectLabels": _labels, "DetectProtectiveEquipment": _equipment, "DetectText": _words, "DetectFaces": _faces}
)
"""What is drawn, in the order in which it is: later ones lie on top."""


def _corners(box: Mapping[str, float]) -> list[tuple[float, float]]:
    left, top = box["Left"], box["Top"]
    right, bottom = left + box["Width"], top + box["Height"]
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _with_strip(picture: PIL.Image.Image, pen: Pen, remarks_told: Sequence[str]) -> PIL.Image.Image:
    font = PIL.ImageFont.load_default(pen.text_px)
    lines = [line for remark in remarks_told for line in _wrapped(pen, font, remark)]
    tall = round(pen.text_px * 1.35)
    sheet = PIL.Image.new("RGB", (picture.width, picture.height + tall * len(lines) + pen.text_px // 2), _PAPER)
    sheet.paste(picture, (0, 0))
    draw = PIL.ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((pen.text_px // 2, picture.height + number * tall), line, fill=_INK, font=font)
    return sheet


def _wrapped(pen: Pen, font: Any, text: str) -> list[str]:
    """``text`` in a few lines that fit the picture, cut after them."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.draw.textlength(longer, font=font) <= pen.width - pen.text_px or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if len(lines) <= _STRIP_LINES else [*lines[: _STRIP_LINES - 1], f"{lines[_STRIP_LINES - 1]} ..."]
