"""Drafts of the reports that authorities ask for when a customer turns out to be blocked.

In: what is known about the case. Out: one Markdown text per authority whose rule blocks. They are drafts: a person
completes, checks and sends them. Duties differ by what the operator is; the text says to whom they apply.

Sources: The Russia (Sanctions) (EU Exit) Regulations 2019, reg. 70 (report to OFSI as soon as practicable); 31 CFR
501.603 (report of blocked property within 10 business days, and annually by 30 September); Council Regulation (EU)
No 269/2014, art. 8 (to the national competent authority within two weeks).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from custodes.screening.answers.svg import words
from custodes.screening.assessment import Assessment
from custodes.screening.entities import Organisation


@dataclass(frozen=True, slots=True)
class Authority:
    """Who is told, by when, under what."""

    title: str
    addressee: str
    duty: str


AUTHORITIES: Mapping[str, Authority] = MappingProxyType(
    {
        "UK": Authority(
            "Report to OFSI: suspected designated person",
            "Office of Financial Sanctions Implementation, HM Treasury",
            "As soon as practicable. The duty to report binds relevant firms (regulation 71); the prohibitions bind "
            "everybody. Say what the information is based on, and what is held or owed.",
        ),
        "OFAC": Authority(
            "Report of blocked property",
            "U.S. Department of the Treasury, Office of Foreign Assets Control, Compliance Division",
            "Within 10 business days of the blocking, and again every year by 30 September while it is held.",
        ),
        "EU": Authority(
            "Report to the national competent authority: frozen funds or economic resources",
            "National competent authority of the Member State of residence or seat (annex II to the Regulation)",
            "Immediately, at the latest within two weeks of learning it.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class ReportCase:
    """What a report is about.

    Attributes:
        account_id: the customer's account.
        graph: everybody behind it.
        assessment: what blocks it.
        at_ms: when that was found.
        lists: digest of the lists it was found against.
        entry: index of the ledger entry that records it.
    """

    account_id: str
    graph: Organisation
    assessment: Assessment
    at_ms: int
    lists: str
    entry: int


def drafts(case: ReportCase) -> dict[str, str]:
    """Markdown by authority, for each regime with a chain that is certain."""
    regimes = [path.regime for path in case.assessment.outcome.paths if path.certain]
    return {regime: _draft(case, regime) for regime in regimes if regime in AUTHORITIES}


def _draft(case: ReportCase, regime: str) -> str:
    authority, graph = AUTHORITIES[regime], case.graph
    when = datetime.fromtimestamp(case.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    subject = graph.parties[graph.subject]
    lines = [
        f"# Draft: {authority.title}",
        "",
        f"To: {authority.addressee}",
        "",
        f"Due: {authority.duty}",
        "",
        "Not sent. Fields in [brackets] are for the reporting person.",
        "",
        "## Reporting person",
        "",
        "[name, address, registration number, contact]",
        "",
        "## Customer",
        "",
        f"- Name: {_plain(subject.name)}",
        f"- Country: {_plain(subject.country) or '[unknown]'}",
        *(f"- {_plain(kind)}: {_plain(value)}" for kind, value in subject.identifiers),
        f"- Account: {case.account_id}, suspended {when}",
        "",
        "## Designated persons",
        "",
    ]
    for hit in case.assessment.outcome.hits:
        if hit.decides:
            entry, party = hit.entry, graph.parties[hit.party]
            name = entry.names[0].text if entry.names else entry.uid
            lines.append(f"- {_plain(name)}: {_plain(entry.source)} {_plain(entry.uid)}, known here as "
                         f"{_plain(party.name)}; {', '.join(_plain(term.what) for term in hit.terms)}")  # fmt: skip
    lines += ["", "## Why the customer is caught", ""]
    for path in case.assessment.outcome.paths:
        if path.regime == regime:
            lines.append(f"{_plain(path.rule)}:")
            lines.append("")
            for edge in path.steps:
                owner, asset = graph.parties[edge.owner].name, graph.parties[edge.asset].name
                held = f" for {_plain(graph.parties[edge.held_for].name)}" if edge.held_for else ""
                lines.append(f"- {_plain(owner)}{held} -> {_plain(asset)}: {words(edge)}")
    lines += [
        "",
        "## What is held",
        "",
        "[balances, credits, prepayments; they are frozen, not refunded]",
        "",
        "## Evidence",
        "",
        f"- Found: {when}, against lists with digest {case.lists}",
        f"- Ledger entry {case.entry} of this server's log records it; a statement about the account shows its use",
        "",
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text of others on one line, without marks that Markdown reads."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return "".join("\\" + char if char in "\\`*_[]<>#|" else char for char in shown)
