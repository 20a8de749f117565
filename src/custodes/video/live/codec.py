"""A stream processor as bytes, for stores. In: a processor. Out: JSON, and back. It seals nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from custodes.core.ids import AccountId, CollectionId
from custodes.video.live.processor import FaceTask, LabelTask, StreamProcessor, StreamRun, StreamState


def encode_processor(processor: StreamProcessor) -> bytes:
    """All of ``processor``."""
    run = processor.run
    kind = "faces" if isinstance(processor.task, FaceTask) else "labels"
    members = {
        **asdict(processor),
        "task": {"kind": kind, **asdict(processor.task)},
        "run": None if run is None else {**asdict(run), "caller": run.caller.decode()},
    }
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def decode_processor(data: bytes) -> StreamProcessor:
    """What ``encode_processor`` gave."""
    value = orjson.loads(data)
    run = value.pop("run")
    return StreamProcessor(
        **value
        | {
            "account_id": AccountId(value["account_id"]),
            "task": _task(value["task"]),
            "state": StreamState(value["state"]),
            "run": None if run is None else StreamRun(**run | {"caller": run["caller"].encode()}),
        }
    )


def _task(value: dict[str, Any]) -> FaceTask | LabelTask:
    if value.pop("kind") == "faces":
        return FaceTask(**value | {"collection_id": CollectionId(value["collection_id"])})
    regions = tuple(tuple((x, y) for x, y in region) for region in value["regions"])
    return LabelTask(**value | {"labels": tuple(value["labels"]), "regions": regions})
