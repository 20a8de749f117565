"""Results of the operator's commands about screening. In: nothing. Out: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from custodes.screening.entities import OwnershipPath


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLine:
    """A customer with its verdict and how much was found; ``screened_at_ms`` since the epoch."""

    account_id: str
    status: str
    name: str
    verdict: str
    parties: int
    hits: int
    screened_at_ms: int
    dossier: int


def members_of(line: CustomerLine) -> dict[str, Any]:
    """Its members, for a result that has more."""
    return {each.name: getattr(line, each.name) for each in fields(line)}


@dataclass(frozen=True, slots=True)
class CustomerList:
    """Customers with their verdicts."""

    cases: tuple[CustomerLine, ...]


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """What an officer decided about a finding."""

    officer: str
    call: str
    reason: str
    at_ms: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """Something that a person has to look at, or has."""

    finding: str
    kind: str
    party: str
    text: str
    score: float
    state: str
    decisions: tuple[DecisionFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAssessed(CustomerLine):
    """A customer with all that was found; ``picture`` is an SVG where one was asked for."""

    findings: tuple[FindingFacts, ...]
    paths: tuple[OwnershipPath, ...]
    picture: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerExplained(CustomerLine):
    """A customer with what speaks for and against each finding, and the page that says so."""

    findings: tuple[Mapping[str, object], ...]
    page: str


@dataclass(frozen=True, slots=True)
class FindingDecided:
    """A finding after a decision."""

    finding: FindingFacts


@dataclass(frozen=True, slots=True)
class ScreeningRefreshed:
    """Customers by verdict, after all were held against the newest lists."""

    verdicts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OfficerFacts:
    """Who may decide: key in hexadecimal; ``until_ms`` is None while in office."""

    name: str
    public: str
    since_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class OfficerList:
    """All officers, those who left as well."""

    officers: tuple[OfficerFacts, ...]
