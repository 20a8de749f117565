"""``python tests/fakes/film_server.py DATA FILMS``: one video job over a data directory, to be killed at any moment.

In: a data directory and a folder with ``a.mp4``. Out: ``READY`` when the job has got further in this life (three lives
without a step end a job), ``DONE`` and its results as JSON when it is over. Started again, it goes on with that job.
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
from custodes.settings import Settings
from tests.fakes.blobs import BlobEngine
from tests.fakes.sight import sight

LOOK_S = 0.01


class SlowBlobs(BlobEngine):
    """Takes its time, so that there are moments to be killed at."""

    def detect(self, *arguments: Any, **named: Any) -> Any:
        time.sleep(LOOK_S)
        return super().detect(*arguments, **named)


def frames(deployment: Deployment, job: str) -> int:
    """How far the job is."""
    return int(deployment.administration.ask("job show", {"job_id": job}, os.getuid())["frames"])


def _is_open(api: LocalApi, job: str) -> bool:
    return bool(api.call("GetPersonTracking", JobId=job)["JobStatus"] == "IN_PROGRESS")


def main(data: Path, films: Path) -> None:
    """Ask for the job, wait for its end."""
    settings = Settings(data=data, buckets={"films": films}, video_part_s=10, threads=1, region="eu-central-1")
    with open_deployment(settings, endpoint_url="http://127.0.0.1:9", engine=SlowBlobs(), sight=sight()) as deployment:
        api = LocalApi(deployment, find_credentials(data))
        video = {"S3Object": {"Bucket": "films", "Name": "a.mp4"}}
        job = api.call("StartPersonTracking", Video=video, ClientRequestToken="the-one")["JobId"]
        first = frames(deployment, job)
        while (
            frames(deployment, job) == first and api.call("GetPersonTracking", JobId=job)["JobStatus"] == "IN_PROGRESS"
        ):
            time.sleep(0.02)
        print("READY", flush=True)
        while (answer := api.call("GetPersonTracking", JobId=job))["JobStatus"] == "IN_PROGRESS":
            time.sleep(0.05)
        print("DONE", json.dumps({"job": job, "status": answer["JobStatus"], "persons": answer["Persons"]}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
