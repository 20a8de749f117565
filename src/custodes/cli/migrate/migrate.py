"""``custodes migrate``: collections of another service, indexed anew here from their photos.

In: the other service through its own client or export, and where the photos are. Out: collections here; a report of
everything that is different. The other service is only read.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from custodes.cli.input_files import text_of
from custodes.cli.options import DATA, DataPlaceOption, EndpointOption, JsonOption
from custodes.cli.output import print_json
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.client.amazon import AmazonClient
    from custodes.cli.client.api import ApiClient
    from custodes.cli.migrate.report import SearchCheck
    from custodes.cli.migrate.source import MoveUnit, SourceCollection, SourcePhotos

app = typer.Typer(help="Move from other services.", no_args_is_help=True)

OutOption: TypeAlias = Annotated[Path, typer.Option("--report", help="Folder for report.json and faces.csv.")]
NameOption: TypeAlias = Annotated[str, typer.Option("--collection", "-c", help="Collection to move to.")]
PlanOption: TypeAlias = Annotated[
    bool, typer.Option("--plan", help="Only say what would be moved, and which faces have no photo.")
]


@dataclass(frozen=True, slots=True)
class _Answer:
    """Where the report goes, what it says about every move, and whether the answer is JSON."""

    report: Path
    cannot_move: Sequence[str]
    as_json: bool

    def say(self, line: str) -> None:
        """A line for people, where JSON is in nobody's way."""
        typer.echo(line, err=self.as_json)


@app.command("rekognition")
def rekognition_command(
    photos: Annotated[str, typer.Option(help="Where the photos are: s3://BUCKET/PREFIX or a folder.")],
    report: OutOption,
    collections: Annotated[
        list[str] | None, typer.Option("--collection", "-c", help="Only this one; may be repeated. [default: all]")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="CSV with the columns id (FaceId or ExternalImageId) and photo.")
    ] = None,
    check: Annotated[int, typer.Option(min=0, help="Search so many photos on both sides; Amazon bills these.")] = 0,
    plan: PlanOption = False,
    profile: Annotated[str | None, typer.Option(help="AWS profile of the account at Amazon.")] = None,
    region: Annotated[str | None, typer.Option(help="Its region.")] = None,
    source_endpoint: Annotated[
        str | None, typer.Option(help="Address to ask instead of Amazon, such as another Custodes server's.")
    ] = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move collections of Amazon Rekognition: names, users and tags, with faces indexed anew from their photos."""
    from custodes.cli.client.amazon import AmazonClient
    from custodes.cli.migrate.rekognition import CANNOT_MOVE, collections_of, open_photos, read_table
    from custodes.cli.migrate.source import PhotoFinder

    amazon = AmazonClient(profile, region, source_endpoint)
    found, pictures = collections_of(amazon, collections or ()), open_photos(amazon, photos)
    finder = PhotoFinder(pictures.keys(), read_table(table))
    todo = [(one, finder.units(one.faces)) for one in found]
    if plan:
        _say_plan(todo)
        return
    with _opened(data, endpoint) as api:
        checks = functools.partial(_checks, amazon, api, todo, pictures, check)
        _move(api, todo, pictures, _Answer(report, CANNOT_MOVE, as_json), checks)


@app.command("compreface")
def compreface_command(
    url: Annotated[str, typer.Argument(help="Address of CompreFace, like http://localhost:8000.")],
    key_file: Annotated[Path, typer.Option(help="File with the API key of the recognition service.")],
    collection: NameOption,
    report: OutOption,
    plan: PlanOption = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the subjects of a CompreFace recognition service: each becomes a user with its examples."""
    from custodes.cli.migrate.compreface import CANNOT_MOVE, CompreFace

    source = CompreFace(url, text_of(key_file).strip())
    _move_one(source.collection(collection), source, _Answer(report, CANNOT_MOVE, as_json), data, endpoint, plan=plan)


@app.command("luna")
def luna_command(
    archive: Annotated[Path, typer.Argument(help="ZIP of LUNA PLATFORM's export task, with samples.")],
    collection: NameOption,
    report: OutOption,
    plan: PlanOption = False,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the faces of an export of LUNA PLATFORM 5, named by external_id, else by user_data."""
    from custodes.cli.migrate.luna import CANNOT_MOVE, LunaExport

    source = LunaExport(archive)
    _move_one(source.collection(collection), source, _Answer(report, CANNOT_MOVE, as_json), data, endpoint, plan=plan)


def _move_one(
    found: SourceCollection,
    photos: SourcePhotos,
    answer: _Answer,
    data: Path,
    endpoint: str | None,
    *,
    plan: bool,
) -> None:
    from custodes.cli.migrate.source import PhotoFinder

    todo = [(found, PhotoFinder(photos.keys(), {}).units(found.faces))]
    if plan:
        _say_plan(todo)
        return
    with _opened(data, endpoint) as api:
        _move(api, todo, photos, answer, list)


@contextmanager
def _opened(data: Path, endpoint: str | None) -> Iterator[ApiClient]:
    from custodes.cli.client.connection import open_api

    with open_api(from_environment(data=data), endpoint, creates=True) as api:
        yield api


def _move(
    api: ApiClient,
    todo: Sequence[tuple[SourceCollection, Sequence[MoveUnit]]],
    photos: SourcePhotos,
    answer: _Answer,
    checked: Callable[[], Sequence[SearchCheck]],
) -> None:
    from custodes.cli.migrate.carrying import carry
    from custodes.cli.migrate.report import line_of, summary, write_report

    carried = []
    for collection, units in todo:
        carried.append(carry(api, collection, units, photos))
        answer.say(line_of(carried[-1]))
        write_report(answer.report, carried, answer.cannot_move, ())
    checks = checked()
    write_report(answer.report, carried, answer.cannot_move, checks)
    agreeing, path = sum(one.agrees for one in checks), answer.report / "report.json"
    if checks:
        answer.say(f"{agreeing} of {len(checks)} photos are given the same name on both sides")
    answer.say(f"{path}: what is different, and what cannot move")
    if answer.as_json:
        moved = [summary(one) for one in carried]
        print_json({"path": str(path), "collections": moved, "searches": len(checks), "agreeing": agreeing})
    if any(face.face_id is None for one in carried for face in one.faces):
        raise typer.Exit(1)


def _checks(
    amazon: AmazonClient,
    api: ApiClient,
    todo: Sequence[tuple[SourceCollection, Sequence[MoveUnit]]],
    photos: SourcePhotos,
    count: int,
) -> list[SearchCheck]:
    from custodes.cli.migrate.rekognition import amazon_top, top_match
    from custodes.cli.migrate.report import SearchCheck
    from custodes.cli.pictures.photo import fitting

    asked = ((one.collection, unit.photos[0]) for one, units in todo for unit in units if unit.photos)
    found = []
    for collection, key in itertools.islice(asked, count):
        photo = fitting(photos.read(key))
        answer = api.call("SearchFacesByImage", CollectionId=collection, Image={"Bytes": photo})
        found.append(SearchCheck(collection, key, amazon_top(amazon, collection, photo), top_match(answer)))
    return found


def _say_plan(todo: Sequence[tuple[SourceCollection, Sequence[MoveUnit]]]) -> None:
    for collection, units in todo:
        placed = sum(len(unit.faces) for unit in units if unit.photos)
        missing = [
            {"name": unit.name, "faces": len(unit.faces), "reason": unit.reason} for unit in units if unit.reason
        ]
        plan = {
            "collection": collection.collection,
            "faces": len(collection.faces),
            "with_photo": placed,
            "users": len(collection.users),
            "without_photo": missing,
        }
        print_json(plan)
