"""The ``rapidocr`` package's side of the comparison of bench/text.py; runs in an environment of its own.

In: a JSON list of paths on standard input. Out: for each a list of [text, score], and processor seconds in all.
"""

import json
import sys
import time

from rapidocr import RapidOCR


def main() -> None:
    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    reader = RapidOCR(params={"Global.log_level": "critical", **threads})
    paths = json.loads(sys.stdin.read())
    reader(paths[0])
    start, lines = time.process_time(), []
    for path in paths:
        found = reader(path)
        lines.append([[text, float(score)] for text, score in zip(found.txts or (), found.scores or (), strict=True)])
    print(json.dumps({"lines": lines, "seconds": time.process_time() - start}))


if __name__ == "__main__":
    main()
