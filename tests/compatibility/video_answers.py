"""Requests that make every operation on stored video return every member that this server returns."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from tests.fakes.clips import lossless, with_sound
from tests.fakes.mp4 import sound_track
from tests.fakes.waiting import eventually

BUCKET = "films"
FAMILIES = {
    "FaceDetection": "face_detection",
    "FaceSearch": "face_search",
    "PersonTracking": "person_tracking",
    "LabelDetection": "label_detection",
    "ContentModeration": "content_moderation",
    "TextDetection": "text_detection",
    "CelebrityRecognition": "celebrity_recognition",
    "SegmentDetection": "segment_detection",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "FaceDetection": {"FaceAttributes": "ALL"},
    "LabelDetection": {"MinConfidence": 1},
    "ContentModeration": {"MinConfidence": 0},
    "SegmentDetection": {"SegmentTypes": ["SHOT", "TECHNICAL_CUE"]},
}
JOINED = ("LabelDetection", "ContentModeration")


def write_films(folder: Path, pictures: dict[str, bytes]) -> None:
    """A film for each picture: a second of it, with the structure of a sound track, then a second without anything."""
    folder.mkdir(exist_ok=True)
    for name, data in pictures.items():
        rgb = np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
        height, width = (side // 2 * 2 for side in rgb.shape[:2])
        picture = rgb[:height, :width]
        path = lossless(folder / f"{name}.mov", [picture] * 25 + [np.zeros_like(picture)] * 25)
        with_sound(path, sound_track())
    bright = np.full((240, 320, 3), 180, np.uint8)
    with_sound(lossless(folder / "bright.mov", [bright] * 25 + [np.zeros_like(bright)] * 25), sound_track())
    (folder / "broken.mov").write_bytes(b"broken")


def ended(client: Any, family: str, job: str, **more: Any) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer: dict[str, Any] = getattr(client, f"get_{FAMILIES[family]}")(JobId=job, **more)
        return answer if answer["JobStatus"] != "IN_PROGRESS" else None

    return eventually(look)


def start(client: Any, family: str, film: str, options: dict[str, Any]) -> str:
    video = {"S3Object": {"Bucket": BUCKET, "Name": f"{film}.mov"}}
    begin = getattr(client, f"start_{FAMILIES[family]}")
    return str(begin(Video=video, JobTag="tag", **OPTIONS.get(family, {}), **options)["JobId"])


def started(family: str, film: str) -> Any:
    def answers(studio: Any) -> list[Any]:
        options = {"CollectionId": "people"} if family == "FaceSearch" else {}
        job = start(studio.client, family, film, options)
        ended(studio.client, family, job)
        return [{"JobId": job}]

    return answers


def got(family: str, film: str) -> Any:
    def answers(studio: Any) -> list[Any]:
        client, options = studio.client, {}
        if family == "FaceSearch":
            options = {"CollectionId": "people", "FaceMatchThreshold": 0.0}
            made = client.index_faces(
                CollectionId="people", Image={"Bytes": studio.one}, ExternalImageId="ann", MaxFaces=1
            )
            face = made["FaceRecords"][0]["Face"]["FaceId"]
            client.create_user(CollectionId="people", UserId="ann")
            client.associate_faces(CollectionId="people", UserId="ann", FaceIds=[face])
        if family == "CelebrityRecognition":
            studio.known_person()
        job = start(client, family, film, options)
        pages = [ended(client, family, job), ended(client, family, job, MaxResults=1)]
        if family in JOINED:
            pages.append(ended(client, family, job, AggregateBy="SEGMENTS"))
        failed = ended(client, family, start(client, family, "broken", options))
        return [*pages, failed]

    return answers


FILMS = {"TextDetection": "text", "LabelDetection": "labels", "SegmentDetection": "bright"}
VIDEO_ANSWERS = {
    **{f"Start{family}": started(family, FILMS.get(family, "two")) for family in FAMILIES},
    **{f"Get{family}": got(family, FILMS.get(family, "two")) for family in FAMILIES},
}
