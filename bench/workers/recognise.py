"""Our side of the throughput comparison: photos from disk to vectors, as the server computes them.

In: on standard input one line of JSON per block, a list of paths. Out: one line of JSON per block: ``faces``,
``seconds`` of the whole and ``runtime_seconds`` inside ONNX Runtime (0 unless ``--timed``). It searches and serves
nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networks

from custodes.core.device import QueryArithmetic
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.deployment.networks.computing import open_engine
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import MAX_FACES, VectorUse
from custodes.imaging.image import decode
from custodes.settings import from_environment


@dataclass(frozen=True, slots=True)
class Work:
    """What for, and how many of the largest faces of a photo are embedded; None for all."""

    use: VectorUse
    most: int | None


@dataclass(slots=True)
class Clock:
    """Seconds spent inside ONNX Runtime."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TimedNetwork:
    """A network whose runs are added to a clock."""

    network: Any
    clock: Clock

    def run(self, feeds: Mapping[str, Any], wanted: Sequence[str] | None = None) -> Mapping[str, Any]:
        start = time.perf_counter()
        try:
            return self.network.run(feeds, wanted)
        finally:
            self.clock.seconds += time.perf_counter() - start


def answer_blocks(engine: FaceEngine, work: Work, clock: Clock) -> None:
    """Work off blocks until standard input ends."""
    slot = Slot(0, RequestId("00000000-0000-0000-0000-000000000000"))
    for line in sys.stdin:
        faces, clock.seconds, start = 0, 0.0, time.perf_counter()
        for path in json.loads(line):
            image = decode(Path(path).read_bytes())
            found = engine.detect(slot, image, at_most=work.most or MAX_FACES)
            faces += len(engine.embed(slot, image, found.faces[: work.most], work.use))
        seconds = time.perf_counter() - start
        print(json.dumps({"faces": faces, "seconds": seconds, "runtime_seconds": clock.seconds}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("use", choices=[use.value for use in VectorUse])
    parser.add_argument("--cores", type=int, nargs="+", required=True)
    parser.add_argument("--largest", action="store_true", help="embed only the largest face of a photo")
    parser.add_argument("--timed", action="store_true")
    parser.add_argument("--bytes", action="store_true", help="queries in bytes")
    options = parser.parse_args()
    os.sched_setaffinity(0, options.cores)
    clock, work = Clock(), Work(VectorUse(options.use), 1 if options.largest else None)
    arithmetic = QueryArithmetic.INT8 if options.bytes else QueryArithmetic.FLOAT32
    settings = from_environment(threads=len(options.cores), device="cpu", query_arithmetic=arithmetic)
    if options.timed:
        timed: Callable[[Any], TimedNetwork] = lambda network: TimedNetwork(network, clock)  # noqa: E731
        answer_blocks(networks.assemble(settings, timed), work, clock)
        return
    with open_engine(settings) as engine:
        answer_blocks(engine, work, clock)


if __name__ == "__main__":
    main()
