"""What the engine does by itself: one photo decoded, detected and embedded again and again, by several threads.

``python bench/workers/engine_threads.py PHOTO CALLERS THREADS``. In: settings in the environment; on standard input one
line with a number of seconds per block. Out: one line of JSON per block: ``per_s`` photos, and ``cpu_s`` of this
process. ``THREADS`` is how many one run of a network uses.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.deployment.networks.computing import open_engine
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import VectorUse
from custodes.imaging.image import decode
from custodes.settings import from_environment


def search_work(engine: FaceEngine, photo: bytes) -> None:
    """What SearchFacesByImage asks of the engine."""
    slot = Slot(0, RequestId("00000000-0000-0000-0000-000000000000"))
    image = decode(photo)
    found = engine.detect(slot, image, at_most=1)
    engine.embed(slot, image, found.faces[:1], VectorUse.QUERY)


def block(engine: FaceEngine, photo: bytes, callers: int, seconds: float) -> dict[str, float]:
    """Photos a second of ``callers`` threads together, and processor time."""
    done = [0] * callers
    start, cpu = time.perf_counter(), time.process_time()

    def call(number: int) -> None:
        while time.perf_counter() - start < seconds:
            search_work(engine, photo)
            done[number] += 1

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"per_s": sum(done) / (time.perf_counter() - start), "cpu_s": time.process_time() - cpu}


def main() -> None:
    photo, callers, threads = Path(sys.argv[1]).read_bytes(), int(sys.argv[2]), int(sys.argv[3])
    with open_engine(from_environment(threads=threads, device="cpu")) as engine:
        for line in sys.stdin:
            print(json.dumps(block(engine, photo, callers, float(line))), flush=True)


if __name__ == "__main__":
    main()
