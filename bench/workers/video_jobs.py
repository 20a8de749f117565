"""One process for the video benchmark: real networks, a real data directory, jobs one after the other.

In: a folder of films and a data directory; on standard input one line of JSON per job: ``name``, ``operation``,
``options``, ``film``. Out: one line of JSON per job: state, ``seconds`` from the claim to the end, of these
``inside_s`` within ONNX Runtime or waiting for the decoder, ``results``, resident memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from custodes.cli.client.identity import find_credentials
from custodes.cli.client.local import LocalApi
from custodes.cli.server.allocator import give_memory_back
from custodes.deployment.server import Deployment, open_deployment
from custodes.engine.runtime.session import NetworkSession
from custodes.settings import from_environment
from custodes.storage.media.process import DecoderChild

POLL_S = 0.01


class Clock:
    """Seconds in which at least one thread is within what is wrapped: what happens at once is counted once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._within = 0
        self._since = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                self._within += 1
                self._since = time.perf_counter() if self._within == 1 else self._since
            try:
                return function(*arguments, **named)
            finally:
                with self._lock:
                    self._within -= 1
                    self.seconds += time.perf_counter() - self._since if self._within == 0 else 0.0

        return timed


def resident_mb(pid: str = "self") -> float:
    """Resident memory of a process now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor_s() -> float:
    """Processor time of this process and of the decoders that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Jobs:
    """Starts jobs and reads them, as the operator's own key."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.call = LocalApi(deployment, find_credentials(deployment.settings.data)).call

    def ended(self, job: str, watch: Callable[[], None]) -> Any:
        """Wait; the store is asked, so that nothing is recorded meanwhile."""
        store = self._deployment.operations.video._ports.jobs
        while (found := store.find(None, job)).is_open:
            watch()
            time.sleep(POLL_S)
        return found


def main() -> None:
    """Work off standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    give_memory_back()  # as ``custodes serve`` does
    inside = Clock()
    NetworkSession.run = inside.around(NetworkSession.run)  # type: ignore[method-assign]
    DecoderChild.record = inside.around(DecoderChild.record)  # type: ignore[method-assign]
    settings = from_environment(data=options.data, buckets={"films": options.films}, threads=options.threads)
    with open_deployment(settings, endpoint_url="http://127.0.0.1:9") as deployment:
        jobs = Jobs(deployment)
        print(json.dumps({"ready": True, "resident_mb": resident_mb()}), flush=True)
        for line in sys.stdin:
            print(json.dumps(_job(jobs, json.loads(line), inside)), flush=True)


def _job(jobs: Jobs, asked: dict[str, Any], inside: Clock) -> dict[str, Any]:
    for operation, members in asked.get("before", ()):
        jobs.call(operation, **members)
    inside.seconds = 0.0
    cpu_s = processor_s()
    memory: list[float] = []
    job = jobs.call(
        f"Start{asked['operation']}",
        Video={"S3Object": {"Bucket": "films", "Name": asked["film"]}},
        **asked.get("options", {}),
    )["JobId"]
    found = jobs.ended(job, lambda: memory.append(resident_mb()))
    used_s = processor_s() - cpu_s
    answer = jobs.call(f"Get{asked['operation']}", JobId=job)
    member = next(name for name in answer if name in _RESULTS)
    whole, token = list(answer[member]), answer.get("NextToken")
    while asked.get("whole") and token:
        page = jobs.call(f"Get{asked['operation']}", JobId=job, NextToken=token)
        whole, token = [*whole, *page[member]], page.get("NextToken")
    return {
        "name": asked["name"],
        "processor_s": used_s,
        "state": found.state.value,
        "error": found.error,
        "seconds": (found.finished_ts_ms - found.claimed_ts_ms) / 1000,
        "inside_s": inside.seconds,
        "results": len(whole),
        "whole": whole if asked.get("whole") else None,
        "memory_mb": memory[:: max(1, len(memory) // 200)],
        "peak_mb": max(memory, default=0.0),
    }


_RESULTS = frozenset({"Faces", "Labels", "Persons", "Segments", "TextDetections", "ModerationLabels", "Celebrities"})

if __name__ == "__main__":
    main()
