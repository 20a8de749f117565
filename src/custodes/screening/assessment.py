"""What officers decided about the findings of a screening, and what is left of them: the verdict that counts.

In: an onboarding graph, hits, decisions. Out: findings with their state, and a verdict. A finding is a hit, or a chain
that only the upper ends of ranges complete. Its key covers both sides in full, so that a decision about it lapses when
either changes. Whoever sets a customer free needs a second officer; whoever holds one back does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from custodes.screening.disclosure import DisclosureGap
from custodes.screening.entities import ListEntry, ListHit, Organisation, OwnershipPath, Party, Verdict
from custodes.screening.rule import ScreeningOutcome, judge

Call = Literal["false", "true", "accept"]
CALLS: Mapping[str, str] = {
    "false": "the hit is somebody else",
    "true": "the hit is this party",
    "accept": "it is so, and is no reason to refuse",
}
State = Literal["open", "half", "false", "true", "accept"]
OFFICERS_TO_FREE = 2
MAX_REASON_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Decision:
    """What one officer decided about one finding.

    Attributes:
        finding: its key.
        call: one of ``CALLS``.
        officer: who.
        reason: why, in words.
        evidence: SHA-256 digests of what it rests on, in hexadecimal.
        at_ms: when, since the epoch.
        signature: the officer's Ed25519 signature over ``message``.
    """

    finding: str
    call: str
    officer: str
    reason: str
    evidence: tuple[str, ...]
    at_ms: int
    signature: bytes = field(default=b"", repr=False)

    def message(self) -> bytes:
        """The bytes that are signed. Every line but the last has a fixed form, so none can pass for another."""
        reason = hashlib.sha256(self.reason.encode()).hexdigest()
        lines = ["custodes screening decision v1", self.finding, self.call, self.officer, str(self.at_ms), reason]
        return "\n".join([*lines, *self.evidence, ""]).encode()

    def is_signed_by(self, public: bytes) -> bool:
        """Whether the signature is one by the owner of ``public`` (32 bytes)."""
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(self.signature, self.message())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person has to look at, or has."""

    key: str
    kind: Literal["hit", "path", "gap"]
    party: str
    text: str
    score: float
    state: State
    decisions: tuple[Decision, ...]

    @property
    def is_settled(self) -> bool:
        """Whether it no longer stands in the way."""
        return self.state in ("false", "accept")


@dataclass(frozen=True, slots=True)
class Assessment:
    """A verdict after what officers decided, with everything it stands on."""

    verdict: Verdict
    outcome: ScreeningOutcome
    findings: tuple[Finding, ...]


def hit_key(party: Party, entry: ListEntry) -> str:
    """Name of a hit: both sides in full, but not where the party stands, so that it is remembered for other graphs."""
    return _key({"party": asdict(replace(party, id="")), "entry": entry.digest()})


def path_key(graph: Organisation, path: OwnershipPath) -> str:
    """Name of a chain: its edges, its rule, and everybody on it."""
    ends = dict.fromkeys(end for edge in path.steps for end in (edge.owner, edge.holder, edge.asset))
    parties = [asdict(graph.parties[end]) for end in ends]
    return _key({"path": asdict(path), "parties": parties})


def gap_key(graph: Organisation, gap: DisclosureGap) -> str:
    """Name of a gap: its reason, the party, and everything declared: any other declaration opens it again."""
    edges = sorted(orjson.dumps(asdict(edge), option=orjson.OPT_SORT_KEYS).hex() for edge in graph.edges)
    return _key({"gap": gap.reason, "party": asdict(graph.parties[gap.party]), "edges": edges})


def assess(
    graph: Organisation, hits: Sequence[ListHit], decisions: Mapping[str, Sequence[Decision]], day: str
) -> Assessment:
    """Say where a customer stands on ``day``.

    Args:
        graph: everybody behind the customer.
        hits: all that screening found on them.
        decisions: by key of a finding, oldest first.
        day: ``YYYY-MM-DD``.
    """
    findings: list[Finding] = []
    counted: list[ListHit] = []
    for hit in hits:
        key = hit_key(graph.parties[hit.party], hit.entry)
        rows = tuple(decisions.get(key, ()))
        state = _state(rows)
        name = hit.entry.names[0].text if hit.entry.names else hit.entry.uid
        text = f"{graph.parties[hit.party].name} ~ {name} ({hit.entry.source} {hit.entry.uid})"
        findings.append(Finding(key, "hit", hit.party, text, hit.score, state, rows))
        if state != "false":
            counted.append(replace(hit, decides=hit.decides or state in ("true", "accept")))
    outcome = judge(graph, counted, day)
    for path in outcome.paths:
        key = path_key(graph, path)
        rows = tuple(decisions.get(key, ()))
        text = f"{path.regime}: {path.rule}"
        findings.append(Finding(key, "path", path.party, text, 1.0 if path.certain else 0.5, _state(rows), rows))
    for gap in outcome.gaps:
        key = gap_key(graph, gap)
        rows = tuple(decisions.get(key, ()))
        text = f"{graph.parties[gap.party].name}: {gap.reason}"
        findings.append(Finding(key, "gap", gap.party, text, 0.5, _state(rows), rows))
    return Assessment(_verdict(outcome, findings), outcome, tuple(findings))


def _verdict(outcome: ScreeningOutcome, findings: Iterable[Finding]) -> Verdict:
    # A chain that is certain can only go by the hit it starts from being false; nobody may wave it through.
    if any(path.certain for path in outcome.paths):
        return "blocked"
    return "clear" if all(finding.is_settled for finding in findings) else "review"


def _state(decisions: Iterable[Decision]) -> State:
    """The newest state: ``true`` stands by one officer and undoes what freed before; to free takes two."""
    state: State = "open"
    calls: dict[str, set[str]] = {}
    for one in decisions:
        if one.call == "true":
            state, calls = "true", {}
            continue
        officers = calls.setdefault(one.call, set())
        officers.add(one.officer)
        if len(officers) >= OFFICERS_TO_FREE:
            state = "false" if one.call == "false" else "accept"
        elif state == "open":
            state = "half"
    return state


def _key(parsed: object) -> str:
    return hashlib.sha256(orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
