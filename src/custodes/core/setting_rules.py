"""What settings must be beyond their types: ranges, and which of them go together.

In: all settings by name. Out: the first that is unfit, with what it must be. It reads nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from custodes.core.setting_text import authorities, is_sampling_rate, output_accounts, sampling_rates, search_refusal

_COUNTS = (
    *("threads", "account_rate", "account_collections", "faces_per_collection", "users_per_collection"),
    *("video_workers", "stream_workers", "shutdown_s"),
)
_POSITIVE = (
    "in_flight",
    "account_in_flight",
    "account_burst",
    "liveness_days",
    "review_days",
    "video_part_s",
    "shard_faces",
)
_RANGES = (
    *(("port", 0, 65535), ("workers", 1, 256), ("policy_notice_days", 0, 3650), ("search_wait_s", 0, 600)),
    ("stream_fragment_s", 1, 60),
)
_RATES = ("stream_samples_per_second", "video_samples_per_second")
_ON_POSTGRES = ("node", "ledger_tiles", "ledger_key")
_NODE = re.compile(r"|[a-z][a-z0-9-]{0,31}")
_LEVELS = frozenset({"debug", "info", "warning", "error"})


def unfit_setting(value: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first setting that cannot be so, and what it must be; None where all can."""
    return next(((name, wanted) for name, fits, wanted in _rules(value) if not fits), None)


def _rules(value: Mapping[str, Any]) -> Iterator[tuple[str, bool, str]]:
    """Settings, whether they fit, what they must be."""
    for name in _COUNTS:
        yield name, value[name] >= 0, "0 or more"
    for name in _POSITIVE:
        yield name, value[name] >= 1, "1 or more"
    for name in _RATES:
        yield name, is_sampling_rate(value[name]), "a number from 0.5 to 30"
    for name, least, most in _RANGES:
        yield name, least <= value[name] <= most, f"between {least} and {most}"
    yield "node", _NODE.fullmatch(value["node"]) is not None, "1 to 32 of a-z, 0-9 and -, a letter first"
    for name in _ON_POSTGRES:
        yield name, not value[name] or bool(value["database"]), "given with database, on PostgreSQL"
    refusal = search_refusal(value["search"], value["database"], value["node"])
    yield "search", not refusal, refusal
    told = authorities(value["timestamp_authorities"])
    yield "timestamp_authorities", told is not None, "two or more of name=URL"
    sampling = sampling_rates(value["video_sampling"])
    yield "video_sampling", sampling is not None, "kinds of jobs with numbers from 0.5 to 30"
    outputs = output_accounts(value["output_buckets"])
    yield "output_buckets", outputs is not None, "names of buckets, or name:ACCOUNT"
    hooked = not value["job_webhook"] or bool(value["job_webhook_secret"])
    yield "job_webhook_secret", hooked, "given with job_webhook"
    yield "log_level", value["log_level"] in _LEVELS, "debug, info, warning or error"
    yield "host", bool(value["host"]), "an address"
    yield "region", bool(value["region"]), "a region name"
    yield "tls_key", (value["tls_cert"] is None) == (value["tls_key"] is None), "set together with tls_cert"
