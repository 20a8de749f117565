"""The ``face_recognition`` package's side of the throughput comparison; runs in an environment of its own.

In and out: as recognise.py. Each photo goes through ``load_image_file`` and ``face_encodings`` with their defaults: HOG
detection, one upsampling, five points, dlib's ResNet on one crop. With ``largest`` only the largest box is encoded.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable

warnings.simplefilter("ignore")

import face_recognition  # noqa: E402 - its models import pkg_resources, which warns


def largest(boxes: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """The box (top, right, bottom, left) of most pixels, alone; none of none."""
    return sorted(boxes, key=lambda box: (box[2] - box[0]) * (box[1] - box[3]))[-1:]


def encodings(path: str, choose: Callable) -> list:
    """Vectors of the chosen faces of a photo."""
    photo = face_recognition.load_image_file(path)
    return face_recognition.face_encodings(photo, choose(face_recognition.face_locations(photo)))


def main() -> None:
    choose = {"largest": largest, "all": list}[sys.argv[1]]
    os.sched_setaffinity(0, [int(core) for core in sys.argv[2:]])
    for line in sys.stdin:
        faces, start = 0, time.perf_counter()
        for path in json.loads(line):
            faces += len(encodings(path, choose))
        answer = {"faces": faces, "seconds": time.perf_counter() - start, "runtime_seconds": 0.0}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
