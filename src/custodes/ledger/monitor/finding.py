"""What a monitor may find, as values. In: nothing. Out: kinds of findings, from contradictions to a late answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What a finding says of the log."""

    CONTRADICTION = "contradiction"
    FROZEN = "frozen"
    UNWITNESSED = "unwitnessed"
    CLOCK = "clock"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class LogFinding:
    """One thing that is not as it must be.

    Attributes:
        kind: a contradiction stands for ever; the others say that nothing can be told now.
        text: what it is, for a person.
        evidence: files that show it to others: name and content.
    """

    kind: FindingKind
    text: str
    evidence: tuple[tuple[str, bytes], ...] = ()


def contradiction(text: str, *evidence: tuple[str, bytes]) -> LogFinding:
    """A contradiction."""
    return LogFinding(FindingKind.CONTRADICTION, text, evidence)
