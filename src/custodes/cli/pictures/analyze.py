"""``custodes analyze``: what is in pictures, drawn onto copies or as JSON; on record with a data directory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from custodes.cli.client.pictures import RecordOption
from custodes.cli.options import DeviceOption, JsonOption
from custodes.core.errors import CustodesError, InvalidParameterError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.client.pictures import PictureApi
    from custodes.cli.pictures.annotate import Answers


class AnalysisSubject(StrEnum):
    """What may be asked about a picture."""

    FACES = "faces"
    LABELS = "labels"
    TEXT = "text"
    MODERATION = "moderation"
    EQUIPMENT = "equipment"


_OPERATIONS: Mapping[AnalysisSubject, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        AnalysisSubject.FACES: ("DetectFaces", {"Attributes": ["ALL"]}),
        AnalysisSubject.LABELS: ("DetectLabels", {}),
        AnalysisSubject.TEXT: ("DetectText", {}),
        AnalysisSubject.MODERATION: ("DetectModerationLabels", {}),
        AnalysisSubject.EQUIPMENT: ("DetectProtectiveEquipment", {}),
    }
)
_LEAST_PCT: Mapping[AnalysisSubject, float] = MappingProxyType({AnalysisSubject.TEXT: 80.0})
"""Findings below are not shown unless asked. Text: on pictures without any, what is read by mistake stays below; the
value that Amazon's guide recommends ("Working with text detection")."""
_LEAST_OTHER_PCT = 55.0
"""The API's own default of MinConfidence for labels."""
_FINDINGS = frozenset(
    {"FaceDetails", "Labels", "Instances", "TextDetections", "ModerationLabels", "Persons", "EquipmentDetections"}
)
"""Lists of answers that hold findings, each with a confidence; other lists describe one."""
_USUAL = [AnalysisSubject.FACES, AnalysisSubject.LABELS, AnalysisSubject.TEXT]


@dataclass(frozen=True, slots=True)
class Analysed:
    """One picture: its answers by operation, or why there are none."""

    path: Path
    answers: Answers
    reason: str = ""


def analyze(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders with pictures in them.", exists=True)],
    what: Annotated[
        list[AnalysisSubject] | None,
        typer.Option("--what", help="What to look for; repeatable. [default: faces, labels, text]"),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0, max=100, help="Least confidence in percent of what is shown. [default: text 80, others 55]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where copies with drawings go: a file for one picture, else a folder.")
    ] = None,
    data: RecordOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find faces, labels and text in pictures. With --json, one line per picture holds the API's own answers."""
    settings = from_environment(data=data, device=device)
    from custodes.cli.client.pictures import open_pictures
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.output import end

    paths = list(expanded(pictures))
    one = len(paths) == 1 and pictures[0].is_file()
    places = _places(paths, pictures, out, one=one)
    left_out = 0
    with open_pictures(settings, data) as api:
        for every in _analysed(api, paths, what or _USUAL):
            found = replace(every, answers=shown(every.answers, min_confidence))
            left_out += bool(found.reason)
            _tell(found, as_json=as_json)
            if out is not None and not found.reason:
                _draw(found, places[found.path])
    if left_out == len(paths):
        raise InvalidParameterError("no picture could be analysed")
    end(ExitStatus.SOME_FAILED if left_out else ExitStatus.DONE)


def shown(answers: Answers, least_pct: float | None) -> Answers:
    """``answers`` without findings below ``least_pct``, or below each subject's own least where that is None."""
    kept = {}
    for subject, (operation, _) in _OPERATIONS.items():
        if operation in answers:
            least = _LEAST_PCT.get(subject, _LEAST_OTHER_PCT) if least_pct is None else least_pct
            kept[operation] = _confident(answers[operation], least)
    return kept


def _confident(value: Any, least_pct: float) -> Any:
    """``value`` with findings of at least ``least_pct`` only, at every depth; words go with their lines."""
    if isinstance(value, list):
        return [_confident(item, least_pct) for item in value]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, item in value.items():
        found = [one for one in item if one["Confidence"] >= least_pct] if name in _FINDINGS else item
        if name == "TextDetections":
            lines = {one.get("Id") for one in found if one["Type"] == "LINE"}
            found = [one for one in found if one["Type"] == "LINE" or one.get("ParentId") in lines]
        kept[name] = _confident(found, least_pct)
    return kept


def expanded(given: Sequence[Path]) -> Iterator[Path]:
    """Files as they are, folders as the pictures in them.

    Raises:
        NothingToDoError: a folder without pictures.
    """
    from custodes.cli.pictures.photo import find

    for path in given:
        if path.is_file():
            yield path
        else:
            yield from find(path)


def _analysed(api: PictureApi, paths: Sequence[Path], subjects: Sequence[AnalysisSubject]) -> Iterator[Analysed]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # One picture is told at once. Answers that go into a file must not be drawn into the bar.
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=len(paths) < 2,
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        for path in progress.track(paths, description="analysing"):
            yield _one(api, path, subjects)


def _one(api: PictureApi, path: Path, subjects: Sequence[AnalysisSubject]) -> Analysed:
    from custodes.cli.pictures.photo import read

    try:
        image = {"Bytes": read(path)}
        asked = [_OPERATIONS[subject] for subject in dict.fromkeys(subjects)]
        return Analysed(path, {name: _lean(api.call(name, Image=image, **more)) for name, more in asked})
    except CustodesError as error:
        return Analysed(path, {}, error.message)
    except OSError as error:
        return Analysed(path, {}, f"cannot be read: {error.strerror}")


def _lean(value: Any) -> Any:
    """``value`` without members that are None, as an answer over HTTP is."""
    if isinstance(value, Mapping):
        return {name: _lean(item) for name, item in value.items() if item is not None}
    return [_lean(item) for item in value] if isinstance(value, list | tuple) else value


def _tell(found: Analysed, *, as_json: bool) -> None:
    from custodes.cli.output import print_json

    if as_json:
        facts = {"path": str(found.path), **found.answers}
        print_json({**facts, "error": found.reason} if found.reason else facts)
    elif found.reason:
        typer.echo(f"{found.path}: left out: {found.reason}")
    else:
        typer.echo(f"{found.path}: {'; '.join(summary(found.answers))}")


def summary(answers: Answers) -> list[str]:
    """A line per subject, for people."""
    lines = []
    if "DetectFaces" in answers:
        count = len(answers["DetectFaces"]["FaceDetails"])
        lines.append(f"{count or 'no'} face{'' if count == 1 else 's'}")
    if "DetectLabels" in answers:
        names = [label["Name"] for label in answers["DetectLabels"]["Labels"]]
        lines.append(", ".join(names) if names else "no labels")
    if "DetectText" in answers:
        texts = [found["DetectedText"] for found in answers["DetectText"]["TextDetections"] if found["Type"] == "LINE"]
        lines.append(" / ".join(f'"{text}"' for text in texts) if texts else "no text")
    if "DetectModerationLabels" in answers:
        names = [label["Name"] for label in answers["DetectModerationLabels"]["ModerationLabels"]]
        lines.append(f"moderation: {', '.join(names)}" if names else "nothing to moderate")
    if "DetectProtectiveEquipment" in answers:
        worn = [
            item["Type"].lower().replace("_", " ")
            for person in answers["DetectProtectiveEquipment"]["Persons"]
            for part in person["BodyParts"]
            for item in part["EquipmentDetections"]
        ]
        lines.append(f"worn: {', '.join(worn)}" if worn else "no protective equipment")
    return lines


def _places(paths: Sequence[Path], given: Sequence[Path], out: Path | None, *, one: bool) -> dict[Path, Path]:
    """Where each copy goes. Raises InvalidParameterError before anything is computed for a place that cannot be."""
    from custodes.cli.pictures.photo import SUFFIXES, check_drawable

    if out is None:
        return {}
    if one and out.suffix.lower() in SUFFIXES:
        check_drawable(out, paths)
        return {paths[0]: out}
    roots = [path for path in given if path.is_dir()]
    places = {}
    for path in paths:
        root = next((root for root in roots if path.is_relative_to(root)), path.parent)
        places[path] = out / path.relative_to(root)
    if len(set(places.values())) < len(places):
        raise InvalidParameterError("two pictures have the same name; analyse them into folders of their own")
    if any(place.exists() and place.samefile(path) for path, place in places.items()):
        raise InvalidParameterError(f"{out} is where the pictures are; copies go elsewhere")
    return places


def _draw(found: Analysed, place: Path) -> None:
    from custodes.cli.pictures.annotate import annotated
    from custodes.cli.pictures.photo import show

    place.parent.mkdir(parents=True, exist_ok=True)
    annotated(show(found.path), found.answers).save(place)
