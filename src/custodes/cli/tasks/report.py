"""What a task found as one HTML page. In: its summary and findings. Out: text without scripts and anything to fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #1a1a1a; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; font-weight: 600; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid #ddd; vertical-align: top;
font-variant-numeric: tabular-nums; overflow-wrap: anywhere; } th { font-size: .85rem; color: #555; }
"""
_TITLES = {
    "DuplicateSearch": "Duplicates",
    "FaceClustering": "Proposed persons",
    "CrossMatch": "Faces of both collections",
    "Calibration": "What similarities stand for here",
}


def looked(summary: Mapping[str, Any]) -> str:
    """How many faces were looked at, and how much was found."""
    faces, findings = int(summary["Faces"]), int(summary["Findings"])
    return f"{faces} face{'' if faces == 1 else 's'}, {findings} finding{'' if findings == 1 else 's'}"


def report(kind: str, summary: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> str:
    """The page."""
    title = _TITLES.get(kind, kind)
    facts = [looked(summary)]
    if summary.get("ExpectedFalsePairs") is not None:
        facts.append(
            f"at {summary['Threshold']:.6g} % up to {summary['ExpectedFalsePairs']:.1f} pairs of different people are "
            "expected among all"
        )
    if summary.get("Truncated"):
        facts.append("only the most alike are shown")
    return _page(title, facts, _rates(summary.get("Rates") or ()) + _found(findings))


def how_far(facts: Mapping[str, Any]) -> str:
    """How many faces of a collection have a new vector."""
    return (
        f"{facts['collection_id']}: {facts['faces'] - facts['missing']} of {facts['faces']} faces have a vector of "
        f"face model {facts['face_model_version']}"
    )


def reembedding_report(facts: Mapping[str, Any]) -> str:
    """The page about a re-embedding: how far it is, and each face without a new vector with the reason."""
    told = [how_far(facts), "switched" if facts["switched"] else "not switched"]
    rows = "".join(
        f"<tr><td>{escape(one['face_id'])}</td><td>{escape(one.get('external_image_id', ''))}</td>"
        f"<td>{escape(one.get('user_id', ''))}</td><td>{escape(one['reason'])}</td></tr>"
        for one in facts["left"]
    )
    head = "<tr><th>face without a new vector</th><th>external image id</th><th>user</th><th>reason</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
    return _page("Re-embedding", told, table)


def _page(title: str, facts: Sequence[str], content: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>
<style>{_STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(" · ".join(facts))}</p>
{content}
</body>
</html>
"""


def _rates(rates: Sequence[Mapping[str, Any]]) -> str:
    if not rates:
        return ""
    rows = "".join(
        f"<tr><td>{one['Similarity']:.2f} %</td><td>{'at most ' if one['Bounded'] else ''}{one['FalseMatchRate']:.1e}"
        f"</td><td>{100 * one['TrueMatchRate']:.2f} %</td></tr>"
        for one in rates
    )
    head = "<tr><th>similarity</th><th>pairs of different people</th><th>pairs of one person</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _found(findings: Sequence[Mapping[str, Any]]) -> str:
    if not findings:
        return ""
    rows = "".join(
        f"<tr><td>{number}</td><td>{one['Similarity']:.2f} %</td><td>{_faces(one)}</td></tr>"
        for number, one in enumerate(findings, start=1)
    )
    head = "<tr><th>number</th><th>similarity, of the weakest link</th><th>faces</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _faces(one: Mapping[str, Any]) -> str:
    weakest = set(one.get("Weakest") or ())
    told = []
    for face in one["Faces"]:
        name = face.get("ExternalImageId")
        text = escape(f"{face['FaceId']} ({name})" if name else str(face["FaceId"]))
        told.append(f"<b>{text}</b>" if face["FaceId"] in weakest else text)
    return "<br>".join(told)
