"""Pictures and manifests in folders that a server reads as buckets, and lines of manifests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custodes.core.slot import Slot
from custodes.engine.results.face import MAX_FACES, Detail, FacesFound
from custodes.imaging.image import Image
from tests.fakes.custom import plain
from tests.fakes.engine import SquareEngine
from tests.fakes.live import LiveServer

PICTURES, RESULTS = "pictures", "results"
DATE = "2026-11-29T10:00:00.000000"


class FacesInLargePictures(SquareEngine):
    """Sees squares as faces, but none in the small plain pictures, every shade of which it would look at."""

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        if image.size.width in (120, 416):
            return FacesFound(image.size, ())
        return super().detect(slot, image, detail, at_most)


@dataclass(frozen=True)
class Studio:
    """A server, a client of its account, and the folders of its buckets."""

    server: LiveServer
    client: Any
    pictures: Path
    results: Path

    def put(self, name: str, data: bytes) -> str:
        """Reference of a new picture or manifest."""
        place = self.pictures / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return f"s3://{PICTURES}/{name}"

    def manifest(self, name: str, lines: Sequence[Any]) -> dict[str, Any]:
        """A DatasetSource for lines, each text or JSON."""
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        self.put(name, text.encode())
        return {"GroundTruthManifest": {"S3Object": {"Bucket": PICTURES, "Name": name}}}

    def coloured(self, colours: Sequence[str], count: int, prefix: str = "") -> list[dict[str, Any]]:
        """Lines of plain pictures, ``count`` of each colour."""
        return [
            image_line(self.put(f"{prefix}{colour}-{i}.png", plain(colour, i)), colour)
            for colour in colours
            for i in range(count)
        ]

    def project(self, name: str, **options: Any) -> str:
        return self.client.create_project(ProjectName=name, **options)["ProjectArn"]

    def dataset(self, project: str, kind: str, **options: Any) -> str:
        return self.client.create_dataset(ProjectArn=project, DatasetType=kind, **options)["DatasetArn"]

    def described(self, project: str) -> dict[str, Any]:
        """The newest version."""
        return self.client.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"][0]

    def train(self, project: str, name: str = "v1", **options: Any) -> str:
        output = {"S3Bucket": RESULTS, "S3KeyPrefix": "out"}
        return self.client.create_project_version(ProjectArn=project, VersionName=name, OutputConfig=output, **options)[
            "ProjectVersionArn"
        ]

    def result(self, place: dict[str, Any]) -> bytes:
        """A file that a training wrote."""
        assert place["S3Object"]["Bucket"] == RESULTS
        return (self.results / place["S3Object"]["Name"]).read_bytes()


def image_line(source: str, *names: str) -> dict[str, Any]:
    """A line of a picture with labels of the whole."""
    line: dict[str, Any] = {"source-ref": source}
    for i, name in enumerate(names):
        line[f"label-{i}"] = i
        line[f"label-{i}-metadata"] = {
            "class-name": name,
            "confidence": 1,
            "type": "groundtruth/image-classification",
            "job-name": "labels",
            "human-annotated": "yes",
            "creation-date": DATE,
        }
    return line


def box_line(source: str, size: tuple[int, int], *boxes: tuple[str, int, int, int, int]) -> dict[str, Any]:
    """A line of a picture with labelled boxes: name, left, top, width, height."""
    names = list(dict.fromkeys(box[0] for box in boxes))
    sides = ("left", "top", "width", "height")
    return {
        "source-ref": source,
        "boxes": {
            "image_size": [{"width": size[0], "height": size[1], "depth": 3}],
            "annotations": [
                {"class_id": names.index(box[0]), **dict(zip(sides, box[1:], strict=True))} for box in boxes
            ],
        },
        "boxes-metadata": {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {str(i): name for i, name in enumerate(names)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": DATE,
            "job-name": "boxes",
        },
    }
