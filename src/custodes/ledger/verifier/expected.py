"""The question, asked by the reader: does the file answer what I ask, or something that looks like it?

In: what the reader expects, and a file that was found sound. Out: why it is not the answer. Without this, whoever made
the file chose the account, the period and the operations. Also: trust policies under which no answer is worth much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.trust import TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import PlacedEntry, canonical, parse_canonical
from custodes.ledger.verifier.invoices.invoice import parse as parse_invoice
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.head import parse_head
from custodes.ledger.verifier.moratorium.report import parse as parse_report
from custodes.ledger.verifier.statement import parse as parse_statement
from custodes.ledger.verifier.uncertainty import stretch_of

IDENTIFICATIONS = frozenset(
    {
        "AssociateFaces",
        "ExportFaces",
        "GetCelebrityInfo",
        "GetCelebrityRecognition",
        "GetFaceSearch",
        "RecognizeCelebrities",
        "RunHandler",
        "SearchFaces",
        "SearchFacesByImage",
        "SearchUsers",
        "SearchUsersByImage",
        "StartCelebrityRecognition",
        "StartCrossMatch",
        "StartFaceSearch",
        "StartStreamProcessor",
    }
)
"""Operations whose answers tell who somebody is."""
FACE_COMPARISON = IDENTIFICATIONS | {
    "CompareFaces",
    "CreateStreamProcessor",
    "GetPersonTracking",
    "StartCalibration",
    "StartDuplicateSearch",
    "StartFaceClustering",
    "StartPersonTracking",
    "UpdateStreamProcessor",
    "VerifyUser",
}
"""Operations whose answers tell how alike faces are or whose they are. A report that leaves one out hides its use."""


SECTORS = (
    "unknown",
    "operator",
    "law-enforcement",
    "public-safety",
    "government",
    "migration",
    "defence",
    "education",
    "employment",
    "finance",
    "health",
    "retail",
    "transport",
    "research",
    "media",
    "software",
    "charity",
    "other",
)
"""What a caller's sector can be. A report on another one counts nothing, whatever happened."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the reader asks; None where anything will do.

    Attributes:
        identifier: account or name in the party map, in canonical form.
        sector: of a moratorium report.
        begin: start of the period (ms).
        end: its end, not included (ms).
        fresh_ms: so long ago at most a quorum of witnesses must have seen the state of the log.
    """

    identifier: str | None = None
    sector: str | None = None
    begin: int | None = None
    end: int | None = None
    fresh_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a file answers."""

    identifiers: frozenset[str]
    sector: str | None
    operations: frozenset[str]
    begin: int | None
    end: int | None


def other_question(data: bytes, expected: Expectation) -> list[str]:
    """How the question of a sound file is another one than the expected; empty when it is that.

    Raises:
        StatementError: the file is not one.
    """
    asked, wrong = _asked(data), []
    if expected.identifier is not None and expected.identifier not in asked.identifiers:
        wrong.append(f"you ask about {expected.identifier}; the file is about {', '.join(sorted(asked.identifiers))}")
    if expected.sector is not None and expected.sector != asked.sector:
        wrong.append(f"you ask about the sector {expected.sector}; the file is about {asked.sector or 'none'}")
    if asked.sector is not None and asked.sector not in SECTORS:
        wrong.append(f"there is no sector {asked.sector!r}, so nothing was counted")
    if expected.sector is not None and not asked.operations >= FACE_COMPARISON:
        missing = ", ".join(sorted(FACE_COMPARISON - asked.operations))
        wrong.append(f"the report does not count all operations that compare faces: {missing}")
    for mine, theirs, which in ((expected.begin, asked.begin, "from"), (expected.end, asked.end, "to")):
        if mine is not None and mine != theirs:
            wrong.append(f"you ask about a period {which} {mine} ms; the file says {theirs}")
    return wrong


def stale(data: bytes, policy: TrustPolicy, fresh_ms: int, now_ms: int) -> str | None:
    """Why the state of the log in a sound file is not as new as the reader wants; None when it is.

    Raises:
        StatementError: the file is not one.
        TrustError: its checkpoint does not deserve trust.
    """
    seen = open_trusted(checkpoint_in(data), policy).seen_at
    if seen is None:
        return "nobody but the operator says how old this state of the log is: your trust policy asks for no witnesses"
    age_s = now_ms // 1000 - seen
    if age_s * 1000 > fresh_ms:
        return f"the witnesses saw this state of the log {age_s} seconds ago"
    # Attack: a newest state, and an old summary in it, from before something that a newer one counts.
    made = min((decode(head.envelope).t for head in _heads(data)), default=now_ms)
    return None if now_ms - made <= fresh_ms else f"it rests on a summary that was made {(now_ms - made) // 1000} s ago"


def late_clock(data: bytes, entries: Iterable[tuple[int, Entry, bytes]]) -> str | None:
    """Why the times of a sound file say less than they seem to, by what the log marks behind its summary.

    Attack: a summary of the minute in which the clock was wrong, before the log says so.

    Args:
        data: the file.
        entries: all of the log that is at hand, with their indexes (``read_log``).

    Raises:
        StatementError: the file is not one.
    """
    asked, found = _asked(data), None
    covered = min((parse_head(decode(head.envelope)).size for head in _heads(data)), default=None)
    edges = [edge for edge in (asked.begin, asked.end) if edge is not None]
    for index, entry, _ in entries:
        stretch = None if covered is None or index < covered else stretch_of(entry)
        if stretch is not None and any(stretch.begin < edge <= stretch.end for edge in edges):
            found = f"entry {index}, behind this file's summary, says that the clock was wrong at an edge of the period"
    return found


def _heads(data: bytes) -> list[PlacedEntry]:
    kind = _kind(data)
    if kind == "statement":
        return [parse_statement(data).head]
    if kind == "moratorium":
        return [parse_report(data).head]
    if kind == "invoice":
        return [parse_invoice(data).head]
    return [parse_statement(canonical(one)).head for one in _statements(data)]


def weakness(policy: TrustPolicy) -> str | None:
    """Why a trust policy cannot protect its reader; None when it can, or says openly that it has no witnesses."""
    logs = {key.public for key in policy.logs}
    for name, witness in policy.witnesses.items():
        if witness.key.public in logs:
            return f"witness {name} has the key of the log itself"
    if policy.quorum in policy.groups and _splits(policy, policy.quorum):
        return (
            f"the quorum {policy.quorum} is no majority: two sets of witnesses without a common one could confirm two "
            "different logs"
        )
    return None


def _splits(policy: TrustPolicy, name: str) -> bool:
    """Whether two sets of witnesses that have nobody in common can both be enough for ``name``.

    Each witness is in one group only, so what can be split in itself serves both sides, and everything else one.
    """
    if name not in policy.groups:
        return False
    group = policy.groups[name]
    both = sum(_splits(policy, member) for member in group.members)
    return 2 * group.need <= 2 * both + (len(group.members) - both)


def _asked(data: bytes) -> _Asked:
    kind = _kind(data)
    if kind == "statement":
        one = parse_statement(data).question
        return _Asked(frozenset({one.identifier}), None, frozenset(), one.begin, one.end)
    if kind == "moratorium":
        report = parse_report(data).question
        return _Asked(frozenset(), report.sector, frozenset(report.operations), report.begin, report.end)
    if kind == "invoice":
        month = Month.parse(str(decode(parse_invoice(data).entry.envelope).fields.get("x")))
        return _Asked(frozenset(), None, frozenset(), month.begin, month.end)
    if kind in ("party", "regulation"):
        parts = [parse_statement(canonical(one)).question for one in _statements(data)]
        begins, ends = {one.begin for one in parts}, {one.end for one in parts}
        return _Asked(frozenset(one.identifier for one in parts), None, frozenset(), begins.pop(), ends.pop())
    return _Asked(frozenset(), None, frozenset(), None, None)


def _kind(data: bytes) -> str:
    value = parse_canonical(data)
    return next((name for name in value if name != "digest"), "") if isinstance(value, dict) else ""


def checkpoint_in(data: bytes) -> bytes:
    """The signed state of the log that a file of any kind rests on; empty when it has none.

    Raises:
        StatementError: the bytes are not canonical.
    """
    value = parse_canonical(data)
    inner = value.get(_kind(data)) if isinstance(value, dict) else None
    for one in _statements(data)[:1]:
        inner = one.get("statement") if isinstance(one, dict) else None
    return str(inner.get("checkpoint")).encode() if isinstance(inner, Mapping) else b""


def _statements(data: bytes) -> list[object]:
    value = parse_canonical(data)
    inner = value.get(_kind(data)) if isinstance(value, dict) else None
    if not isinstance(inner, dict) or "checkpoint" in inner:
        return []
    found = inner.get("statements", [inner.get("statement")])
    return found if isinstance(found, list) else []
