"""``custodes models add`` and ``own``: networks of the operator's own that find faces or turn them into vectors.

In: an ONNX file with its licence, or the name of a known one, and photos. Out: what was measured of it, beside the
network that ships.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from custodes.cli.models.fetch import fetch_archive
from custodes.cli.options import JsonOption
from custodes.core.errors import InvalidParameterError
from custodes.models.offered import OfferedNetwork, load_offered
from custodes.models.own import OwnEmbedder, PixelInput, Provenance, ScoreFit, own_embedders
from custodes.models.own_detector import DetectorFamily, OwnDetector, own_detectors
from custodes.models.store import ModelStore
from custodes.settings import from_environment

Added = TypeVar("Added")

_ENDINGS = ("licence", "license", "copying")
_MEAN = 127.5
"""Of what goes in, and the other way round its scale, unless something else is said: -1 to 1."""

Source: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="ONNX file, a folder with it and its licence, or auraface or yunet."),
]


class NetworkKind(StrEnum):
    """What an added network does: vectors of faces, or finding faces as one of three families does."""

    EMBEDDER = "embedder"
    SCRFD = "scrfd"
    YUNET = "yunet"
    RETINAFACE = "retinaface"


@dataclass(frozen=True, slots=True)
class _Brought:
    """The network and the statements about it, as the command line has them."""

    name: str
    file: Path
    licence_file: Path
    pixels: PixelInput
    provenance: Provenance
    people: Path


def add(
    source: Source,
    people: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Photos, a folder for each person.")],
    name: Annotated[str | None, typer.Option(help="Short name: small letters, digits, hyphens.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights, as SPDX names it.")] = None,
    origin: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    training_data: Annotated[str | None, typer.Option(help="What it was trained on, as far as known.")] = None,
    kind: Annotated[
        NetworkKind | None,
        typer.Option(help="What it does; detectors are named by family.", show_default=NetworkKind.EMBEDDER.value),
    ] = None,
    dimension: Annotated[int | None, typer.Option(help="Of an embedder: length of vectors.", min=8, max=4096)] = None,
    licence_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Text of the licence, where FILE is no folder.")
    ] = None,
    mean: Annotated[
        float | None, typer.Option(help="Subtracted from each pixel, 0 to 255.", show_default=str(_MEAN))
    ] = None,
    scale: Annotated[
        float | None, typer.Option(help="What the rest is multiplied by.", show_default=f"1 / {_MEAN}")
    ] = None,
    bgr: Annotated[bool, typer.Option("--bgr", help="It takes blue first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in a network of your own that finds faces or makes vectors, and measure it beside the one that ships.

    Of a file you say everything; what is known by name (auraface, yunet) is fetched, and needs --people alone.
    """
    stated = {"--name": name, "--licence": licence, "--origin": origin, "--training-data": training_data}
    if not source.exists():
        settled: dict[str, object] = {**stated, "--kind": kind, "--dimension": dimension, "--mean": mean}
        settled |= {"--scale": scale, "--bgr": bgr or None, "--licence-file": licence_file}
        offered = _offered(source, [option for option, value in settled.items() if value is not None])
        file, text = _obtained(offered)
        brought = _Brought(offered.name, file, text, offered.pixels, offered.provenance, people)
        _add(brought, NetworkKind(offered.kind), offered.dimension, as_json=as_json)
        return
    missing = [option for option, value in stated.items() if not value]
    if missing:
        raise typer.BadParameter(f"a network of your own needs {', '.join(missing)}")
    file, text = _files(source, licence_file)
    provenance = Provenance(licence or "", origin or "", training_data or "")
    pixels = PixelInput(_MEAN if mean is None else mean, 1 / _MEAN if scale is None else scale, bgr)
    brought = _Brought(name or "", file, text, pixels, provenance, people)
    _add(brought, kind or NetworkKind.EMBEDDER, dimension, as_json=as_json)


def _add(brought: _Brought, kind: NetworkKind, dimension: int | None, *, as_json: bool) -> None:
    if kind is NetworkKind.EMBEDDER:
        if dimension is None:
            raise InvalidParameterError("an embedder needs --dimension, the length of its vectors")
        _add_embedder(brought, dimension, as_json=as_json)
        return
    if dimension is not None:
        raise InvalidParameterError("a detector makes no vectors: leave --dimension out")
    _add_detector(brought, DetectorFamily(kind.value), as_json=as_json)


def _offered(source: Path, stated: Sequence[str]) -> OfferedNetwork:
    """The known network of that name. Raises BadParameter for another name, or where things are said of it."""
    known = load_offered()
    if str(source) not in known:
        raise typer.BadParameter(f"{source} is no file, and no network that is known by name: {', '.join(known)}")
    if stated:
        raise typer.BadParameter(f"{source} is known by name: leave {', '.join(stated)} out")
    return known[str(source)]


def _obtained(offered: OfferedNetwork) -> tuple[Path, Path]:
    """Its file, checked, and its licence. Raises SourceError, ModelFileError."""
    settings = from_environment()
    downloads = ModelStore(settings.models_folder).downloads
    file = fetch_archive(settings, offered.archive)
    downloads.mkdir(parents=True, exist_ok=True)
    licence = downloads / f"{offered.name}.licence"
    licence.write_text(offered.licence_text, "utf-8")
    return file, licence


def _files(source: Path, licence_file: Path | None) -> tuple[Path, Path]:
    """The network and its licence. Raises InvalidParameterError where a folder does not have one of each."""
    if source.is_file():
        if licence_file is None:
            raise InvalidParameterError("say where the text of its licence is: --licence-file LICENSE")
        return source, licence_file
    networks = sorted(source.glob("*.onnx"))
    texts = [path for path in sorted(source.iterdir()) if path.stem.lower() in _ENDINGS and path.is_file()]
    if len(networks) != 1 or (licence_file is None and len(texts) != 1):
        raise InvalidParameterError(
            f"{source} has {len(networks)} ONNX files and {len(texts)} licences; one of each is needed, "
            "or name the file and --licence-file"
        )
    return networks[0], licence_file or texts[0]


def _with_progress(work: Callable[[Callable[[int, int], None]], Added]) -> Added:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Photos")
        return work(lambda done, total: bar.update(task, completed=done, total=total))


def _add_embedder(it: _Brought, dimension: int, *, as_json: bool) -> None:
    from custodes.deployment.networks.own_models import BroughtNetwork, add_network

    brought = BroughtNetwork(it.name, it.file, dimension, it.pixels, it.provenance, it.licence_file, it.people)
    added = _with_progress(lambda progress: add_network(from_environment(), brought, progress))
    if as_json:
        facts = {**_facts(added.own), "photos": added.photos, "without_face": added.without_face}
        _print_json({**facts, "shipped": _rates(added.shipped)})
        return
    typer.echo(f"{added.photos - added.without_face} faces in {added.photos} photos.")
    _print_rates(added.own.name, added.own.fit)
    _print_rates("the network that ships, with a curve for these photos", added.shipped)
    typer.echo(f"Kept. New collections use it under: CUSTODES_FACE_EMBEDDER={added.own.name}")
    typer.echo("Collections made before keep their network, and are not searched with this one.")


def _add_detector(it: _Brought, family: DetectorFamily, *, as_json: bool) -> None:
    from custodes.deployment.networks.own_detectors import BroughtDetector, add_detector

    brought = BroughtDetector(it.name, it.file, family, it.pixels, it.provenance, it.licence_file, it.people)
    added = _with_progress(lambda progress: add_detector(from_environment(), brought, progress))
    if as_json:
        _print_json(_detector_facts(added))
        return
    _print_found(added)
    typer.echo(f"Kept. A server uses it under: CUSTODES_FACE_DETECTOR={added.name}")
    typer.echo("Vectors of faces that it places have a version of their own: collections made before are not searched.")


def own(as_json: JsonOption = False) -> None:
    """Show the networks that were added, and what was measured of each."""
    models = own_embedders(from_environment().models_folder)
    detectors = own_detectors(from_environment().models_folder)
    kept, finders = [models.get(name) for name in models.names()], [detectors.get(name) for name in detectors.names()]
    if as_json:
        _print_json([*(_facts(one) for one in kept), *(_detector_facts(one) for one in finders)])
        return
    for one in kept:
        typer.echo(
            f"{one.name}: FaceModelVersion {one.recipe_version}, {one.dimension} numbers, {one.provenance.licence}"
        )
        typer.echo(f"  made by {one.provenance.origin}; trained on {one.provenance.training_data}")
        _print_rates(one.name, one.fit)
    for found in finders:
        typer.echo(f"{found.name}: finds faces as {found.family.value} does, {found.provenance.licence}")
        typer.echo(f"  made by {found.provenance.origin}; trained on {found.provenance.training_data}")
        _print_found(found)


def _print_found(one: OwnDetector) -> None:
    fit = one.fit
    typer.echo(f"In {fit.photos} photos, faces that the mesh confirms: {fit.both} found by both,")
    typer.echo(f"  {fit.only_own} by {one.name} alone, {fit.only_shipped} by the detector that ships alone.")
    typer.echo(f"Not confirmed: {fit.not_faces} of {one.name}, {fit.not_faces_shipped} of the one that ships.")


def _print_json(value: object) -> None:
    from custodes.cli.output import print_json

    print_json(value)


def _print_rates(name: str, fit: ScoreFit) -> None:
    typer.echo(f"{name}: {fit.genuine:,} pairs of one person, {fit.impostor:,} of two, of people that fitted nothing")
    for (pct, false), (_, true) in zip(fit.false_match_rates, fit.true_match_rates, strict=True):
        strangers = f"at most 1 in {1 / false:,.0f} of the others"
        typer.echo(f"  {pct:g} %: reached by {100 * true:.1f} % of the pairs of one person, by {strangers}")


def _detector_facts(one: OwnDetector) -> Mapping[str, Any]:
    fit = one.fit
    return {
        "name": one.name,
        "kind": one.family.value,
        "sha256": one.sha256,
        "licence": one.provenance.licence,
        "origin": one.provenance.origin,
        "training_data": one.provenance.training_data,
        "photos": fit.photos,
        "found_by_both": fit.both,
        "found_by_own_only": fit.only_own,
        "found_by_shipped_only": fit.only_shipped,
        "not_confirmed": fit.not_faces,
        "not_confirmed_shipped": fit.not_faces_shipped,
        "scores": [{"own": own, "shipped": shipped} for own, shipped in fit.knots],
    }


def _facts(one: OwnEmbedder) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "kind": NetworkKind.EMBEDDER.value,
        "face_model_version": one.recipe_version,
        "dimension": one.dimension,
        "sha256": one.sha256,
        "licence": one.provenance.licence,
        "origin": one.provenance.origin,
        "training_data": one.provenance.training_data,
        **_rates(one.fit),
    }


def _rates(fit: ScoreFit) -> Mapping[str, Any]:
    return {
        "false_match_rates": [{"similarity_pct": pct, "rate": rate} for pct, rate in fit.false_match_rates],
        "true_match_rates": [{"similarity_pct": pct, "rate": rate} for pct, rate in fit.true_match_rates],
        "genuine_pairs": fit.genuine,
        "impostor_pairs": fit.impostor,
    }
