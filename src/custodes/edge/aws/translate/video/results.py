"""Pages of video results in AWS members.

In: a page of a job. Out: the output of its Get operation. Results themselves are already spelled as the API does
(``video_format``); here they get their times, and what is said of the video and the job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from custodes.edge.aws.translate.members import face, sealed
from custodes.edge.aws.translate.route import Output
from custodes.gallery.entities import Face
from custodes.jobs.job import JobState
from custodes.operations.video.ports import Item
from custodes.operations.video.segments import MODEL_VERSION, SHOT, TECHNICAL_CUE, Segment
from custodes.operations.video.use_cases import VideoPage
from custodes.video.formats.facts import AudioFacts, VideoFacts
from custodes.video.timecode import timecode

_STATUS: Mapping[JobState, str] = MappingProxyType(
    {JobState.SUCCEEDED: "SUCCEEDED", JobState.FAILED: "FAILED", JobState.RUNNING: "IN_PROGRESS"}
)
# Operation: member of the results, of one result, of the model's version.
_MEMBERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "GetFaceDetection": ("Faces", "Face", ""),
        "GetFaceSearch": ("Persons", "Person", ""),
        "GetPersonTracking": ("Persons", "Person", ""),
        "GetLabelDetection": ("Labels", "Label", "LabelModelVersion"),
        "GetContentModeration": ("ModerationLabels", "ModerationLabel", "ModerationModelVersion"),
        "GetTextDetection": ("TextDetections", "TextDetection", "TextModelVersion"),
        "GetCelebrityRecognition": ("Celebrities", "Celebrity", ""),
        "GetSegmentDetection": ("Segments", "", ""),
    }
)
_SORTED = frozenset({"GetLabelDetection", "GetContentModeration"})


def page_output(operation: str) -> Callable[[VideoPage], Output]:
    """Renders pages of ``operation``."""
    results, result, version = _MEMBERS[operation]

    def render(page: VideoPage) -> Output:
        video = page.request.command.video
        output: Output = {
            "JobStatus": _STATUS[page.state],
            "StatusMessage": page.message,
            "NextToken": page.next_token,
            results: [],
            "JobId": page.job_id,
            "Video": {"S3Object": {"Bucket": video.bucket, "Name": video.name}},
            "JobTag": page.request.command.tag,
        }
        if page.facts is None:
            return output
        if operation == "GetSegmentDetection":
            return {**output, **_segments(page, page.facts)}
        output["VideoMetadata"] = video_metadata(page.facts)
        output[results] = [_item(item, result) for item in page.items]
        if version:
            output[version] = page.model_version
        if operation in _SORTED:
            ordering = page.ordering
            output["GetRequestMetadata"] = {"SortBy": ordering.sort_by, "AggregateBy": ordering.aggregate_by}
        return output

    return render


def video_metadata(facts: VideoFacts) -> Output:
    """The structure ``VideoMetadata``."""
    return {
        "Codec": facts.codec,
        "DurationMillis": facts.duration_ms,
        "Format": facts.container,
        "FrameRate": float(facts.frame_rate),
        "FrameHeight": facts.size.height,
        "FrameWidth": facts.size.width,
        "ColorRange": facts.colour_range.value,
    }


def audio_metadata(audio: AudioFacts) -> Output:
    """The structure ``AudioMetadata``."""
    return {
        "Codec": audio.codec,
        "DurationMillis": audio.duration_ms,
        "SampleRate": audio.sample_rate_hz,
        "NumberOfChannels": audio.channels,
    }


def _item(item: Item, member: str) -> Output:
    output: Output = {"Timestamp": item["t"], member: item["i"]}
    if "kinds" in item:
        output["ContentTypes"] = item["kinds"]
    if item.get("matches"):
        output["FaceMatches"] = [
            {"Similarity": pct, "Face": face(shown) if isinstance(shown, Face) else sealed(shown)}
            for pct, shown in item["matches"]
        ]
    if "end" in item:
        one = {name: value for name, value in item["i"].items() if name != "Instances"}
        output[member] = {**one, "Confidence": item["c"]}
        output["StartTimestampMillis"], output["EndTimestampMillis"] = item["start"], item["end"]
        output["DurationMillis"] = item["end"] - item["start"]
    return output


def _segments(page: VideoPage, facts: VideoFacts) -> Output:
    asked = page.request.command.options["SegmentTypes"]
    return {
        "VideoMetadata": [video_metadata(facts)],
        "AudioMetadata": [audio_metadata(audio) for audio in facts.audio],
        "Segments": [_segment(segment, facts) for segment in page.segments],
        "SelectedSegmentTypes": [
            {"Type": kind, "ModelVersion": MODEL_VERSION} for kind in (SHOT, TECHNICAL_CUE) if kind in asked
        ],
    }


def _segment(segment: Segment, facts: VideoFacts) -> Output:
    rate, frames = facts.frame_rate, segment.end_frame - segment.start_frame
    output: Output = {
        "Type": TECHNICAL_CUE if segment.shot is None else SHOT,
        "StartTimestampMillis": segment.start_ms,
        "EndTimestampMillis": segment.end_ms,
        "DurationMillis": segment.end_ms - segment.start_ms,
        "StartTimecodeSMPTE": timecode(segment.start_frame, rate),
        "EndTimecodeSMPTE": timecode(segment.end_frame, rate),
        "DurationSMPTE": timecode(frames, rate),
        "StartFrameNumber": segment.start_frame,
        "EndFrameNumber": segment.end_frame,
        "DurationFrames": frames,
    }
    if segment.shot is None:
        output["TechnicalCueSegment"] = {"Type": segment.cue, "Confidence": segment.confidence_pct}
    else:
        output["ShotSegment"] = {"Index": segment.shot, "Confidence": segment.confidence_pct}
    return output
