"""Text of settings as values: switches, choices, lists, folders by name, frames a second. It reads nothing itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

from custodes.core.device import Arithmetic, Device, QueryArithmetic

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


class LogFormat(StrEnum):
    """How log lines are written to standard error."""

    TEXT = "text"
    JSON = "json"


class WarmStart(StrEnum):
    """Which collections are read into memory at start."""

    USED = "used"
    ALL = "all"
    NONE = "none"


class SearchEngine(StrEnum):
    """What proposes faces that may be alike."""

    MEMORY = "memory"
    SHARDED = "sharded"
    PGVECTOR = "pgvector"
    MILVUS = "milvus"


@dataclass(frozen=True, slots=True)
class SearchEngineText:
    """The setting ``search``, taken apart.

    Attributes:
        kind: which.
        approximate: whether it proposes by a graph.
        address: URL of a server of Milvus, or the path of a file for the embedded one.
    """

    kind: SearchEngine
    approximate: bool = False
    address: str = ""

    @property
    def embedded(self) -> bool:
        """Whether it is a file of this machine."""
        return self.kind is SearchEngine.MILVUS and not self.address.startswith("http")


IN_MEMORY = SearchEngineText(SearchEngine.MEMORY)
_SEARCH = re.compile(
    r"(?P<kind>exact|sharded|pgvector|milvus)(?P<words>(?:\+(?:approximate|tls))*)(?:://(?P<address>.+))?"
)


def search_engine(text: str) -> SearchEngineText | None:
    """What ``exact``, ``sharded``, ``pgvector[+approximate]`` or ``milvus[+approximate][+tls]://PLACE`` say.

    None for anything else.
    """
    found = _SEARCH.fullmatch(text)
    if found is None:
        return None
    words, address = set(found["words"].split("+")) - {""}, found["address"] or ""
    if found["kind"] == "milvus":
        if not address or (address.startswith("/") and "tls" in words):
            return None
        scheme = "https" if "tls" in words else "http"
        place = address if address.startswith("/") else f"{scheme}://{address}"
        return SearchEngineText(SearchEngine.MILVUS, "approximate" in words, place)
    if address or "tls" in words or (words and found["kind"] != "pgvector"):
        return None
    kinds = {"exact": SearchEngine.MEMORY, "sharded": SearchEngine.SHARDED, "pgvector": SearchEngine.PGVECTOR}
    return SearchEngineText(kinds[found["kind"]], "approximate" in words)


def search_refusal(text: str, database: str, node: str) -> str:
    """What ``search`` has to be instead of ``text``; empty where that can be.

    Args:
        text: the setting.
        database: the setting of that name.
        node: the same.
    """
    engine = search_engine(text)
    if engine is None:
        return "exact, sharded, pgvector or milvus://host:port, see docs/settings.md"
    if engine.kind is SearchEngine.SHARDED and not node:
        return "exact while there is one server: sharded is for several with names"
    if engine.kind is SearchEngine.PGVECTOR and not database.startswith("postgresql"):
        return "exact or milvus while database is not on PostgreSQL"
    return "a server where there are several nodes" if engine.embedded and node else ""


def switch(value: object) -> bool:
    """On or off. Raises ValueError for anything else."""
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


def folders(value: object) -> Mapping[str, Path]:
    """Folders by name, from a table or from ``name=/folder,other=/folder``. Raises ValueError."""
    if isinstance(value, Mapping):
        return MappingProxyType({str(name): Path(folder) for name, folder in value.items()})
    pairs = [part.partition("=") for part in str(value).split(",") if part.strip()]
    if any(not name.strip() or not folder.strip() for name, _, folder in pairs):
        raise ValueError
    return MappingProxyType({name.strip(): Path(folder.strip()) for name, _, folder in pairs})


READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "bool": switch,
        "int": int,
        "Mapping[str, Path]": folders,
        **{kind.__name__: kind for kind in (Arithmetic, Device, LogFormat, QueryArithmetic, WarmStart)},
    }
)
"""What reads the text of a setting, by its type; others are paths or texts."""


def listed(text: str) -> tuple[str, ...]:
    """What stands between commas, without blanks and empty parts."""
    return tuple(part for part in (each.strip() for each in text.split(",")) if part)


_SAMPLED_JOBS = frozenset(
    {
        "FaceDetection",
        "FaceSearch",
        "PersonTracking",
        "LabelDetection",
        "ContentModeration",
        "TextDetection",
        "CelebrityRecognition",
    }
)


def sampling_rates(text: str) -> Mapping[str, Fraction] | None:
    """Numbers by kind of job; None where a kind or a number is none."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    told = {kind.strip(): number.strip() for kind, _, number in parts}
    if not told.keys() <= _SAMPLED_JOBS or not all(is_sampling_rate(number) for number in told.values()):
        return None
    return {kind: Fraction(number) for kind, number in told.items()}


def is_sampling_rate(text: str) -> bool:
    """Whether it is a number of frames a second from 0.5 to 30."""
    try:
        return Fraction(1, 2) <= Fraction(text) <= 30
    except (ValueError, ZeroDivisionError):
        return False


def authorities(text: str) -> Mapping[str, str] | None:
    """Addresses by name, none or at least two; None where the text says something else."""
    told = {name: url for name, _, url in (each.partition("=") for each in listed(text))}
    named = all(re.fullmatch(r"[A-Za-z0-9._-]{1,40}", name) for name in told)
    addressed = all(url.startswith(("https://", "http://")) for url in told.values())
    return told if len(told) == len(listed(text)) and len(told) != 1 and named and addressed else None


def output_accounts(text: str) -> Mapping[str, frozenset[str] | None] | None:
    """Accounts by bucket from ``bucket,bucket:ACCOUNT``, None for all of them; None where the text says no such thing.

    A bucket may be named several times, once for each account.
    """
    found: dict[str, frozenset[str] | None] = {}
    for bucket, colon, account in (each.partition(":") for each in listed(text)):
        if not re.fullmatch(r"[0-9A-Za-z._-]{3,255}", bucket) or (colon and not re.fullmatch(r"[0-9]{12}", account)):
            return None
        before = found.get(bucket, frozenset())
        found[bucket] = None if not account or before is None else before | {account}
    return found


def url_host(host: str) -> str:
    """``host`` as URLs write it: IPv6 in brackets, and loopback instead of an address that means "all"."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared only
    return f"[{reachable}]" if ":" in reachable else reachable
