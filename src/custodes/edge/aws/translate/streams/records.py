"""What live streams tell, as the API spells it. Implements ``StreamFormat``.

Source: developer guide, "Reading streaming video analysis results" and "Amazon SNS notification of label detection".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import orjson

from custodes.core.box import Size
from custodes.edge.aws.translate.face_detail import compared_face
from custodes.edge.aws.translate.members import face as enrolled_face
from custodes.operations.streams.ports import FaceSeen, Fragment, LiveFrame, ThingSeen
from custodes.video.live.processor import LabelTask, StreamProcessor

_DETECTED = ("BoundingBox", "Confidence", "Landmarks", "Pose", "Quality")
_MATCHED = ("BoundingBox", "FaceId", "Confidence", "ImageId", "ExternalImageId")


class AwsStreamFormat:
    """Spells records and messages."""

    def face_record(self, fragment: Fragment, frame: LiveFrame, size: Size, faces: Sequence[FaceSeen]) -> bytes:
        """See StreamFormat."""
        members = {
            "InputInformation": {
                "KinesisVideo": {
                    "StreamArn": fragment.source_arn,
                    "FragmentNumber": fragment_number(fragment),
                    "ServerTimestamp": fragment.start_ts_ms / 1000,
                    "ProducerTimestamp": fragment.start_ts_ms / 1000,
                    "FrameOffsetInSeconds": (frame.ts_ms - fragment.start_ts_ms) / 1000,
                }
            },
            "StreamProcessorInformation": {"Status": "RUNNING"},
            "FaceSearchResponse": [_seen(one, size) for one in faces],
        }
        return orjson.dumps(members)

    def labels_message(
        self, processor: StreamProcessor, fragment: Fragment, frame: LiveFrame, size: Size, things: Sequence[ThingSeen]
    ) -> bytes:
        """See StreamFormat."""
        task = processor.task
        assert isinstance(task, LabelTask)
        mapping = {
            "fragmentNumber": fragment_number(fragment),
            "serverTimestamp": fragment.start_ts_ms,
            "producerTimestamp": fragment.start_ts_ms,
            "frameOffsetMillis": frame.ts_ms - fragment.start_ts_ms,
        }
        labels = []
        for thing in things:
            box = thing.instance.box_px.to_ratio(size)
            labels.append(
                {
                    "id": str(uuid.uuid5(uuid.NAMESPACE_OID, thing.crop_key)),
                    "name": thing.name,
                    "confidence": thing.instance.confidence_pct,
                    "frameImageUri": f"s3://{task.bucket}/{thing.frame_key}",
                    "croppedImageUri": f"s3://{task.bucket}/{thing.crop_key}",
                    "videoMapping": {"kinesisVideoMapping": mapping},
                    "boundingBox": {"left": box.left, "top": box.top, "height": box.height, "width": box.width},
                }
            )
        name = f"{fragment.number}/{frame.ts_ms}"
        return _message(processor, "LABEL_DETECTED", name, {"streamArn": processor.source_arn}, {"labels": labels})

    def complete_message(self, processor: StreamProcessor, watched_ms: int, result: str) -> bytes:
        """See StreamFormat."""
        video = {"streamArn": processor.source_arn, "processedVideoDurationMillis": watched_ms}
        more = {"streamProcessingResults": {"message": result}}
        return _message(processor, "STREAM_PROCESSING_COMPLETE", "complete", video, more)


def fragment_number(fragment: Fragment) -> str:
    """As Kinesis writes it: a number of 20 digits that rises."""
    return f"{fragment.start_ts_ms * 1000 + fragment.number % 1000:020d}"


def _message(
    processor: StreamProcessor, kind: str, name: str, video: Mapping[str, object], more: Mapping[str, object]
) -> bytes:
    run = processor.run
    session_id = "" if run is None else run.session_id
    return orjson.dumps(
        {
            "inputInformation": {"kinesisVideo": video},
            "eventNamespace": {"type": kind},
            **more,
            "eventId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{session_id}/{name}")),
            "tags": dict(processor.tags),
            "sessionId": session_id,
            "startStreamProcessorRequest": {} if run is None else dict(run.request),
        }
    )


def _seen(one: FaceSeen, size: Size) -> dict[str, object]:
    detected = compared_face(one.face, size)
    matches = []
    for similarity_pct, face in one.matches:
        told = enrolled_face(face)
        matches.append(
            {"Similarity": similarity_pct, "Face": {name: told[name] for name in _MATCHED if told[name] is not None}}
        )
    return {"DetectedFace": {name: detected[name] for name in _DETECTED}, "MatchedFaces": matches}
