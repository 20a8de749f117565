"""``custodes video``: what is in a stored video, and who of a collection is seen in it.

In: a file, or ``s3://BUCKET/NAME`` for an object that the server reads. Out: text, JSON, a page, a time line, an
annotated copy. A running server does the work, else this process over the data directory; either way it is on record,
and a command that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.options import (
    DATA,
    CollectionOption,
    DataOption,
    DataPlaceOption,
    DeviceOption,
    EndpointOption,
    JsonOption,
)
from custodes.cli.output import print_json
from custodes.core.errors import InvalidParameterError
from custodes.settings import Settings, from_environment

if TYPE_CHECKING:
    from custodes.cli.video.findings import VideoFindings
    from custodes.cli.video.pictures import Watch
    from custodes.cli.video.submission import VideoQuestion

app = typer.Typer(help="Find what is in stored videos, and who.", no_args_is_help=True)


class VideoSubject(StrEnum):
    """What may be asked about a video."""

    FACES = "faces"
    LABELS = "labels"
    TEXT = "text"
    PERSONS = "persons"
    SEGMENTS = "segments"
    MODERATION = "moderation"
    CELEBRITIES = "celebrities"


_ASKED: Mapping[VideoSubject, tuple[str, Mapping[str, Any], str]] = MappingProxyType(
    {
        VideoSubject.FACES: ("FaceDetection", {}, "Faces"),
        VideoSubject.LABELS: ("LabelDetection", {}, "Labels"),
        VideoSubject.TEXT: ("TextDetection", {}, "TextDetections"),
        VideoSubject.PERSONS: ("PersonTracking", {}, "Persons"),
        VideoSubject.SEGMENTS: ("SegmentDetection", {"SegmentTypes": ["SHOT", "TECHNICAL_CUE"]}, "Segments"),
        VideoSubject.MODERATION: ("ContentModeration", {}, "ModerationLabels"),
        VideoSubject.CELEBRITIES: ("CelebrityRecognition", {}, "Celebrities"),
    }
)
_PICTURES = frozenset({".png", ".jpg", ".webp"})
_TEXTS = frozenset({".json", ".html"})
_VIDEOS = frozenset({".mp4", ".webm"})

VideoArgument = Annotated[str, typer.Argument(help="A video file, or s3://BUCKET/NAME that the server reads.")]
OutOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        help="Where results go, by suffix: .webm annotated for browsers, .mp4 for other players; .html a page, "
        ".png the time line, .json.",
    ),
]
AgainOption = Annotated[bool, typer.Option("--again", help="Look again, also where there are results already.")]


@app.command("analyze")
def analyze_command(
    video: VideoArgument,
    what: Annotated[
        list[str] | None,
        typer.Option("--what", help=f"What to look for: {', '.join(VideoSubject)}. [default: faces,labels,text]"),
    ] = None,
    out: OutOption = None,
    again: AgainOption = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find faces, labels, text and more in a video. With --json, the API's own answers by operation."""
    from custodes.cli.video.submission import VideoQuestion

    questions = [VideoQuestion(*_ASKED[subject], {}) for subject in _subjects(what or ["faces,labels,text"])]
    settings = from_environment(data=data, device=device)
    answers, findings = _answered(settings, endpoint, video, questions, out or [], again=again, creates=True)
    if as_json:
        print_json(answers)
    else:
        _tell(findings)
    _write(settings, video, out or [], answers, findings)


@app.command("search")
def search_command(
    video: VideoArgument,
    collection: CollectionOption,
    threshold: Annotated[float, typer.Option(min=0, max=100, help="Least similarity in percent.")] = 80.0,
    out: OutOption = None,
    again: AgainOption = False,
    data: DataOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find who of a collection is seen in a video, when, and where best."""
    from custodes.cli.video.submission import VideoQuestion

    options = {"CollectionId": collection, "FaceMatchThreshold": threshold}
    settings = from_environment(data=data, device=device)
    question = VideoQuestion("FaceSearch", options, "Persons", {})
    answers, findings = _answered(settings, endpoint, video, [question], out or [], again=again, creates=False)
    persons = persons_of(answers["FaceSearch"], findings)
    if as_json:
        print_json({"collection": collection, "persons": persons})
    else:
        _tell_persons(collection, persons)
    _write(settings, video, out or [], answers, findings)


def persons_of(answer: Mapping[str, Any], findings: VideoFindings) -> list[dict[str, Any]]:
    """Facts of each person, for people and as JSON: who, how surely, when, and the time of the best shot."""
    best: dict[int, Mapping[str, Any]] = {}
    for item in answer["Persons"]:
        for match in item.get("FaceMatches", ())[:1]:
            index = item["Person"]["Index"]
            if index not in best or match["Similarity"] > best[index]["Similarity"]:
                best[index] = match
    found = []
    for row in findings.rows:
        index = int(row.name.rstrip(")").rpartition("person ")[2])
        match = best.get(index)
        face = {} if match is None else match["Face"]
        found.append(
            {
                "index": index,
                "name": face.get("ExternalImageId"),
                "face_id": face.get("FaceId"),
                "similarity_pct": None if match is None else round(match["Similarity"], 3),
                "times_ms": [list(span) for span in row.spans],
                "best_shot_ms": None if row.best is None else row.best.ts_ms,
            }
        )
    return sorted(found, key=lambda one: (-(one["similarity_pct"] or 0.0), one["index"]))


def _subjects(words: Sequence[str]) -> list[VideoSubject]:
    asked = [name.strip() for word in words for name in word.split(",")]
    unknown = [name for name in asked if name not in set(VideoSubject)]
    if unknown:
        raise InvalidParameterError(f"{unknown[0]!r} is none of {', '.join(VideoSubject)}")
    return list(dict.fromkeys(VideoSubject(name) for name in asked))


def _answered(
    settings: Settings,
    endpoint: str | None,
    video: str,
    questions: Sequence[VideoQuestion],
    out: Sequence[Path],
    *,
    again: bool,
    creates: bool,
) -> tuple[dict[str, Any], VideoFindings]:
    from custodes.cli.server.allocator import give_memory_back
    from custodes.cli.video.findings import findings_of
    from custodes.cli.video.submission import open_videos

    _check(video, out)
    give_memory_back()  # where no server runs, this process looks at the video
    with open_videos(settings, endpoint, video, creates=creates) as (api, source):
        answers = {name: dict(answer) for name, answer in api.answers(source, questions, again=again).items()}
    return answers, findings_of(answers)


def _check(video: str, out: Sequence[Path]) -> None:
    """Refuse before anything is computed what cannot be written."""
    from custodes.cli.output import refuse_inputs

    for path in out:
        suffix = path.suffix.lower()
        if suffix not in _PICTURES | _TEXTS | _VIDEOS:
            raise InvalidParameterError(f"{path} must end in one of {', '.join(sorted(_PICTURES | _TEXTS | _VIDEOS))}")
        if suffix in _VIDEOS and video.startswith("s3://"):
            raise InvalidParameterError("an annotated copy needs the file on this machine")
        if not path.parent.is_dir():
            raise InvalidParameterError(f"{path.parent} is not a folder")
        refuse_inputs(path, [Path(video)])


def _tell(findings: VideoFindings) -> None:
    from custodes.cli.video.findings import clock

    if not findings.rows:
        typer.echo("nothing was found")
    for row in findings.rows:
        told = ", ".join(f"{clock(start)}-{clock(end)}" for start, end in row.spans[:4])
        more = f" and {len(row.spans) - 4} more" if len(row.spans) > 4 else ""
        typer.echo(f"{row.name}: {row.seen_ms / 1000:.1f} s ({told}{more})")


def _tell_persons(collection: str, persons: Sequence[Mapping[str, Any]]) -> None:
    from custodes.cli.output import print_rows, say
    from custodes.cli.video.findings import clock

    if not any(one["face_id"] for one in persons):
        say(f"nobody of {collection} was recognised; {len(persons)} persons were seen")
    rows = []
    for one in persons:
        times = ", ".join(f"{clock(start)} to {clock(end)}" for start, end in one["times_ms"])
        sure = "" if one["similarity_pct"] is None else f"{one['similarity_pct']:.2f} %"
        best = "" if one["best_shot_ms"] is None else clock(one["best_shot_ms"])
        rows.append((str(one["index"]), one["name"] or one["face_id"] or "", sure, best, times))
    print_rows(("person", "name", "similarity", "best shot", "seen"), rows)


def _write(
    settings: Settings, video: str, out: Sequence[Path], answers: Mapping[str, Any], found: VideoFindings
) -> None:
    from custodes.cli.video.timeline import TimelineLayout, timeline

    for path in out:
        suffix = path.suffix.lower()
        if suffix == ".json":
            path.write_text(json.dumps(answers, ensure_ascii=False, indent=1), encoding="utf-8")
        elif suffix == ".html":
            path.write_text(_page(settings, video, found), encoding="utf-8")
        elif suffix in _PICTURES:
            timeline(found.rows, found.duration_ms, TimelineLayout()).picture.save(path)
        else:
            _annotate(video, found, path)


def _annotate(video: str, found: VideoFindings, out: Path) -> None:
    from custodes.cli.video.pictures import Film, annotate_video

    with _watched(f"writing {out.name}") as watch:
        annotate_video(Film.of(Path(video)), found, out, watch)


def _page(settings: Settings, video: str, found: VideoFindings) -> str:
    from custodes.cli.video.findings import clock
    from custodes.cli.video.pictures import Film, stills
    from custodes.cli.video.report import report
    from custodes.cli.video.timeline import TimelineLayout, timeline

    pictures = {"timeline": timeline(found.rows, found.duration_ms, TimelineLayout()).picture}
    facts = [clock(found.duration_ms)]
    if not video.startswith("s3://"):
        film = Film.of(Path(video))
        facts.append(f"{film.facts.size.width} x {film.facts.size.height}, {float(film.facts.frame_rate):.4g} frames/s")
        with _watched("best pictures") as watch:
            rate = Fraction(settings.video_samples_per_second)
            pictures |= {f"row:{name}": one for name, one in stills(film, found.rows, rate, watch).items()}
    return report(video.rpartition("/")[2], facts, found, pictures)


@contextmanager
def _watched(what: str) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=1.0)
        yield lambda share: bars.update(task, completed=share)
