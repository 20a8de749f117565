"""DetectText between AWS members and commands."""

from __future__ import annotations

from custodes.core.box import BoxRatio, Size
from custodes.edge.aws.translate.members import bounding_box, image_input
from custodes.edge.aws.translate.route import Output, Params, gated
from custodes.edge.aws.wire import Handler
from custodes.engine.results.text import Quad, TextFound, TextLine, TextWord
from custodes.operations.images.detect_text import DetectText, TextDetected, TextDetection
from custodes.operations.images.text_filter import EVERY_WORD, Region, WordFilter, rectangle
from custodes.operations.requests.gate import Gate

_DEFAULT_MIN_CONFIDENCE_PCT = 80.0
"""Of a request that has a WordFilter; without one, every word is told. Source: service model, DetectionFilter."""


def handlers(gate: Gate, detection: TextDetection) -> dict[str, Handler]:
    """Handlers of this family by operation."""
    return {"DetectText": gated(gate, detect_command, detection.detect_text, detect_output)}


def detect_command(params: Params) -> DetectText:
    """Parameters of DetectText."""
    filters = params.get("Filters", {})
    return DetectText(
        image=image_input(params["Image"]),
        word_filter=word_filter(filters["WordFilter"]) if "WordFilter" in filters else EVERY_WORD,
        regions=tuple(region_of_interest(region) for region in filters.get("RegionsOfInterest", ())),
    )


def detect_output(result: TextDetected) -> Output:
    """Output of DetectText."""
    return {"TextDetections": detections(result.found), "TextModelVersion": result.model_version}


def detections(found: TextFound) -> list[Output]:
    """Structures ``TextDetection``: all lines, then all words; ids count through both."""
    size, lines = found.size, found.lines
    rows = [{**_detection(line, size), "Type": "LINE", "Id": number} for number, line in enumerate(lines)]
    words = [(number, word) for number, line in enumerate(lines) for word in line.words]
    rows += [
        {**_detection(word, size), "Type": "WORD", "Id": len(lines) + number, "ParentId": parent}
        for number, (parent, word) in enumerate(words)
    ]
    return rows


def _detection(text: TextLine | TextWord, size: Size) -> Output:
    return {"DetectedText": text.text, "Confidence": text.confidence_pct, "Geometry": geometry(text.quad, size)}


def geometry(quad: Quad, size: Size) -> Output:
    """The structure ``Geometry``."""
    return {
        "BoundingBox": bounding_box(quad.box_px.to_ratio(size)),
        "Polygon": [{"X": x / size.width, "Y": y / size.height} for x, y in quad.points],
    }


def word_filter(members: Params) -> WordFilter:
    """The structure ``DetectionFilter``."""
    return WordFilter(
        members.get("MinConfidence", _DEFAULT_MIN_CONFIDENCE_PCT),
        members.get("MinBoundingBoxHeight", 0.0),
        members.get("MinBoundingBoxWidth", 0.0),
    )


def region_of_interest(members: Params) -> Region:
    """A region has a box or a polygon. What is neither or both becomes no area, which the command's check refuses."""
    given: list[Region] = []
    if "Polygon" in members:
        given.append(tuple((point.get("X", 0.0), point.get("Y", 0.0)) for point in members["Polygon"]))
    if "BoundingBox" in members:
        box = members["BoundingBox"]
        left, top, width, height = (box.get(side, 0.0) for side in ("Left", "Top", "Width", "Height"))
        given.append(rectangle(BoxRatio(left, top, width, height)))
    return given[0] if len(given) == 1 else ()
