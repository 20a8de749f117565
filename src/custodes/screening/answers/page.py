"""A screening explained on one page of HTML: findings with what speaks for and against, decisions, who is behind whom.

In: a heading, explained findings, the picture. Out: HTML that refers to nothing outside itself and runs nothing. All
text of others is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from custodes.screening.answers.explanation import ExplainedFinding

STATES = {
    "open": "open",
    "half": "waiting for a second officer",
    "false": "dismissed: somebody else",
    "true": "confirmed",
    "accept": "accepted",
}
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-top:1px solid #ccc;padding-top:1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #ddd}.two{display:flex;gap:2rem;flex-wrap:wrap}.two>div{flex:1;min-width:16rem}"
    ".blocked{color:#b3261e}.review{color:#7a5200}.clear{color:#1b6e3c}code{font-size:.85em}svg{max-width:100%}"
)


@dataclass(frozen=True, slots=True)
class PageHead:
    """What stands above: whose screening, its verdict, when it was made and against which lists."""

    name: str
    account: str
    verdict: str
    screened_at_ms: int
    lists: str


def page(head: PageHead, findings: Sequence[ExplainedFinding], picture: str) -> str:
    """The page; ``picture`` is SVG of our own."""
    title = f"Screening of {escape(head.name)}"
    when = _day(head.screened_at_ms) if head.screened_at_ms else "not yet"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>',
        f"</head><body><main><h1>{title}</h1><p>Account <code>{escape(head.account)}</code>, screened {when} against ",
        f"lists <code>{escape(head.lists[:16] or 'none')}</code>. Verdict: ",
        f'<strong class="{escape(head.verdict)}">{escape(head.verdict)}</strong>.</p>',
        *([_finding(one) for one in findings] or ["<p>Nothing was found.</p>"]),
        "<h2>Who is behind it</h2>",
        f'<div role="img" aria-label="Who owns and controls the customer">{picture}</div></main></body></html>\n',
    ]
    return "".join(parts)


def _finding(one: ExplainedFinding) -> str:
    found = one.finding
    parts = [
        f"<h2>{escape(found.text)}</h2><p>Score {found.score:.2f}; {escape(STATES.get(found.state, found.state))}. ",
        f"Finding <code>{escape(found.key)}</code></p>",
        '<div class="two">', _list("Speaks for it", one.speaks_for), _list("Speaks against it", one.speaks_against),
        _list("Not known", one.not_known), "</div>",
    ]  # fmt: skip
    if one.facts:
        rows = (
            f'<tr><th scope="row">{fact.what}</th><td>{escape(fact.ours)}</td><td>{escape(fact.theirs)}</td></tr>'
            for fact in one.facts
        )
        parts += ["<table><thead><tr><td></td><th>declared</th><th>listed</th></tr></thead><tbody>", *rows]
        parts.append("</tbody></table>")
    for each in found.decisions:
        said = f"{each.officer}, {_day(each.at_ms)}: {each.call}. {each.reason}"
        proofs = "".join(f" <code>{escape(digest[:16])}</code>" for digest in each.evidence)
        parts.append(f"<p>{escape(said)}{f' Evidence:{proofs}' if proofs else ''}</p>")
    return "".join(parts)


def _list(title: str, lines: Sequence[str]) -> str:
    rows = "".join(f"<li>{escape(line)}</li>" for line in lines) or "<li>nothing</li>"
    return f"<div><h3>{title}</h3><ul>{rows}</ul></div>"


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
