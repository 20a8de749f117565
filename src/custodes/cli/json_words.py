"""One vocabulary for the JSON of all commands, whichever room an answer comes from.

In: an answer. Out: the same with the members' names of docs/cli.md. What has keys that are data, as tags and the
record's own bodies, stays as it is, and so do the API's answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "account": "account_id",
        "collection": "collection_id",
        "face": "face_id",
        "file": "path",
        "external_image_id": "name",
        "similarity": "similarity_pct",
        "confidence": "confidence_pct",
        "t_ms": "ts_ms",
        "recorded_ms": "recorded_ts_ms",
        "effective_ms": "effective_ts_ms",
        "not_before_ms": "not_before_ts_ms",
    }
)
"""What rooms call a thing, and what the vocabulary calls it."""
DATA = frozenset({"body", "facts", "sources", "stated", "tags", "trust", "verdicts", "bills", "refused", "resource"})
"""Members whose own keys are data, not words."""
NOT_TOLD = "ResponseMetadata"
"""What boto3 adds to the API's answers."""


def spoken(value: object) -> object:
    """``value`` in the words of the vocabulary."""
    if isinstance(value, Mapping):
        return {
            word(name): inner if name in DATA else spoken(inner) for name, inner in value.items() if name != NOT_TOLD
        }
    return [spoken(one) for one in value] if isinstance(value, list | tuple) else value


def word(name: str) -> str:
    """What the vocabulary calls the member ``name``; moments end in ``_ts_ms``, everything in ``_ms`` else lasts."""
    if name.endswith("_at_ms"):
        return f"{name.removesuffix('_at_ms')}_ts_ms"
    return INSTEAD.get(name, name)
