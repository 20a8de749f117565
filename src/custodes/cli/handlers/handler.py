"""``custodes handler``: documents that say what is done with pictures, what the rules think of them, and their runs.

In: a document, pictures, folders, videos. Out: what was found of each picture, a line each. Pictures go to the server
one by one, so that it decides about each; of a video, pictures that are taken at an even pace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from custodes.cli.input_files import text_of
from custodes.cli.options import DATA, CollectionOption, DataPlaceOption, EndpointOption, JsonOption
from custodes.cli.output import show
from custodes.core.errors import CustodesError, InvalidParameterError
from custodes.settings import from_environment

app = typer.Typer(help="Say once what is done with pictures, and have it done.", no_args_is_help=True)

NameArgument: TypeAlias = Annotated[str, typer.Argument(help="Name of the handler.")]
FileArgument: TypeAlias = Annotated[Path, typer.Argument(help="Its document, JSON.", exists=True, dir_okay=False)]
VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi"})


@app.command("put")
def put_command(
    name: NameArgument,
    file: FileArgument,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a document under a name, over what was there."""
    _ask("PutHandler", data, endpoint, Name=name, Document=text_of(file))
    show({"name": name}, f"{name} is kept", as_json=as_json)


@app.command("check")
def check_command(
    file: FileArgument, data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False
) -> None:
    """Say what is wrong with a document, and what the rules would decide about each of its steps."""
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.output import end

    found = _ask("ValidateHandler", data, endpoint, Document=text_of(file))
    lines = [*found["Problems"], *(_step(one) for one in found["Steps"])]
    show(dict(found), "\n".join(lines), as_json=as_json)
    if not found["Valid"] or not all(one["Allowed"] for one in found["Steps"]):
        end(ExitStatus.FAILED)


@app.command("list")
def list_command(data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False) -> None:
    """Show the names of all handlers."""
    names = _ask("ListHandlers", data, endpoint)["Names"]
    show(list(names), "\n".join(names), as_json=as_json, none="no handlers")


@app.command("show")
def show_command(
    name: NameArgument, data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False
) -> None:
    """Show the document of a handler."""
    document = _ask("GetHandler", data, endpoint, Name=name)["Document"]
    show({"name": name, "document": document}, document, as_json=as_json)


@app.command("remove")
def remove_command(
    name: NameArgument, data: DataPlaceOption = DATA, endpoint: EndpointOption = None, as_json: JsonOption = False
) -> None:
    """Forget a handler. Events that it kept stay until their days are over."""
    _ask("DeleteHandler", data, endpoint, Name=name)
    show({"name": name}, f"{name} is forgotten", as_json=as_json)


@app.command("run")
def run_command(
    name: NameArgument,
    paths: Annotated[list[Path], typer.Argument(help="Pictures, folders of pictures, videos.", exists=True)],
    samples: Annotated[str, typer.Option(help="Pictures taken of a second of video.")] = "1",
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do with pictures, folders and videos what a handler says."""
    from custodes.cli.client.connection import open_api
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.output import end

    rate, failed = _rate(samples), 0
    with open_api(from_environment(data=data), endpoint) as api:
        for source, picture in _pictures(paths, rate):
            try:
                found = dict(api.call("RunHandler", Name=name, Image={"Bytes": picture}, Source=source))
            except CustodesError as error:
                failed += 1
                found = {"Error": error.message}
            show({"source": source, **found}, f"{source}  {_told(found)}", as_json=as_json)
    if failed:
        end(ExitStatus.FAILED)


@app.command("verify")
def verify_command(
    photos: Annotated[list[Path], typer.Argument(help="One to five photos.", exists=True, dir_okay=False)],
    collection: CollectionOption,
    person: Annotated[str, typer.Option(help="Id of the person (UserId).")],
    threshold: Annotated[float, typer.Option(min=0, max=100, help="Similarity that every photo has to reach.")] = 80.0,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether photos show one person of a collection. Fails where they do not."""
    from custodes.cli.exit_status import ExitStatus
    from custodes.cli.output import end
    from custodes.cli.pictures.photo import read

    images = [{"Bytes": read(photo)} for photo in photos]
    found = _ask(
        "VerifyUser",
        data,
        endpoint,
        CollectionId=collection,
        UserId=person,
        Images=images,
        Threshold=threshold,
    )
    verdict = "it is" if found["Passed"] else "it is not"
    alike = f" at {found['Similarity']:.2f} %" if "Similarity" in found else ": a photo shows no face"
    rate = f"; {found['FalseMatchRate']:.1e} of strangers reach that" if "FalseMatchRate" in found else ""
    show(dict(found), f"{verdict} {person}{alike}{rate}", as_json=as_json)
    if not found["Passed"]:
        end(ExitStatus.FAILED)


def _pictures(paths: list[Path], rate: Fraction) -> Iterator[tuple[str, bytes]]:
    """Where each picture is from, and its bytes."""
    from custodes.cli.pictures.photo import find, read

    for path in paths:
        if path.suffix.lower() in VIDEOS:
            yield from _frames(path, rate)
            continue
        for photo in find(path) if path.is_dir() else [path]:
            yield str(photo), read(photo)


def _frames(path: Path, rate: Fraction) -> Iterator[tuple[str, bytes]]:
    from custodes.imaging.image import encode_jpeg
    from custodes.storage.media.decoder import LockedDecoder
    from custodes.storage.media.files import StructureProbe
    from custodes.video.formats.facts import VideoLimits
    from custodes.video.frames import DecodingPlan

    facts = StructureProbe(VideoLimits()).facts(path)
    with LockedDecoder().frames(path, DecodingPlan(facts.frame_rate, rate, duration_ms=facts.duration_ms)) as frames:
        for frame in frames:
            if frame.rgb is not None:
                yield f"{path}#t={frame.ts_ms / 1000:.2f}", encode_jpeg(frame.rgb)


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not Fraction(1, 60) <= rate <= 30:
        raise InvalidParameterError("--samples is a number from 1/60 to 30")
    return rate


def _told(found: Mapping[str, Any]) -> str:
    if "Error" in found:
        return str(found["Error"])
    faces = [_face(face) for face in found["Faces"]]
    return "; ".join(faces) or "no faces"


def _face(face: Mapping[str, Any]) -> str:
    if not face["Passed"]:
        return f"poor: {', '.join(face['Poor'])}"
    best = max(face["Candidates"], key=lambda one: one["Similarity"], default=None)
    who = "nobody known"
    if best is not None:
        named = best.get("ExternalImageId") or best.get("UserId") or best.get("FaceId")
        who = f"{named} at {best['Similarity']:.1f} %"
    tags = f" [{', '.join(face['Tags'])}]" if face["Tags"] else ""
    return who + tags


def _step(one: Mapping[str, Any]) -> str:
    return f"{one['Operation']}  {one['Resource']}  " + ("allowed" if one["Allowed"] else f"refused: {one['Reason']}")


def _ask(operation: str, data: Path, endpoint: str | None, **members: Any) -> Mapping[str, Any]:
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint) as api:
        return api.call(operation, **members)
