"""Manifests: one JSON object a line, each a picture with its labels; what is wrong with a line, by the API's codes.

In: text. Out: a ``ManifestLine`` for each line, with labels, boxes and errors; never an exception for what a client
wrote. Pictures are not looked at here. Source: Custom Labels guide, "Manifest files" and "Terminal and non-terminal
errors" (behaviour specification, section 3.13).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import orjson

MAX_NAME_CHARS = 255
MAX_BOXES = 50
MAX_LABELS_A_PICTURE = 50
MAX_SIDE_PX, MIN_SIDE_PX, MAX_ASPECT = 4096, 64, 20
MAX_LINE_CHARS = 100_000
SOURCE = "source-ref"
ADAPTER = "content-moderation-groundtruth"
_SOURCE_REF = re.compile(r"s3://(?P<bucket>[0-9A-Za-z.\-_]{3,255})/(?P<name>.{1,1024})", re.DOTALL)
_CLASSIFICATION, _DETECTION = "groundtruth/image-classification", "groundtruth/object-detection"
_REQUIRED = ("human-annotated", "creation-date", "type")
_OWN = frozenset({"cl-metadata", "errors"})
"""Keys that this program adds when it lists a line; read back, they say nothing."""


class UseCase(StrEnum):
    """What a line's labels are about (words of the manifest summary)."""

    IMAGE = "IMAGE_LEVEL_LABELS"
    OBJECT = "OBJECT_LOCALIZATION"
    UNKNOWN = "NOT_DETERMINED"


@dataclass(frozen=True, slots=True)
class LineError:
    """An error or warning of one line."""

    code: str
    message: str

    @property
    def is_error(self) -> bool:
        """Whether the line cannot be used."""
        return self.code.startswith("ERROR")


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A box in pixels of the upright picture, with its label."""

    name: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One line.

    Attributes:
        text: as it is listed, without what this program adds.
        source: the picture's ``s3://`` reference; empty where there is none.
        use_case: what its labels are about.
        names: labels of the whole picture.
        boxes: labelled boxes.
        size: width and height in pixels that the line states.
        labeled: whether somebody labelled it, be it with nothing.
        errors: what is wrong.
    """

    text: str
    source: str = ""
    use_case: UseCase = UseCase.UNKNOWN
    names: tuple[str, ...] = ()
    boxes: tuple[LabelledBox, ...] = ()
    size: tuple[int, int] | None = None
    labeled: bool = False
    errors: tuple[LineError, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it has no error; warnings do not count."""
        return not any(error.is_error for error in self.errors)

    @property
    def label_names(self) -> frozenset[str]:
        """All labels, of the picture and of boxes."""
        return frozenset(self.names) | {box.name for box in self.boxes}

    @property
    def place(self) -> tuple[str, str]:
        """Bucket and key of the picture."""
        found = _SOURCE_REF.fullmatch(self.source)
        return (found["bucket"], found["name"]) if found else ("", "")

    def with_error(self, code: str) -> ManifestLine:
        """The same with one error more."""
        return replace(self, errors=(*self.errors, line_error(code)))

    def listed(self) -> str:
        """As ListDatasetEntries gives it: with ``cl-metadata`` and with the errors, if any."""
        known = _object(self.text)
        extra: dict[str, Any] = {"cl-metadata": {"is_labeled": self.labeled}}
        if self.errors:
            extra["errors"] = [{"code": error.code, "message": error.message} for error in self.errors]
        return orjson.dumps({**({} if known is None else known), **extra}).decode()


MESSAGES: Mapping[str, str] = {
    "ERROR_MISSING_SOURCE_REF": "The source-ref key is missing.",
    "ERROR_INVALID_SOURCE_REF_FORMAT": "The format of the source-ref value is invalid.",
    "ERROR_NO_LABEL_ATTRIBUTES": "No label attributes found.",
    "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT": "The format of a label attribute is invalid.",
    "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT": "The format of a label attribute's metadata is invalid.",
    "ERROR_NO_VALID_LABEL_ATTRIBUTES": "No valid label attributes found.",
    "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE": "The confidence of one or more bounding boxes is missing.",
    "ERROR_MISSING_CLASS_MAP_ID": "One or more class ids are missing from the class map.",
    "ERROR_INVALID_JSON_LINE": "The line is not a JSON object.",
    "ERROR_INVALID_IMAGE": "The image is invalid. Check its S3 path, permissions and format.",
    "ERROR_INVALID_IMAGE_DIMENSION": "The image's dimensions are not those that the line states, or not allowed.",
    "ERROR_INVALID_BOUNDING_BOX": "A bounding box has values that are not inside the image.",
    "ERROR_NO_VALID_ANNOTATIONS": "No valid annotations found.",
    "ERROR_BOUNDING_BOX_TOO_SMALL": "The width or height of a bounding box is too small.",
    "ERROR_TOO_MANY_BOUNDING_BOXES": "There are more bounding boxes than the allowed maximum.",
    "WARNING_UNANNOTATED_RECORD": "The record is not annotated.",
    "WARNING_NO_ANNOTATIONS": "No annotations provided.",
    "WARNING_NO_ATTRIBUTE_ANNOTATIONS": "No attribute annotations provided.",
    "ERROR_UNSUPPORTED_USE_CASE_TYPE": "The type in a label attribute's metadata is not supported.",
    "ERROR_INVALID_LABEL_NAME_LENGTH": "The length of a label name is too long or too short.",
}
"""Every code that a line may have, with its message."""


def line_error(code: str) -> LineError:
    """The error of ``code``."""
    return LineError(code, MESSAGES[code])


def read_manifest(text: str, *, adapter: bool = False) -> Iterator[ManifestLine]:
    """Entries of all lines that are not empty, in their order; ``adapter`` for training data of moderation."""
    for line in text.split("\n"):
        if line.strip():
            yield read_line(line.strip(), adapter=adapter)


def read_line(text: str, *, adapter: bool = False) -> ManifestLine:
    """One line."""
    known = _object(text) if len(text) <= MAX_LINE_CHARS else None
    if known is None:
        return ManifestLine(text, errors=(line_error("ERROR_INVALID_JSON_LINE"),))
    known = {name: value for name, value in known.items() if name not in _OWN}
    found = _Found(ManifestLine(orjson.dumps(known).decode()))
    _read_source(found, known)
    if adapter:
        _read_adapter(found, known)
    else:
        _read_labels(found, known)
    return found.entry()


def read_source(text: str) -> tuple[str, str]:
    """The picture that a line names, and the code of what is wrong with it; one of them is empty."""
    known = _object(text)
    if known is None:
        return "", "ERROR_INVALID_JSON_LINE"
    found = _Found(ManifestLine(""))
    _read_source(found, known)
    return found.source, next(iter(found.codes), "")


@dataclass(slots=True)
class _Found:
    """What was read of a line so far."""

    start: ManifestLine
    source: str = ""
    names: list[str] = field(default_factory=list)
    boxes: list[LabelledBox] = field(default_factory=list)
    size: tuple[int, int] | None = None
    use_case: UseCase = UseCase.UNKNOWN
    labeled: bool = False
    codes: dict[str, None] = field(default_factory=dict)

    def wrong(self, code: str) -> None:
        self.codes[code] = None

    def entry(self) -> ManifestLine:
        errors = tuple(line_error(code) for code in self.codes)
        names = tuple(dict.fromkeys(self.names))
        return replace(
            self.start,
            source=self.source,
            use_case=self.use_case,
            names=names,
            boxes=tuple(self.boxes),
            size=self.size,
            labeled=self.labeled,
            errors=errors,
        )


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _read_source(found: _Found, known: Mapping[str, Any]) -> None:
    source = known.get(SOURCE)
    if source is None:
        found.wrong("ERROR_MISSING_SOURCE_REF")
    elif not isinstance(source, str) or not _SOURCE_REF.fullmatch(source):
        found.wrong("ERROR_INVALID_SOURCE_REF_FORMAT")
    else:
        found.source = source


def _read_adapter(found: _Found, known: Mapping[str, Any]) -> None:
    truth = known.get(ADAPTER)
    if truth is None:
        found.wrong("ERROR_NO_LABEL_ATTRIBUTES")
        return
    labels = truth.get("ModerationLabels") if isinstance(truth, dict) else None
    names = [one.get("Name") if isinstance(one, dict) else None for one in labels] if isinstance(labels, list) else None
    if names is None or not all(isinstance(name, str) and name for name in names):
        found.wrong("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT")
        return
    found.use_case, found.labeled = UseCase.IMAGE, True
    found.names = [str(name) for name in names]


def _read_labels(found: _Found, known: Mapping[str, Any]) -> None:
    attributes = [name for name in known if name != SOURCE and not name.endswith("-metadata")]
    if not attributes:
        found.wrong("WARNING_UNANNOTATED_RECORD" if known.keys() <= {SOURCE} else "ERROR_NO_LABEL_ATTRIBUTES")
        return
    if all(known[name] is None for name in attributes):
        found.wrong("WARNING_NO_ATTRIBUTE_ANNOTATIONS")
        return
    valid = 0
    for name in attributes:
        valid += _read_attribute(found, known[name], known.get(f"{name}-metadata"))
    if not valid:
        found.wrong("ERROR_NO_VALID_LABEL_ATTRIBUTES")
    elif found.use_case is UseCase.IMAGE and len(set(found.names)) > MAX_LABELS_A_PICTURE:
        found.wrong("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT")


def _read_attribute(found: _Found, value: Any, metadata: Any) -> bool:
    """Whether the attribute can be used."""
    if not isinstance(metadata, dict) or not all(name in metadata for name in _REQUIRED):
        found.wrong("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT")
        return False
    kind = metadata["type"]
    if kind == _CLASSIFICATION:
        return _read_classification(found, value, metadata)
    if kind == _DETECTION:
        return _read_detection(found, value, metadata)
    found.wrong("ERROR_UNSUPPORTED_USE_CASE_TYPE")
    return False


def _read_classification(found: _Found, value: Any, metadata: Mapping[str, Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str):
        found.wrong("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT")
        return False
    name, confidence = metadata.get("class-name"), metadata.get("confidence", 1)
    if not isinstance(name, str) or not _is_share(confidence):
        found.wrong("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT")
        return False
    if not _fits(found, name):
        return False
    found.use_case = UseCase.IMAGE if found.use_case is UseCase.UNKNOWN else found.use_case
    found.labeled = True
    found.names.append(name)
    return True


def _read_detection(found: _Found, value: Any, metadata: Mapping[str, Any]) -> bool:
    size, annotations = _size_of(value), value.get("annotations") if isinstance(value, dict) else None
    if size is None or not isinstance(annotations, list):
        found.wrong("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT")
        return False
    objects, classes = metadata.get("objects"), metadata.get("class-map")
    if not isinstance(objects, list) or not isinstance(classes, dict):
        found.wrong("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT")
        return False
    found.use_case, found.size, found.labeled = UseCase.OBJECT, size, True
    if not annotations:
        found.wrong("WARNING_NO_ANNOTATIONS")
        return True
    if len(annotations) > MAX_BOXES:
        found.wrong("ERROR_TOO_MANY_BOUNDING_BOXES")
        return True
    if len(objects) != len(annotations) or not all(
        isinstance(o, dict) and _is_share(o.get("confidence")) for o in objects
    ):
        found.wrong("ERROR_MISSING_BOUNDING_BOX_CONFIDENCE")
        return True
    good = sum(_read_box(found, annotation, classes, size) for annotation in annotations)
    if not good:
        found.wrong("ERROR_NO_VALID_ANNOTATIONS")
    return True


def _read_box(found: _Found, value: Any, classes: Mapping[str, Any], size: tuple[int, int]) -> bool:
    numbers: list[Any] = (
        [value.get(side) for side in ("left", "top", "width", "height")] if isinstance(value, dict) else []
    )
    if len(numbers) != 4 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        found.wrong("ERROR_INVALID_BOUNDING_BOX")
        return False
    left, top, width, height = (float(number) for number in numbers)
    if width < 1 or height < 1:
        found.wrong("ERROR_BOUNDING_BOX_TOO_SMALL")
        return False
    if left < 0 or top < 0 or left + width > size[0] or top + height > size[1]:
        found.wrong("ERROR_INVALID_BOUNDING_BOX")
        return False
    name = classes.get(str(value.get("class_id")))
    if not isinstance(name, str):
        found.wrong("ERROR_MISSING_CLASS_MAP_ID")
        return False
    if not _fits(found, name):
        return False
    found.boxes.append(LabelledBox(name, left, top, width, height))
    return True


def _fits(found: _Found, name: str) -> bool:
    if 1 <= len(name) <= MAX_NAME_CHARS:
        return True
    found.wrong("ERROR_INVALID_LABEL_NAME_LENGTH")
    return False


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _size_of(value: Any) -> tuple[int, int] | None:
    sizes = value.get("image_size") if isinstance(value, dict) else None
    first = sizes[0] if isinstance(sizes, list) and sizes else None
    if not isinstance(first, dict):
        return None
    width, height = first.get("width"), first.get("height")
    if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0:
        return width, height
    return None
