"""The files that the operator hands out, written: the other half of the parsers in ``verifier``.

In: a statement, certificate, invoice or report as a value. Out: its bytes, canonical JSON with a checksum. Shapes are
given where the files are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

from custodes.ledger.tlog.entry import b64url
from custodes.ledger.verifier.canonical_json import Opened, PlacedEntry, canonical, parse_canonical
from custodes.ledger.verifier.erasure import Certificate
from custodes.ledger.verifier.invoices.invoice import Invoice
from custodes.ledger.verifier.maps.growth import HEADER, MOVED, NODE, ROW, MapGrowth
from custodes.ledger.verifier.maps.head import PARTY_MAP
from custodes.ledger.verifier.maps.key_change import ShownChange
from custodes.ledger.verifier.maps.proof import MapPath, Value
from custodes.ledger.verifier.moratorium.report import Report
from custodes.ledger.verifier.party import PartyQuestion
from custodes.ledger.verifier.regulation.check import RegulationReport, ShownRecord
from custodes.ledger.verifier.statement import ShownPlace, ShownUse, StatementFile, map_of
from custodes.ledger.verifier.timestamps.bracket import EarlierState, ShownStamp
from custodes.ledger.verifier.uncertainty import ShownDestruction


def encode_file(value: StatementFile | Certificate | Invoice | Report) -> bytes:
    """The bytes of a file, which the parser of its kind reads back."""
    if isinstance(value, StatementFile):
        return wrap("statement", _statement(value))
    if isinstance(value, Certificate):
        return wrap("erasure", _certificate(value))
    if isinstance(value, Invoice):
        return wrap("invoice", _invoice(value))
    return wrap("moratorium", _report(value))


def encode_party(asked: PartyQuestion, statements: Sequence[bytes]) -> bytes:
    """The file about a party: a statement for each of its names, in order."""
    inner = {
        "identifiers": [list(pair) for pair in asked.identifiers],
        "names": list(asked.names),
        "statements": [parse_canonical(statement) for statement in statements],
        "v": 1,
    }
    return wrap("party", inner)


def encode_regulation(report: RegulationReport) -> bytes:
    """The file of a report for regulators."""
    inner = {
        "account": report.account,
        "declared": dict(report.declared),
        "figures": dict(report.figures),
        "proof": b64url(b"".join(report.proof)),
        "records": [_opened(each) for each in report.records],
        "statement": parse_canonical(report.statement),
        "v": 1,
    }
    return wrap("regulation", inner)


def _opened(shown: ShownRecord) -> dict[str, object]:
    opening = {"b": json.loads(shown.body), "s": b64url(shown.salt)}
    return {**entry_member(PlacedEntry(shown.index, shown.envelope)), **opening}


def encode_growth(growth: MapGrowth) -> bytes:
    """The bytes that ``parse_growth`` reads."""
    parts = [HEADER.pack(len(growth.places))]
    for one in growth.places:
        parts.append(ROW.pack(one.place, one.units, one.uses.size, one.depth, len(one.added)))
        parts += [node for node in reversed(one.uses.nodes) if node is not None]
        parts += [index.to_bytes(8, "big") for index in one.added]
    parts += [NODE.pack(node.hash, node.count, node.units) for node in growth.siblings]
    return b"".join(parts)


def encode_moved(places: Iterable[tuple[bytes, bytes, Value]]) -> bytes:
    """The bytes that ``check_moved`` reads: where each place was and is, and what stands there."""
    return b"".join(MOVED.pack(was, here, one.count, one.units, one.root) for was, here, one in places)


def encode_stamps(stamps: Sequence[ShownStamp], proof: Sequence[bytes], earlier: Sequence[EarlierState] = ()) -> bytes:
    """The file of stamps that goes with a statement."""
    rows = [
        {
            **entry_member(one.entry),
            "b": json.loads(one.body),
            "c": b64url(b"".join(one.proof)),
            "r": b64url(one.root),
            "s": b64url(one.salt),
        }
        for one in stamps
    ]
    inner: dict[str, object] = {"proof": b64url(b"".join(proof)), "stamps": rows, "v": 1}
    if earlier:
        inner["earlier"] = [{"c": b64url(b"".join(one.proof)), "k": one.note.decode()} for one in earlier]
    return canonical({"digest": b64url(sha256(canonical(inner)).digest()), "stamps": inner})


def encode_path(path: MapPath) -> bytes:
    """A way in a map: bytes of its end, then of its siblings."""
    end = b"\x00" if path.leaf is None else b"\x01" + path.leaf[0] + path.leaf[1].encode()
    return end + b"".join(node.encode() for node in path.siblings)


def wrap(name: str, inner: object) -> bytes:
    """A file of ours: ``inner`` under ``name``, and a checksum over it."""
    return canonical({"digest": b64url(sha256(canonical(inner)).digest()), name: inner})


def entry_member(placed: PlacedEntry) -> dict[str, object]:
    """An entry and its index as a JSON object."""
    return {"e": json.loads(placed.envelope), "i": placed.index}


def change_member(shown: ShownChange) -> dict[str, object]:
    """A change of the VRF key with what its commitment is over, as a JSON object."""
    return {**entry_member(shown.entry), "f": b64url(shown.first), "p": b64url(shown.places)}


def _statement(value: StatementFile) -> dict[str, object]:
    question = value.question
    shown: dict[str, object] = {"uses": [_use(use) for use in value.uses]}
    if map_of(question.identifier) == PARTY_MAP:
        shown = {"places": [_place(place) for place in value.places]}
    return {
        "checkpoint": value.checkpoint.decode(),
        "head": entry_member(value.head),
        "next": None if value.next is None else entry_member(value.next),
        "path": b64url(value.path),
        "prices": value.prices,
        "proof": b64url(b"".join(value.proof)),
        "question": {"from": question.begin, "identifier": question.identifier, "to": question.end},
        "v": 1,
        "vrf": b64url(value.vrf),
        **shown,
        **({"clock": [entry_member(one) for one in value.clock]} if value.clock else {}),
        **({"destroyed": [_destruction(one) for one in value.destroyed]} if value.destroyed else {}),
        **({} if value.change is None else {"change": change_member(value.change)}),
    }


def _destruction(shown: ShownDestruction) -> dict[str, object]:
    opening = {"b": json.loads(shown.body), "h": entry_member(shown.head), "s": b64url(shown.salt)}
    return {**entry_member(shown.entry), **opening}


def _use(use: ShownUse | ShownPlace) -> dict[str, object]:
    opening = {} if use.salt is None or use.body is None else {"b": json.loads(use.body), "s": b64url(use.salt)}
    return {"e": json.loads(use.envelope), "i": use.index, **opening}


def _place(place: ShownPlace) -> dict[str, object]:
    return {"c": b64url(place.commitment), **_use(place)}


def _certificate(value: Certificate) -> dict[str, object]:
    later = None
    if value.later is not None:
        later = {
            "face": b64url(value.later.face),
            "head": entry_member(value.later.head),
            "path": b64url(value.later.path),
            "vrf": b64url(value.later.vrf),
        }
    return {
        "account": value.account,
        "after": b64url(value.after),
        "before": b64url(value.before),
        "checkpoint": value.checkpoint.decode(),
        "collection": value.collection,
        "entry": entry_member(value.entry),
        "face": value.face,
        "later": later,
        "proof": b64url(b"".join(value.proof)),
        "v": 1,
    }


def _invoice(value: Invoice) -> dict[str, object]:
    return {
        "bill": value.bill,
        "checkpoint": value.checkpoint.decode(),
        "entry": entry_member(value.entry),
        "head": entry_member(value.head),
        "path": b64url(value.path),
        "proof": b64url(b"".join(value.proof)),
        "v": 3,
        **({"clock": [entry_member(one) for one in value.clock]} if value.clock else {}),
    }


def _report(value: Report) -> dict[str, object]:
    question = value.question
    return {
        "changes": [entry_member(change) for change in value.changes],
        "checkpoint": value.checkpoint.decode(),
        "excerpts": [_opening(each) for each in value.excerpts],
        "first": value.first,
        "head": entry_member(value.head),
        "opened": [_opening(each) for each in value.opened],
        "proof": b64url(b"".join(value.proof)),
        "question": {
            "from": question.begin,
            "operations": list(question.operations),
            "rule": question.rule,
            "sector": question.sector,
            "to": question.end,
        },
        "range": [json.loads(envelope) for envelope in value.range],
        "sets": [dict(each) for each in value.sets],
        "v": 2,
        **({"clock": [entry_member(one) for one in value.clock]} if value.clock else {}),
    }


def _opening(opened: Opened) -> dict[str, object]:
    return {"b": json.loads(opened.text), "i": opened.index, "s": b64url(opened.salt)}
