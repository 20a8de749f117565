"""What an answer says about a picture, for people: marks to draw over it, and the same as rows of a table.

In: answers of image operations in AWS members. Out: ``Findings``. Boxes and points are shares of the picture's
width and height, as in the API. It draws nothing: the browser does, over the picture that it kept; the table says all
of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custodes.console.web.rendering import percent

Answer = Mapping[str, Any]
Cell = str
_ALIKE_PCT = 80.0
"""From here a face is drawn as a match. Source: the API's default threshold."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing in a picture.

    Attributes:
        number: of its row in the table.
        box: left, top, width, height in 0..1; empty for none.
        kind: how it is drawn: ``found``, ``match``, ``other`` or ``bad``.
        points: landmarks.
        outline: corners of a polygon, drawn instead of the box.
    """

    number: int
    box: Sequence[float] = ()
    kind: str = "found"
    points: Sequence[Sequence[float]] = ()
    outline: Sequence[Sequence[float]] = ()

    def members(self) -> Mapping[str, object]:
        """For the script that draws."""
        return {
            "number": self.number,
            "box": list(self.box),
            "kind": self.kind,
            "points": [list(point) for point in self.points],
            "outline": [list(corner) for corner in self.outline],
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """What is shown of one picture: ``input`` names the field it was sent in, ``columns`` are names of messages."""

    input: str
    marks: Sequence[Mark]
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def drawn(self) -> list[Mapping[str, object]]:
        """The marks for the script."""
        return [mark.members() for mark in self.marks]


def faces(answer: Answer) -> Findings:
    """Of DetectFaces."""
    marks, rows = [], []
    for number, face in enumerate(answer["FaceDetails"], 1):
        marks.append(Mark(number, _box(face), points=_points(face)))
        rows.append(
            [
                str(number),
                percent(face["Confidence"]),
                _age(face),
                _gender(face),
                _emotion(face),
                ", ".join(_said(face)),
                _pose(face),
                _quality(face),
            ]
        )
    columns = ("number", "certainty", "age", "gender", "emotion", "traits", "pose", "quality")
    return Findings("picture", marks, columns, rows)


def compared(answer: Answer) -> tuple[Findings, Findings]:
    """Of CompareFaces: the first picture with the face that was compared, the second with all faces of it."""
    source = answer["SourceImageFace"]
    first = Findings("source", [Mark(1, _box(source))], ("number", "certainty"), [["1", percent(source["Confidence"])]])
    marks, rows = [], []
    for number, match in enumerate(answer["FaceMatches"], 1):
        kind = "match" if match["Similarity"] >= _ALIKE_PCT else "other"
        marks.append(Mark(number, _box(match["Face"]), kind, _points(match["Face"])))
        rows.append([str(number), percent(match["Similarity"]), percent(match["Face"]["Confidence"])])
    for number, face in enumerate(answer["UnmatchedFaces"], len(rows) + 1):
        marks.append(Mark(number, _box(face), "other", _points(face)))
        rows.append([str(number), "", percent(face["Confidence"])])
    return first, Findings("target", marks, ("number", "similarity", "certainty"), rows)


def searched(answer: Answer) -> Findings:
    """Of SearchFacesByImage: the face that was searched for."""
    if "SearchedFaceBoundingBox" not in answer:
        return Findings("picture", [], (), [])
    mark = Mark(1, _box({"BoundingBox": answer["SearchedFaceBoundingBox"]}))
    return Findings("picture", [mark], (), [])


def labels(answer: Answer) -> Findings:
    """Of DetectLabels; a label without places has a row and no mark."""
    marks, rows = [], []
    for number, label in enumerate(answer["Labels"], 1):
        places = label.get("Instances", [])
        marks += [Mark(number, _box(place)) for place in places]
        parents = ", ".join(parent["Name"] for parent in label.get("Parents", []))
        rows.append([str(number), label["Name"], percent(label["Confidence"]), str(len(places) or ""), parents])
    return Findings("picture", marks, ("number", "label", "certainty", "places", "parents"), rows)


def custom(answer: Answer) -> Findings:
    """Of DetectCustomLabels, those that it is surest of first."""
    marks, rows = [], []
    for number, label in enumerate(sorted(answer["CustomLabels"], key=lambda one: -one["Confidence"]), 1):
        if label.get("Geometry"):
            marks.append(Mark(number, _box(label["Geometry"])))
        rows.append([str(number), label["Name"], percent(label["Confidence"])])
    return Findings("picture", marks, ("number", "label", "certainty"), rows)


def text(answer: Answer) -> Findings:
    """Of DetectText: its lines."""
    lines = [found for found in answer["TextDetections"] if found["Type"] == "LINE"]
    marks = [
        Mark(number, outline=[(corner["X"], corner["Y"]) for corner in line["Geometry"]["Polygon"]])
        for number, line in enumerate(lines, 1)
    ]
    rows = [[str(number), line["DetectedText"], percent(line["Confidence"])] for number, line in enumerate(lines, 1)]
    return Findings("picture", marks, ("number", "text", "certainty"), rows)


def moderation(answer: Answer) -> Findings:
    """Of DetectModerationLabels, which have no places."""
    found = answer["ModerationLabels"]
    rows = [
        [str(number), label["Name"], label.get("ParentName", ""), percent(label["Confidence"])]
        for number, label in enumerate(found, 1)
    ]
    return Findings("picture", [], ("number", "label", "parents", "certainty"), rows)


def equipment(answer: Answer) -> Findings:
    """Of DetectProtectiveEquipment: a row for each person, a mark for the person and each piece."""
    marks, rows = [], []
    for number, person in enumerate(answer["Persons"], 1):
        pieces = [(part["Name"], piece) for part in person["BodyParts"] for piece in part["EquipmentDetections"]]
        marks.append(Mark(number, _box(person), "other"))
        marks += [Mark(number, _box(piece), "match" if _covers(piece) else "bad") for _, piece in pieces]
        worn = ", ".join(f"{piece['Type'].replace('_', ' ').lower()} ({part.lower()})" for part, piece in pieces)
        rows.append([str(number), percent(person["Confidence"]), worn])
    return Findings("picture", marks, ("number", "certainty", "worn"), rows)


def _box(owner: Answer) -> tuple[float, ...]:
    box = owner.get("BoundingBox")
    return () if box is None else tuple(round(box[side], 4) for side in ("Left", "Top", "Width", "Height"))


def _points(face: Answer) -> list[tuple[float, float]]:
    return [(round(point["X"], 4), round(point["Y"], 4)) for point in face.get("Landmarks", ())]


def _covers(piece: Answer) -> bool:
    covers: bool = piece.get("CoversBodyPart", {}).get("Value", False)
    return covers


def _age(face: Answer) -> str:
    age = face.get("AgeRange")
    return "" if age is None else f"{age['Low']}\N{EN DASH}{age['High']}"


def _gender(face: Answer) -> str:
    gender = face.get("Gender")
    return "" if gender is None else f"{gender['Value']} ({percent(gender['Confidence'])})"


def _emotion(face: Answer) -> str:
    emotions = sorted(face.get("Emotions", ()), key=lambda one: -one["Confidence"])
    return f"{emotions[0]['Type'].capitalize()} ({percent(emotions[0]['Confidence'])})" if emotions else ""


_TRAITS = ("Smile", "Eyeglasses", "Sunglasses", "Beard", "Mustache", "EyesOpen", "MouthOpen", "FaceOccluded")


def _said(face: Answer) -> Iterator[str]:
    for name in _TRAITS:
        trait = face.get(name)
        if trait is not None and trait["Value"]:
            yield "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _pose(face: Answer) -> str:
    pose = face.get("Pose")
    return "" if pose is None else "{Yaw:+.0f}° / {Pitch:+.0f}° / {Roll:+.0f}°".format(**pose)


def _quality(face: Answer) -> str:
    quality = face.get("Quality")
    return "" if quality is None else f"{quality['Sharpness']:.0f} / {quality['Brightness']:.0f}"
