"""Files for browsers: as they were shipped, or made of what was shipped; all of one card in one zip.

In: a card and its files. Out: bytes of a zip, always the same for the same files. It serves nothing.

``blazeface``: the liveness component of Amplify asks its detector for one tensor, ``Identity`` (1, 896, 17): for each
of 896 places a score, then box and points. The network that is shipped gives the same numbers in four tensors, of 512
and 384 places, scores and boxes apart; three nodes put them together. Source: ``@tensorflow-models/face-detection``,
and the graph itself.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from custodes.models.card import BrowserFiles
from custodes.models.importers.failure import ImportFailedError

_EPOCH = (1980, 1, 1, 0, 0, 0)
# Scores and boxes of 512, then of 384 places.
_PARTS = (("Identity", "Identity_1"), ("Identity_2", "Identity_3"))
_JOINED = "Identity"


def bundle(card: BrowserFiles, files: Mapping[str, bytes]) -> bytes:
    """The zip of ``card``; names in it have no folders.

    Raises:
        ImportFailedError: the files are not what the importer expects.
    """
    named = {pin.member.rsplit("/", 1)[-1]: files[pin.member] for pin in card.files}
    if card.importer == "blazeface":
        named = _blazeface(named)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(named.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return out.getvalue()


def _blazeface(named: Mapping[str, bytes]) -> dict[str, bytes]:
    texts = [data for name, data in named.items() if name.endswith(".json")]
    weights = [data for name, data in named.items() if name.endswith(".bin")]
    try:
        (text,), (shard,) = texts, weights
        model = json.loads(text)
        nodes, group = model["modelTopology"]["node"], model["weightsManifest"][0]
        renamed = {name: f"part_{name}" for pair in _PARTS for name in pair}
        found = [node for node in nodes if node["name"] in renamed]
        if len(found) != len(renamed) or any(set(node.get("input", ())) & set(renamed) for node in nodes):
            raise ImportFailedError("the detector does not give out scores and boxes of two sizes")
        for node in found:
            node["name"] = renamed[node["name"]]
        joined = [("scores", _PARTS[0], 1), ("boxes", _PARTS[1], 1)]
        for name, pair, axis in joined:
            shard += _concat(nodes, group, name, [renamed[one] for one in pair], axis)
        shard += _concat(nodes, group, _JOINED, ["scores", "boxes"], 2)
        group["paths"] = ["model.bin"]
    except (ValueError, KeyError, TypeError) as error:
        raise ImportFailedError(f"the detector is no graph model: {type(error).__name__}") from error
    for other in ("userDefinedMetadata", "signature"):
        model.pop(other, None)
    return {"model.json": json.dumps(model, separators=(",", ":")).encode(), "model.bin": shard}


def _concat(nodes: list[Any], group: dict[str, Any], name: str, inputs: list[str], axis: int) -> bytes:
    """Add a node that joins ``inputs`` along ``axis``, and its constant; the constant's bytes."""
    constant = f"{name}/axis"
    attributes = {"dtype": {"type": "DT_INT32"}, "value": {"tensor": {"dtype": "DT_INT32", "tensorShape": {}}}}
    nodes.append({"name": constant, "op": "Const", "attr": attributes})
    kinds = {"T": {"type": "DT_FLOAT"}, "N": {"i": "2"}, "Tidx": {"type": "DT_INT32"}}
    nodes.append({"name": name, "op": "ConcatV2", "input": [*inputs, constant], "attr": kinds})
    group["weights"].append({"name": constant, "shape": [], "dtype": "int32"})
    return axis.to_bytes(4, "little")
