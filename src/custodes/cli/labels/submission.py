"""A folder of labelled pictures trained by the server that reads it, or in this process, and its model started.

In: samples and a name. Out: the version with its metrics. Pictures are given to the server for as long as the training
takes, and taken away again. Either way it is on record.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custodes.cli.client.administration import is_served
from custodes.cli.labels.samples import Sample
from custodes.core.errors import CustodesError, InvalidParameterError

if TYPE_CHECKING:
    from custodes.cli.client.api import ApiClient
    from custodes.settings import Settings

_WAIT_S = 0.5


class TrainingFailedError(CustodesError):
    """The training failed; the message is its status message."""


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """A version that serves, with the service's own description and evaluation summary."""

    arn: str
    description: Mapping[str, Any]
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WantedVersion:
    """What is to be trained: project, name, and the network that features come from, None for the default."""

    project: str
    name: str
    backbone: str | None = None


@contextmanager
def open_labels(settings: Settings, endpoint: str | None, *, creates: bool) -> Iterator[ApiClient]:
    """The API. Raises UnavailableError where nothing answers."""
    from custodes.cli.client.connection import open_api

    with open_api(settings, endpoint, creates=creates) as api:
        yield api


def train(api: ApiClient, settings: Settings, wanted: WantedVersion, samples: Sequence[Sample]) -> TrainedVersion:
    """Train, and start what came of it.

    Raises:
        InvalidParameterError: the server cannot read files of this machine.
        TrainingFailedError: it failed.
    """
    from custodes.storage.files.credentials import stored_key
    from custodes.storage.files.uploads import BUCKET, RESULTS_BUCKET, upload, withdraw

    key = stored_key(settings.data)
    if key is None or not is_served(settings.data):
        raise InvalidParameterError("that server cannot read files of this machine: use the API with a bucket")
    version = wanted.name
    owner = project_arn(api, wanted.project, creates=True)
    given: list[str] = []
    try:
        lines = []
        for sample in samples:
            given.append(upload(settings.data, sample.path, key[1]))
            lines.append(json.dumps(sample.line(f"s3://{BUCKET}/{given[-1]}")))
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / f"{secrets.token_hex(8)}.manifest"
            manifest.write_text("\n".join(lines), "utf-8")
            given.append(upload(settings.data, manifest, key[1]))
        place = {"GroundTruthManifest": {"S3Object": {"Bucket": BUCKET, "Name": given[-1]}}}
        made = api.call(
            "CreateProjectVersion",
            ProjectArn=owner,
            VersionName=version,
            OutputConfig={"S3Bucket": RESULTS_BUCKET, "S3KeyPrefix": secrets.token_hex(16)},
            TrainingData={"Assets": [place]},
            TestingData={"AutoCreate": True},
            **({} if wanted.backbone is None else {"Tags": {"custodes:backbone": wanted.backbone}}),
        )
        description = _ended(api, owner, version)
    finally:
        withdraw(settings.data, given)
    if description["Status"] != "TRAINING_COMPLETED":
        raise TrainingFailedError(str(description.get("StatusMessage", "the training failed")))
    arn = str(made["ProjectVersionArn"])
    api.call("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    return TrainedVersion(arn, description, _summary(settings, description))


def project_arn(api: ApiClient, name: str, *, creates: bool = False) -> str:
    """The project of this name. Raises InvalidParameterError where there is none, unless it may be made."""
    found = api.call("DescribeProjects", ProjectNames=[name])["ProjectDescriptions"]
    if found:
        return str(found[0]["ProjectArn"])
    if not creates:
        raise InvalidParameterError(f"there is no project {name}")
    return str(api.call("CreateProject", ProjectName=name)["ProjectArn"])


def version_arn(api: ApiClient, project: str, version: str | None) -> str:
    """A version of a project that serves: of this name, else the newest. Raises InvalidParameterError for none."""
    wanted = {} if version is None else {"VersionNames": [version]}
    found = api.call("DescribeProjectVersions", ProjectArn=project_arn(api, project), **wanted)
    for one in found["ProjectVersionDescriptions"]:
        if one["Status"] == "RUNNING":
            return str(one["ProjectVersionArn"])
    raise InvalidParameterError(f"no version of the project {project} is running")


def _ended(api: ApiClient, owner: str, version: str) -> Mapping[str, Any]:
    """The version once its training is over; people see that something is under way."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bars.add_task("training", total=None)
        while True:
            found = api.call("DescribeProjectVersions", ProjectArn=owner, VersionNames=[version])
            description: Mapping[str, Any] = found["ProjectVersionDescriptions"][0]
            if description["Status"] != "TRAINING_IN_PROGRESS":
                return description
            time.sleep(_WAIT_S)


def _summary(settings: Settings, description: Mapping[str, Any]) -> Mapping[str, Any]:
    from custodes.storage.files.uploads import RESULTS_FOLDER

    name = description["EvaluationResult"]["Summary"]["S3Object"]["Name"]
    found: Mapping[str, Any] = json.loads((settings.data / RESULTS_FOLDER / name).read_text("utf-8"))
    return found
