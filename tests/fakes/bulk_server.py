"""``python tests/fakes/bulk_server.py DATA PICTURES``: one bulk enrolment, to be killed at any moment.

In: a data directory, a folder of pictures by ``tests.fakes.engine.picture``. Out: ``READY`` when the task has got
further in this life (three lives without a step end a job), ``DONE`` and what came of it as JSON when it is over.
Started again, it goes on with that task.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from custodes.cli.client.api import ApiFailureError
from custodes.cli.client.identity import find_credentials
from custodes.cli.client.local import LocalApi
from custodes.deployment.server import open_deployment
from custodes.settings import Settings
from tests.fakes.engine import SquareEngine

LOOK_S = 0.004
OPEN = ("QUEUED", "RUNNING")


class SlowSquares(SquareEngine):
    """Takes its time, so that there are moments to be killed at."""

    def detect(self, *arguments: Any, **named: Any) -> Any:
        time.sleep(LOOK_S)
        return super().detect(*arguments, **named)


def begun(api: LocalApi) -> str:
    """The task that an earlier life began, or a new one."""
    for one in api.call("ListTasks")["Tasks"]:
        return str(one["TaskId"])
    try:
        api.call("CreateCollection", CollectionId="people")
    except ApiFailureError as error:
        if error.code != "ResourceAlreadyExistsException":
            raise
    return str(api.call("StartBulkEnrolment", CollectionId="people", Bucket="pictures", NameBy="FILE")["TaskId"])


def main(data: Path, pictures: Path) -> None:
    """Ask for the task, wait for its end."""
    settings = Settings(data=data, buckets={"pictures": pictures}, threads=1, region="eu-central-1")
    with open_deployment(settings, endpoint_url="http://127.0.0.1:9", engine=SlowSquares()) as deployment:
        api = LocalApi(deployment, find_credentials(data))
        task = begun(api)
        told = first = api.call("GetTask", TaskId=task)["Task"]
        while told["Status"] in OPEN and told.get("Percent") == first.get("Percent"):
            time.sleep(0.01)
            told = api.call("GetTask", TaskId=task)["Task"]
        print("READY", flush=True)
        while (answer := api.call("GetTask", TaskId=task))["Task"]["Status"] in OPEN:
            time.sleep(0.02)
        names: list[str] = []
        token: dict[str, Any] = {}
        while True:
            page = api.call("ListFaces", CollectionId="people", **token)
            names += [face["ExternalImageId"] for face in page["Faces"]]
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        said = {"job": task, "status": answer["Task"]["Status"], "summary": answer["Summary"], "names": sorted(names)}
        print("DONE", json.dumps(said), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
