"""``python tests/fakes/training_server.py DATA FOLDER``: a training over a data directory, to be killed.

In: a data directory, and a folder with ``pictures/all.manifest`` and ``results``. Out: ``READY`` when the training has
got further in this life, ``DONE`` with what the model says of pictures it has not seen as JSON. Started again, it goes
on with that training.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from custodes.cli.client.identity import find_credentials
from custodes.cli.client.local import LocalApi
from custodes.deployment.server import Deployment, open_deployment
from custodes.engine.custom.pipeline import CustomLabelPipeline
from custodes.engine.results.custom import Example, Lesson, TrainingPlan
from custodes.operations.images.engines import ImageEngines
from custodes.settings import Settings
from tests.fakes.custom import colour_engine, plain
from tests.fakes.sight import sight
from tests.fakes.studio import PICTURES, RESULTS, FacesInLargePictures

LOOK_S = 0.03


class SlowColours(CustomLabelPipeline):
    """Takes its time, so that there are moments to be killed at."""

    def __init__(self, whole: CustomLabelPipeline) -> None:
        self.whole = whole

    @property
    def backbones(self) -> tuple[str, ...]:
        return self.whole.backbones

    def study(self, slot: Any, image: Any, lesson: Lesson, plan: TrainingPlan) -> Example:
        time.sleep(LOOK_S)
        return self.whole.study(slot, image, lesson, plan)

    def fit(self, slot: Any, examples: Any, plan: TrainingPlan) -> bytes:
        time.sleep(LOOK_S)
        return self.whole.fit(slot, examples, plan)

    def open(self, model: bytes) -> Any:
        return self.whole.open(model)

    def detect(self, slot: Any, image: Any, model: Any) -> Any:
        time.sleep(LOOK_S)
        return self.whole.detect(slot, image, model)


def pictures_done(deployment: Deployment) -> int:
    """How far the only job is."""
    (job,) = deployment.administration.ask("job list", {}, os.getuid())["jobs"]
    return int(job["frames"])


def version_of(api: LocalApi, project: str) -> dict[str, Any]:
    return api.call("DescribeProjectVersions", ProjectArn=project)["ProjectVersionDescriptions"][0]


def begin(api: LocalApi) -> str:
    """ARN of the project; its only version is asked for unless that was done in an earlier life."""
    found = api.call("DescribeProjects", ProjectNames=["killed"])["ProjectDescriptions"]
    project = found[0]["ProjectArn"] if found else api.call("CreateProject", ProjectName="killed")["ProjectArn"]
    if not api.call("DescribeProjectVersions", ProjectArn=project)["ProjectVersionDescriptions"]:
        source = {"GroundTruthManifest": {"S3Object": {"Bucket": PICTURES, "Name": "all.manifest"}}}
        api.call(
            "CreateProjectVersion",
            ProjectArn=project,
            VersionName="v1",
            OutputConfig={"S3Bucket": RESULTS},
            TrainingData={"Assets": [source]},
            TestingData={"AutoCreate": True},
        )
    return str(project)


def said(api: LocalApi, version: str) -> list[Any]:
    """Everything that the model says of three pictures, to the last digit."""
    api.call("StartProjectVersion", ProjectVersionArn=version, MinInferenceUnits=1)
    return [
        api.call(
            "DetectCustomLabels",
            ProjectVersionArn=version,
            Image={"Bytes": plain(colour, 90)},
            MinConfidence=0,
        )["CustomLabels"]
        for colour in ("red", "blue", "purple")
    ]


def main(data: Path, folder: Path) -> None:
    """Ask for the training, wait for its end."""
    settings = Settings(
        data=data,
        buckets={PICTURES: folder / PICTURES, RESULTS: folder / RESULTS},
        output_buckets=RESULTS,
        training_wait_s=0,
        threads=1,
        region="eu-central-1",
    )
    whole, seen = SlowColours(colour_engine()), sight()
    engines = ImageEngines(seen.labels, seen.moderation, seen.equipment, lambda: whole)
    with open_deployment(
        settings, endpoint_url="http://127.0.0.1:9", engine=FacesInLargePictures(), sight=engines
    ) as deployment:
        api = LocalApi(deployment, find_credentials(data))
        project = begin(api)
        first = pictures_done(deployment)
        while pictures_done(deployment) == first and version_of(api, project)["Status"] == "TRAINING_IN_PROGRESS":
            time.sleep(0.02)
        print("READY", flush=True)
        while (version := version_of(api, project))["Status"] == "TRAINING_IN_PROGRESS":
            time.sleep(0.05)
        told = {"status": version["Status"], "message": version["StatusMessage"]}
        if version["Status"] == "TRAINING_COMPLETED":
            told["said"] = said(api, version["ProjectVersionArn"])
            told["f1"] = version["EvaluationResult"]["F1Score"]
        print("DONE", json.dumps(told), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
