"""``custodes labels``: labels of one's own, trained on a folder of pictures and asked about others.

In: a folder that is labelled in a form that is known; pictures. Out: metrics, a confusion matrix, a version that
DetectCustomLabels serves; labels of pictures.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from custodes.cli.input_files import require_file
from custodes.cli.options import DATA, DataOption, DataPlaceOption, DeviceOption, EndpointOption, JsonOption
from custodes.core.errors import InvalidParameterError

app = typer.Typer(help="Train labels of your own on a folder of pictures, and ask them.", no_args_is_help=True)

ProjectOption = Annotated[
    str | None, typer.Option("--project", "-p", help="Name of the project. [default: that of the folder]")
]
VersionOption = Annotated[str | None, typer.Option("--version", help="Name of the version.")]


@app.command("train")
def train_command(
    folder: Annotated[Path, typer.Argument(help="Folder of labelled pictures.")],
    project: ProjectOption = None,
    version: VersionOption = None,
    picture: Annotated[Path | None, typer.Option("--picture", help="Where the confusion matrix goes, as PNG.")] = None,
    backbone: Annotated[
        str | None, typer.Option("--backbone", help="Network that features come from. [default: efficientnet-lite2]")
    ] = None,
    data: DataPlaceOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train on a folder, test on a fifth of it, and serve what came of it.

    A folder for each label, a CSV of file and label, or COCO, YOLO or Pascal VOC annotations are read.
    """
    from custodes.cli.labels.annotations import read_samples
    from custodes.cli.labels.confusion import draw_confusion
    from custodes.cli.labels.submission import WantedVersion, open_labels, train
    from custodes.cli.output import print_json, print_rows, say
    from custodes.settings import from_environment

    samples = read_samples(folder)
    if picture is not None and picture.suffix.lower() != ".png":
        raise InvalidParameterError(f"{picture} must end in .png")
    from custodes.cli.output import refuse_inputs

    refuse_inputs(picture, folder.rglob("*.png"))
    name = project or _name(folder)
    settings = from_environment(data=data, device=device)
    with open_labels(settings, endpoint, creates=True) as api:
        trained = train(api, settings, WantedVersion(name, version or f"v{int(time.time())}", backbone), samples)
    means = trained.summary["AggregatedEvaluationResults"]
    if picture is not None and "ConfusionMatrix" in means:
        draw_confusion(_shares(means["ConfusionMatrix"]), trained.summary["EvaluationDetails"]["Labels"], picture)
    if as_json:
        print_json({"project": name, "version": trained.arn, "evaluation": dict(trained.summary)})
        return
    rows = [_row(one["Label"], one["Metrics"]) for one in trained.summary["LabelEvaluationResults"]]
    print_rows(("LABEL", "F1", "PRECISION", "RECALL", "THRESHOLD"), [*rows, _row("all", means)])
    details = trained.summary["EvaluationDetails"]
    say(f"trained on {details['NumberOfTrainingImages']} pictures, tested on {details['NumberOfTestingImages']}")
    say(f"{trained.arn} is running")


@app.command("detect")
def detect_command(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures to ask about.")],
    project: Annotated[str, typer.Option("--project", "-p", help="Name of the project.")],
    version: VersionOption = None,
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=100, help="Least confidence in percent. [default: each label's own]")
    ] = None,
    data: DataOption = DATA,
    endpoint: EndpointOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the newest running version of a project about pictures."""
    from custodes.cli.labels.submission import open_labels, version_arn
    from custodes.cli.output import print_json, print_rows
    from custodes.settings import from_environment

    for path in pictures:
        require_file(path)
    options = {} if min_confidence is None else {"MinConfidence": min_confidence}
    with open_labels(from_environment(data=data, device=device), endpoint, creates=False) as api:
        arn = version_arn(api, project, version)
        found = {
            str(path): api.call(
                "DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": path.read_bytes()}, **options
            )["CustomLabels"]
            for path in pictures
        }
    if as_json:
        print_json({"version": arn, "pictures": found})
        return
    rows = [_found(path, label) for path, labels in found.items() for label in labels]
    print_rows(("PICTURE", "LABEL", "CONFIDENCE", "BOX"), rows)


@app.command("erase")
def erase_command(
    source: Annotated[str, typer.Argument(help="The picture, as manifests name it: s3://BUCKET/NAME.")],
    account: Annotated[str | None, typer.Option("--account", help="Whose. [default: of all accounts]")] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Erase what datasets keep of a picture; versions that were trained on it say so from now on.

    The picture itself stays in its bucket, weights stay until their version is deleted.
    """
    import hashlib

    from custodes.cli.client.administration import ask
    from custodes.cli.output import show

    if not source.startswith("s3://"):
        raise InvalidParameterError("a picture is named s3://BUCKET/NAME, as in manifests")
    digest = hashlib.sha256(source.encode()).hexdigest()
    found = ask(data, "labels erase", source_sha256=digest, account=account)
    told = f"erased in {found['entries']} datasets; {found['versions']} versions that were trained on it say so"
    show(found, told, as_json=as_json)


def _name(folder: Path) -> str:
    """A folder's name in the API's alphabet."""
    return re.sub(r"[^a-zA-Z0-9_.\-]+", "-", folder.resolve().name)[:255] or "labels"


def _row(name: str, metrics: Mapping[str, Any]) -> tuple[str, ...]:
    threshold = "" if "Threshold" not in metrics else f"{100 * metrics['Threshold']:.0f} %"
    return (name, *(f"{metrics[kind]:.3f}" for kind in ("F1Score", "Precision", "Recall")), threshold)


def _shares(matrix: list[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    return {(one["GroundTruthLabel"], one["PredictedLabel"]): float(one["Value"]) for one in matrix}


def _found(path: str, label: Mapping[str, Any]) -> tuple[str, ...]:
    box = label.get("Geometry", {}).get("BoundingBox")
    sides = ("Left", "Top", "Width", "Height")
    place = "" if box is None else " ".join(f"{box[side]:.3f}" for side in sides)
    return (path, label["Name"], f"{label['Confidence']:.1f} %", place)
