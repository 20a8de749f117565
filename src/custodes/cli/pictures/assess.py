"""``custodes quality``, ``liveness`` and ``persons``: questions about photos, answered on this machine or by a server.

In: photos, or folders of photos. Out: a table per photo, or one JSON object per photo and line. Several photos show a
progress bar. A photo that cannot be read is named and the others go on; the exit status then is 3, or 1 for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from custodes.cli.client.pictures import PictureApi, RecordOption, open_pictures
from custodes.cli.input_files import require_present
from custodes.cli.options import DeviceOption, JsonOption
from custodes.core.errors import CustodesError
from custodes.settings import from_environment

PhotosArgument: TypeAlias = Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")]
FacesOption: TypeAlias = Annotated[
    int, typer.Option("--faces", min=1, max=100, help="How many of the largest faces of each photo.")
]
Answer: TypeAlias = Mapping[str, Any]


def quality(
    photos: PhotosArgument,
    faces: FacesOption = 1,
    data: RecordOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check portraits against the limits of documents: place, pose, light, background."""
    with open_pictures(from_environment(data=data, device=device), data) as api:
        _each(photos, _asking(api, "AssessFaceQuality", faces), _quality_lines, as_json=as_json)


def liveness(
    photos: PhotosArgument,
    faces: FacesOption = 1,
    data: RecordOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score how much faces look like faces and not like prints or screens. A hint, not a proof."""
    with open_pictures(from_environment(data=data, device=device), data) as api:
        _each(photos, _asking(api, "AssessLiveness", faces), _liveness_lines, as_json=as_json)


def persons(
    photos: PhotosArgument,
    most: Annotated[int, typer.Option("--most", min=0, max=100, help="Of how many persons colours are told.")] = 20,
    data: RecordOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count persons, and tell the colours that they wear."""
    with open_pictures(from_environment(data=data, device=device), data) as api:
        told = _Told("Persons", lambda answer: _counted(answer["PersonCount"], "person"))
        _each(
            photos,
            lambda sent: api.call("DescribePersons", Image={"Bytes": sent}, MaxPersons=most),
            _person_lines,
            told,
            as_json=as_json,
        )


@dataclass(frozen=True, slots=True)
class _Told:
    """What of an answer is listed, and the line before it."""

    listed: str
    first: Callable[[Answer], str]


def _asking(api: PictureApi, operation: str, faces: int) -> Callable[[bytes], Answer]:
    return lambda sent: api.call(operation, Image={"Bytes": sent}, MaxFaces=faces)


def _each(
    given: list[Path],
    ask: Callable[[bytes], Answer],
    lines: Callable[[Mapping[str, Any]], Iterator[str]],
    told: _Told | None = None,
    *,
    as_json: bool,
) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.output import end, print_json
    from custodes.cli.pictures.photo import find, read

    told = told or _Told("Faces", lambda answer: _counted(len(answer["Faces"]), "face"))

    for path in given:
        require_present(path)
    photos = [photo for path in given for photo in (find(path) if path.is_dir() else [path])]
    failed = 0
    # The bar is for people and goes where errors go, so that what is piped on is answers only.
    with Progress(console=Console(stderr=True), transient=True, disable=len(photos) < 2) as progress:
        for photo in progress.track(photos, description="photos"):
            try:
                answer = ask(read(photo))
            except (CustodesError, OSError) as error:
                failed += 1
                reason = error.message if isinstance(error, CustodesError) else f"cannot be read: {error.strerror}"
                if as_json:
                    print_json({"path": str(photo), "error": reason})
                typer.echo(f"{photo}: {reason}", err=True)
                continue
            if as_json:
                print_json({"path": str(photo), **answer})
                continue
            typer.echo(f"{photo}: {told.first(answer)}")
            for one in answer[told.listed]:
                for line in lines(one):
                    typer.echo(line)
    if failed == len(photos):
        raise typer.Exit(ExitStatus.FAILED)
    end(ExitStatus.SOME_FAILED if failed else ExitStatus.DONE)


def _counted(count: int, what: str) -> str:
    return f"no {what}" if count == 0 else f"{count} {what}{'s' if count > 1 else ''}"


def _person_lines(person: Mapping[str, Any]) -> Iterator[str]:
    above, below = (_colours(person[name]) for name in ("UpperColors", "LowerColors"))
    yield f"  {person['Confidence']:.0f} %  above {above}, below {below}"


def _colours(found: list[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(one["SimplifiedColor"] for one in found))
    return " and ".join(names) if names else "not seen"


def _quality_lines(face: Mapping[str, Any]) -> Iterator[str]:
    """A line per check, the failed ones marked, and the verdict."""
    for check in face["Checks"]:
        # What a check does not have, a server leaves out.
        value = "-" if check.get("Value") is None else f"{check['Value']:.2f}"
        mark = {True: "ok", False: "FAILS", None: "not measured"}[check.get("Passed")]
        yield f"  {check['Name']:<28}{value:>10}   {_limits(check):<16}{mark}"
    yield f"  {'passes' if face['Passed'] else 'does not pass'}"


def _limits(check: Mapping[str, Any]) -> str:
    low, high = check.get("Low"), check.get("High")
    if low is None:
        return f"at most {high:g}" if high is not None else "-"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def _liveness_lines(face: Mapping[str, Any]) -> Iterator[str]:
    peaks: list[Any] = [face.get("BrightnessPeak"), face.get("ColourPeak")]
    shown = "face too small for patterns" if None in peaks else "patterns {:.2f}, {:.2f}".format(*peaks)
    yield f"  score {face['Score']:.1f} % (network {face['NetworkScore']:.1f} %, {shown})"
