"""A report for regulators as a page to read and print; the file with the proofs lies beside it.

In: a checked report. Out: HTML without scripts, all texts escaped. It counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

import jinja2

from custodes.ledger.verifier.regulation.check import LIMITS, RegulationReport, moments


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    duty: str
    rows: tuple[_Row, ...]


_SECTIONS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (
        "AI Act, article 12: records",
        "Events are recorded automatically over the lifetime of the system; for remote identification begin and end of "
        "each use, the reference database, the input that led to a match, and who verified it.",
        {
            "12.uses": "uses, all of them",
            "12.units": "units that they count",
            "12.3.identifications": "identifications that were carried out",
            "12.3.a.begin_and_end": "with begin and end (3a)",
            "12.3.a.in_a_case": "under a case that the session named (3a)",
            "12.3.b.database_and_version": "with collection, its version and the networks (3b)",
            "12.3.c.with_match": "that led to a match (3c)",
            "12.3.c.with_match_and_input": "with the digest of the picture that led to it (3c)",
            "14.5.confirm": "confirmations of a result by a person (3d, 14(5))",
            "14.5.reject": "rejections",
            "14.5.release": "results released",
            "14.5.verified_by_two": "results released after two different persons had confirmed them in the period",
        },
    ),
    (
        "AI Act, articles 19 and 26(6): logs are kept",
        "For six months at least.",
        {
            "19.details_kept": "uses of the period whose details are kept",
            "19.details_destroyed": "uses of the period whose details were destroyed, each by an entry that says so",
        },
    ),
    (
        "AI Act, article 26: deployers",
        "Use as instructed, suspension where there is a risk, authorisation of identifications after the fact within "
        "48 hours, and a yearly report on them.",
        {
            "26.allowed": "requests allowed",
            "26.refused": "requests refused",
            "26.5.suspensions": "suspensions of the account (5)",
            "26.10.cases": "cases begun (10)",
            "26.10.granted": "authorisations put on record (10)",
            "26.10.refused": "authorisations refused (10)",
            "26.10.late": "cases without a decision of an authority within 48 hours (10)",
            "26.10.uses.": "identifications for an exceptional purpose in",
        },
    ),
    (
        "GDPR, article 30: record of processing",
        "Purposes of the processing, and erasure.",
        {"30.purpose.": "requests allowed for the purpose", "30.faces_erased": "faces erased by the account"},
    ),
    (
        "GDPR, article 35: impact",
        "How much biometric data came in.",
        {"35.faces_enrolled": "faces enrolled"},
    ),
)


def render(report: RegulationReport, file: str) -> str:
    """The page about a report that lies beside it as ``file``."""
    begin, end = moments(report)
    template = resources.files(__package__).joinpath("regulation_page.html").read_text(encoding="utf-8")
    sections = [_Section(title, duty, tuple(_rows(texts, report.figures))) for title, duty, texts in _SECTIONS]
    return (
        jinja2.Environment(autoescape=True)
        .from_string(template)
        .render(
            account=report.account,
            begin=begin,
            end=end,
            file=file,
            sections=sections,
            declared=sorted(_flat(report.declared)),
            limits=LIMITS,
        )
    )


def _rows(texts: Mapping[str, str], figures: Mapping[str, int]) -> Iterator[_Row]:
    for name, text in texts.items():
        if not name.endswith("."):
            yield _Row(text, figures.get(name, 0))
            continue
        for figure, number in sorted(figures.items()):
            if figure.startswith(name):
                yield _Row(f"{text} {figure.removeprefix(name)}", number)


def _flat(value: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    for name, member in value.items():
        if isinstance(member, Mapping):
            yield from _flat(member, f"{before}{name}, ")
        else:
            listed = member if isinstance(member, list) else [member]
            yield f"{before}{name}".replace("_", " "), "; ".join(_text(each) for each in listed)


def _text(value: object) -> str:
    return ", ".join(str(each) for each in value.values() if each) if isinstance(value, Mapping) else str(value)
