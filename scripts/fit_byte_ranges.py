"""Least and largest of each tensor of the embedding network that may be bytes, over faces of UTKFace.

In: ../shared/data/utkface and the fetched networks. Out: engine/faces/embedding/byte_ranges.npz: numbers of tensors,
nothing of a face. Figures of vectors made with it are of LFW (bench/query_bytes.py).

Usage: python scripts/fit_byte_ranges.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from custodes.core.device import Device  # noqa: E402
from custodes.core.ids import RequestId  # noqa: E402
from custodes.core.slot import Slot  # noqa: E402
from custodes.engine.faces.assembly import open_face_engine  # noqa: E402
from custodes.engine.faces.embedding.byte_ranges import FILE, FIRST  # noqa: E402
from custodes.engine.faces.embedding.embed import face_chip, planes  # noqa: E402
from custodes.imaging.image import decode  # noqa: E402
from custodes.models.card import load_cards  # noqa: E402
from custodes.models.importers.graphs.in_bytes import byte_tensors  # noqa: E402
from custodes.models.store import ModelStore, default_root  # noqa: E402

UTKFACE = ROOT.parent / "shared" / "data" / "utkface"
EACH = 10
"""One of so many pictures."""


def main() -> None:
    """Write the file."""
    store = ModelStore(default_root(os.environ))
    model = store.path(load_cards()["sface"]).read_bytes()
    names = byte_tensors(model, FIRST)
    shown = onnx.load_model_from_string(model)
    shown.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    network = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    engine, slot = open_face_engine(store, Device.CPU, 2), Slot(0, RequestId("fit"))
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    seen = 0
    for path in sorted(UTKFACE.rglob("*.jpg"))[::EACH]:
        image = decode(path.read_bytes())
        for face in engine.detect(slot, image, at_most=1).faces:
            values = network.run(list(names), {"rgb": planes([face_chip(image.rgb, face)], mirrored=False)})
            low = np.minimum(low, [value.min() for value in values])
            high = np.maximum(high, [value.max() for value in values])
            seen += 1
    place = ROOT / "src" / "custodes" / "engine" / "faces" / "embedding" / FILE
    np.savez_compressed(place, names=np.array(names), low=low.astype(np.float32), high=high.astype(np.float32))
    print(f"{len(names)} tensors over {seen} faces")


if __name__ == "__main__":
    main()
