"""The answer of a screening as a picture: who stands behind the subject, what each holds, whose chain decided.

In: an onboarding graph and what screening found. Out: SVG text, the same bytes every time. Holders stand above what
they hold. Only parties that decided something are drawn where there are any; else everybody, up to ``MAX_DRAWN``. All
text of others is escaped; the picture refers to nothing outside itself.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from custodes.screening.entities import UNKNOWN, Edge, Organisation, OwnershipPath
from custodes.screening.rule import ScreeningOutcome

MAX_DRAWN = 60
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 200, 54, 36, 84, 28
_LETTERS = 26
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1a1a1a}.small{font-size:11px;fill:#555}"
    ".what{font-size:11px;fill:#1a1a1a}"
    ".halo{stroke:#fff;stroke-width:4px;paint-order:stroke}"
    ".box{fill:#fff;stroke:#8a8a8a}.listed{fill:#fde3e1;stroke:#b3261e;stroke-width:2}"
    ".alike{fill:#fff2cf;stroke:#9a6b00;stroke-width:2}.nobody{stroke-dasharray:5 4}"
    ".subject{stroke:#1a1a1a;stroke-width:2.5}.line{fill:none;stroke:#b0b0b0;stroke-width:1.4}"
    ".sure{stroke:#b3261e;stroke-width:2.4}.maybe{stroke:#9a6b00;stroke-width:2;stroke-dasharray:6 4}"
)


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float


def draw(graph: Organisation, outcome: ScreeningOutcome) -> str:
    """SVG of ``outcome``; 60 parties make about 30 kB."""
    edges = _shown(graph, outcome.paths)
    parties = list(dict.fromkeys([graph.subject, *(end for edge in edges for end in _ends(edge))]))
    layers = _layers(graph.subject, parties, edges)
    wide = max(len(layer) for layer in layers)
    legend = _legend(graph, outcome, len(parties))
    width = max(wide * (_WIDTH + _GAP_X) - _GAP_X, 600) + 2 * _MARGIN
    top = _MARGIN + 20 * len(legend) + 14
    height = top + len(layers) * (_HEIGHT + _GAP_Y) - _GAP_Y + _MARGIN
    places = _places(layers, width, top)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{_text(legend[0])}"><style>{_STYLE}</style>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        '<defs><marker id="tip" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" refX="8" refY="4"'
        ' orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z" fill="#777"/></marker></defs>',
    ]
    for at, line in enumerate(legend):
        weight = ' style="font-weight:600"' if at == 0 else ' class="small"'
        parts.append(f'<text x="{_MARGIN}" y="{_MARGIN + 6 + 20 * at}"{weight}>{_text(line)}</text>')
    parts += [*_lines(edges, places, outcome.paths), *_boxes(graph, outcome, places), "</svg>"]
    return "\n".join(parts) + "\n"


def _ends(edge: Edge) -> tuple[str, ...]:
    return (edge.holder, edge.owner, edge.asset) if edge.holder != edge.owner else (edge.owner, edge.asset)


def _shown(graph: Organisation, found: Sequence[OwnershipPath]) -> list[Edge]:
    """Edges of the chains that decided; without any the whole graph, nearest the subject first."""
    steps = list(dict.fromkeys(edge for path in found for edge in path.steps))
    known = set(graph.edges)
    chosen = steps if any(step in known for step in steps) else _nearest(graph)
    kept: list[Edge] = []
    parties = {graph.subject}
    for edge in reversed(chosen) if chosen is steps else chosen:
        if len(parties | set(_ends(edge))) > MAX_DRAWN:
            break
        parties.update(_ends(edge))
        kept.append(edge)
    return kept


def _nearest(graph: Organisation) -> list[Edge]:
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        into[edge.asset].append(edge)
    seen, waiting, found = {graph.subject}, deque([graph.subject]), list[Edge]()
    while waiting and len(seen) <= MAX_DRAWN:
        for edge in into[waiting.popleft()]:
            found.append(edge)
            for end in (edge.owner, edge.holder):
                if end not in seen:
                    seen.add(end)
                    waiting.append(end)
    return found


def _layers(subject: str, parties: Iterable[str], edges: Sequence[Edge]) -> list[list[str]]:
    """Rows from the top down; everybody stands in the row that his nearest way to the subject gives him."""
    into: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        into[edge.asset].append(edge.owner)
        if edge.holder != edge.owner:
            into[edge.owner].append(edge.holder)
    depth = {subject: 0}
    waiting = deque([subject])
    while waiting:
        one = waiting.popleft()
        for above in into[one]:
            if above not in depth:
                depth[above] = depth[one] + 1
                waiting.append(above)
    rows: dict[int, list[str]] = defaultdict(list)
    for party in parties:
        rows[depth.get(party, 1)].append(party)
    return [rows[at] for at in range(max(rows), -1, -1)]


def _places(layers: Sequence[Sequence[str]], width: float, top: float) -> dict[str, _Place]:
    places = {}
    for row, layer in enumerate(layers):
        left = (width - (len(layer) * (_WIDTH + _GAP_X) - _GAP_X)) / 2
        for at, party in enumerate(layer):
            places[party] = _Place(round(left + at * (_WIDTH + _GAP_X), 1), top + row * (_HEIGHT + _GAP_Y))
    return places


def _legend(graph: Organisation, outcome: ScreeningOutcome, shown: int) -> list[str]:
    names = graph.parties
    lines = [f"{outcome.verdict}: {names[graph.subject].name}"]
    for path in outcome.paths:
        sure = "certain" if path.certain else "possible"
        lines.append(f"{path.regime} ({sure}): {path.rule}")
    for hit in outcome.hits[:8]:
        how = "is" if hit.decides else f"looks like ({hit.score:.2f})"
        lines.append(f"{_cut(names[hit.party].name, 60)} {how} {hit.entry.source} {hit.entry.uid}")
    if shown < len(names):
        lines.append(f"{shown} of {len(names)} parties are drawn")
    return lines


def _lines(edges: Sequence[Edge], places: Mapping[str, _Place], found: Sequence[OwnershipPath]) -> Iterable[str]:
    sure = {edge for path in found if path.certain for edge in path.steps}
    maybe = {edge for path in found if not path.certain for edge in path.steps}
    beside: dict[tuple[str, str], int] = defaultdict(int)
    labels = []
    for edge in edges:
        mark = " sure" if edge in sure else " maybe" if edge in maybe else ""
        if edge.holder != edge.owner:
            yield _line(places[edge.holder], places[edge.owner], mark)
            labels.append(_label(places[edge.holder], places[edge.owner], "behind the nominee", 0))
        start, end = places[edge.owner], places[edge.asset]
        yield _line(start, end, mark)
        labels.append(_label(start, end, words(edge), beside[edge.owner, edge.asset]))
        beside[edge.owner, edge.asset] += 1
    yield from labels


def _line(start: _Place, end: _Place, mark: str) -> str:
    x1, x2 = start.x + _WIDTH / 2, end.x + _WIDTH / 2
    if start.y < end.y:
        y1, y2 = start.y + _HEIGHT, end.y
        bend = (y2 - y1) / 2
        way = f"M{x1},{y1} C{x1},{y1 + bend} {x2},{y2 - bend} {x2},{y2}"
    else:  # a loop, or a holding beside: it goes round on the side of its end
        side, out = _round(start, end)
        x1, x2, y1, y2 = start.x + side, end.x + side, start.y + _HEIGHT / 2, end.y + _HEIGHT / 2
        way = f"M{x1},{y1} C{out},{y1} {out},{y2} {x2},{y2}"
    return f'<path class="line{mark}" marker-end="url(#tip)" d="{way}"/>'


def _label(start: _Place, end: _Place, text: str, row: int) -> str:
    if start.y < end.y:
        # Half way, where neither the lines of one holder nor those of one asset meet.
        x, y = (start.x + end.x + _WIDTH) / 2, (start.y + _HEIGHT + end.y) / 2 + 4
        return f'<text class="what halo" x="{x:.1f}" y="{y + 14 * row:.1f}" text-anchor="middle">{_text(text)}</text>'
    side, out = _round(start, end)
    x, y = (start.x + end.x + 2 * side + 2 * out) / 4, (start.y + end.y + _HEIGHT) / 2
    anchor = "end" if side else "start"
    return f'<text class="what halo" x="{x:.1f}" y="{y + 14 * row:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


def _round(start: _Place, end: _Place) -> tuple[float, float]:
    """Where a line that leads up or aside leaves its box, and how far out it bends."""
    if end.x < start.x:
        return 0.0, min(start.x, end.x) - _MARGIN + 2
    return float(_WIDTH), max(start.x, end.x) + _WIDTH + _MARGIN - 2


def _boxes(graph: Organisation, outcome: ScreeningOutcome, places: Mapping[str, _Place]) -> Iterable[str]:
    listed = {hit.party for hit in outcome.hits if hit.decides}
    alike = {hit.party for hit in outcome.hits} - listed
    for one, place in places.items():
        party = graph.parties[one]
        kind = " listed" if one in listed else " alike" if one in alike else ""
        kind += " subject" if one == graph.subject else ""
        kind += " nobody" if party.kind == UNKNOWN else ""
        what = [party.kind, party.country, *(f"{name} {value}" for name, value in party.identifiers[:1])]
        if one == graph.subject:
            what[0] = "subject"
        if kind.startswith((" listed", " alike")):
            what.insert(0, "listed" if one in listed else "similar name")
        small = _cut(" · ".join(part for part in what if part), 34)
        x, y = place.x + _WIDTH / 2, place.y + 23
        yield (
            f'<g><title>{_text(party.name)}</title><rect class="box{kind}" x="{place.x}" y="{place.y}"'
            f' width="{_WIDTH}" height="{_HEIGHT}" rx="7"/><text x="{x}" y="{y}" text-anchor="middle">'
            f'{_text(_cut(party.name, _LETTERS))}</text><text class="small" x="{x}" y="{y + 18}" text-anchor="middle">'
            f"{_text(small)}</text></g>"
        )


def words(edge: Edge) -> str:
    """Say what an edge is: ``51-75 % of shares``, ``control``, ``director``."""
    what = {"shares": "of shares", "votes": "of votes", "nominee": "as nominee", "end_customer": "end customer"}
    if edge.kind not in ("shares", "votes", "nominee"):
        return what.get(edge.kind, edge.kind)
    share = f"{edge.low_pct:g}" if edge.low_pct == edge.high_pct else f"{edge.low_pct:g} to {edge.high_pct:g}"
    more = ">" if edge.more_than else ""
    return f"{more}{share} % {what[edge.kind]}" + (", indirect" if edge.indirect else "")


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _text(text: str) -> str:
    """Text of others as XML holds it: control characters cannot be in there at all."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return escape(shown, {'"': "&quot;"})
