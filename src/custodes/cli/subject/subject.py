"""``custodes subject``: what an account keeps about somebody, for them to have or to have erased.

In: a photo that the person gives, or faces by name. Out: findings, a report, certificates. Everything goes through the
API under the caller's own rights and purpose, so it is refused, held for two persons and put on record like any use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from custodes.cli.options import DATA, DataOption, EndpointOption, JsonOption
from custodes.cli.output import print_json
from custodes.core.errors import InvalidParameterError
from custodes.settings import from_environment

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.cli.subject.erasing import ErasedFace
    from custodes.cli.subject.findings import SubjectFindings
    from custodes.settings import Settings

PURPOSE = "data-subject-request"
_REPORT = "report.json"

app = typer.Typer(help="Find, export and erase what is kept about somebody.", no_args_is_help=True)

PhotoArgument: TypeAlias = Annotated[
    Path | None, typer.Argument(help="Photo of the person; its largest face counts.", show_default=False)
]
FacesOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--face", help="A face instead, as COLLECTION:FACEID; may be repeated. After a review, for example."),
]
CollectionsOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--collection", "-c", help="Only here; may be repeated. [default: all of the account]"),
]
ThresholdOption: TypeAlias = Annotated[
    float, typer.Option("--threshold", min=0, max=100, help="Least similarity in percent.")
]
RoleOption: TypeAlias = Annotated[
    str | None, typer.Option("--role", help=f"ARN of a role to assume with the purpose {PURPOSE}.")
]
OutOption: TypeAlias = Annotated[Path, typer.Option("--out", help="New folder for the report.")]


@app.command("find")
def find_command(
    photo: Annotated[Path, typer.Argument(help="Photo of the person; its largest face counts.")],
    collections: CollectionsOption = None,
    threshold: ThresholdOption = 99.0,
    role: RoleOption = None,
    data: DataOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say in which collections the face of a photo is. Changes nothing."""
    settings = from_environment(data=data)
    with _opened(settings, endpoint, role) as api:
        findings = _found(api, photo, None, collections, threshold)
    _show(findings, as_json=as_json)


@app.command("export")
def export_command(
    out: OutOption,
    photo: PhotoArgument = None,
    faces: FacesOption = None,
    collections: CollectionsOption = None,
    threshold: ThresholdOption = 99.0,
    role: RoleOption = None,
    data: DataOption = DATA,
    endpoint: EndpointOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Write all that is stored about somebody into a folder, to hand out to them."""
    settings = from_environment(data=data)
    _new(out)
    with _opened(settings, endpoint, role) as api:
        findings = _found(api, photo, faces, collections, threshold)
        kept = {name: api.call("DescribeCollection", CollectionId=name) for name in findings.searched}
    about = {
        name: {
            "created": str(one.get("CreationTimestamp", "")),
            "model_version": one.get("FaceModelVersion"),
        }
        for name, one in kept.items()
    }
    _write(out, photo, findings, collections=about)
    if as_json:
        print_json({"path": str(out / _REPORT), **findings.members()})
    else:
        typer.echo(f"{out / _REPORT}: {len(findings.faces)} faces in {len(findings.searched)} collections")
    _say_open(findings)


@app.command("erase")
def erase_command(
    out: OutOption,
    photo: PhotoArgument = None,
    faces: FacesOption = None,
    collections: CollectionsOption = None,
    threshold: ThresholdOption = 99.0,
    role: RoleOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: somebody has looked at what `find` said.")] = False,
    data: DataOption = DATA,
    endpoint: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase somebody's faces from all collections, and write certificates that they are gone."""
    from custodes.cli.subject.erasing import erase_faces, with_certificate

    settings = from_environment(data=data)
    _new(out)
    with _opened(settings, endpoint, role) as api:
        findings = _found(api, photo, faces, collections, threshold)
        _show(findings, as_json=False, err=as_json)
        if findings.faces and not yes:
            typer.confirm(f"Erase these {len(findings.faces)} faces for good?", abort=True, err=True)
        erased = list(erase_faces(api, findings.faces))
        left = _found(api, photo, None, collections, threshold) if photo is not None else None
    proven = [with_certificate(settings.data, one, out) if one.erased and not endpoint else one for one in erased]
    _write(out, photo, findings, erased=[one.members() for one in proven], after=left.members() if left else None)
    _say_erased(proven, out, as_json=as_json)
    _say_open(findings)
    if any(not one.erased for one in proven) or findings.held or findings.refused:
        raise typer.Exit(1)


def _found(
    api: ApiClient, photo: Path | None, faces: list[str] | None, collections: list[str] | None, threshold: float
) -> SubjectFindings:
    from custodes.cli.pictures.photo import read
    from custodes.cli.subject.findings import find_by_name, find_by_photo

    if faces:
        return find_by_name(api, faces)
    if photo is None:
        raise InvalidParameterError("name a photo, or faces with --face COLLECTION:FACEID")
    return find_by_photo(api, read(photo), threshold, collections or ())


@contextmanager
def _opened(settings: Settings, endpoint: str | None, role: str | None) -> Iterator[ApiClient]:
    from custodes.cli.client.connection import address, open_api

    if role is None:
        with open_api(settings, endpoint) as api:
            yield api
        return
    from custodes.cli.client.identity import find_credentials, say_caller
    from custodes.cli.client.remote import RemoteApi

    found = address(settings, endpoint)
    if found.url is None:
        raise InvalidParameterError("a role is assumed at a running server: start it, or name it with --endpoint")
    tags = {"custodes:purpose": PURPOSE}
    api = RemoteApi.assuming(found.url, found.region, find_credentials(settings.data), role, tags)
    say_caller(role, found.url)
    yield api


def _new(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(out.iterdir()):
        raise InvalidParameterError(f"{out} is not empty: every request has a folder of its own")


def _write(out: Path, photo: Path | None, findings: SubjectFindings, **more: object) -> None:
    from custodes.durable import write_durably

    digest = None if photo is None else hashlib.sha256(photo.read_bytes()).hexdigest()
    report = {"photo_sha256": digest, **findings.members(), **more}
    write_durably(out / _REPORT, f"{json.dumps(report, indent=1, sort_keys=True, default=str)}\n".encode())


def _say_erased(erased: Sequence[ErasedFace], out: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"path": str(out / _REPORT), "erased": [one.members() for one in erased]})
        return
    for one in erased:
        typer.echo(f"{one.face_id}  {one.collection}  {one.verdict or one.reason or 'erased'}  {one.certificate or ''}")


def _show(findings: SubjectFindings, *, as_json: bool, err: bool = False) -> None:
    if as_json:
        print_json(findings.members())
        return
    for face in findings.faces:
        typer.echo(_line(face.collection, face.face_id, face.similarity, face.stored), err=err)
    if not findings.faces:
        typer.echo(f"nobody like this in {len(findings.searched)} collections", err=err)
    _say_open(findings)


def _line(collection: str, face_id: str, similarity: float | None, stored: Any) -> str:
    names: Sequence[str] = [str(stored[name]) for name in ("ExternalImageId", "UserId") if stored.get(name)]
    score = "" if similarity is None else f"{similarity:.3f} %  "
    return f"{score}{collection}:{face_id}  {'  '.join(names)}".rstrip()


def _say_open(findings: SubjectFindings) -> None:
    """What is not answered yet, where errors go."""
    for held in findings.held:
        text = (
            f"{held.collection}: {held.candidates} held for two persons; then `custodes review release {held.review}`"
        )
        typer.echo(f"custodes: {text}, and go on with --face", err=True)
    for collection, reason in findings.refused.items():
        typer.echo(f"custodes: {collection} was not searched: {reason}", err=True)
