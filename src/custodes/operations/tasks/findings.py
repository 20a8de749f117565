"""What a task found, as it is kept: a summary, then findings in pages.

In and out: frozen values and their bytes. Faces are named by id and collection only: what else is known of them is
looked up when somebody reads, so that of an erased face nothing is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

PAGE = 500
"""Findings a page."""


@dataclass(frozen=True, slots=True)
class RateFound:
    """See ``gallery.rates.RatePoint``."""

    similarity_pct: float
    false_match_rate: float
    true_match_rate: float
    bounded: bool


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """What was looked at and how much came of it.

    Attributes:
        faces: that were looked at.
        findings: pairs or groups.
        truncated: whether there were more than are kept.
        threshold_pct: that links faces; None where there is none.
        false_match_rate: of ``threshold_pct``; None where it was not measured.
        expected_false_pairs: pairs of different people that are expected to be among ``faces`` by that rate.
        rates: of a calibration.
        people, genuine_pairs, impostor_pairs: that these are of.
        pictures: that were looked at.
        left_out: pictures without a face that was taken.
        pages: of an enrolment, numbers of the first page that lists what was left out, and of the one behind the last.
    """

    faces: int
    findings: int = 0
    truncated: bool = False
    threshold_pct: float | None = None
    false_match_rate: float | None = None
    expected_false_pairs: float | None = None
    rates: tuple[RateFound, ...] = ()
    people: int = 0
    genuine_pairs: int = 0
    impostor_pairs: int = 0
    pictures: int = 0
    left_out: int = 0
    pages: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class TaskFinding:
    """Faces that belong together: (collection, face id) each; for a group the two that are least alike.

    ``similarity_pct`` is that of the pair, or of the weakest pair of a group.
    """

    faces: tuple[tuple[str, str], ...]
    similarity_pct: float
    weakest: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A picture of which no face was taken, and why; ``failed`` where it could not be looked at at all."""

    key: str
    reason: str
    failed: bool


@dataclass(frozen=True, slots=True)
class TaskFound:
    """All of it."""

    summary: TaskSummary
    findings: Sequence[TaskFinding] = field(default_factory=tuple)

    def pages(self) -> tuple[bytes, ...]:
        """The summary, then pages of findings."""
        parts = [self.findings[at : at + PAGE] for at in range(0, len(self.findings), PAGE)]
        return (msgspec.json.encode(self.summary), *(msgspec.json.encode(part) for part in parts))


def read_summary(data: bytes) -> TaskSummary:
    """The first page."""
    return msgspec.json.decode(data, type=TaskSummary)


def read_findings(data: bytes) -> tuple[TaskFinding, ...]:
    """Any other page."""
    return msgspec.json.decode(data, type=tuple[TaskFinding, ...])


def write_left_out(pictures: Sequence[LeftOut]) -> bytes:
    """A page of an enrolment."""
    return msgspec.json.encode(pictures)


def read_left_out(data: bytes) -> tuple[LeftOut, ...]:
    """What ``write_left_out`` gave."""
    return msgspec.json.decode(data, type=tuple[LeftOut, ...])
