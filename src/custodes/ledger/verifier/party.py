"""One file about one party under all of its names and numbers: was it ever behind a customer, and in which role?

In: a file that says what the party is called, with a statement for each name that follows from it. Out: the verdict.
The verifier derives the names itself, so a file cannot leave one out or answer about another. Shape:
``{"digest": .., "party": {"identifiers": [[scheme, value], ..], "names": [..], "statements": [statement, ..],
"v": 1}}`` with each statement as in its own file, all at one head of the party map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custodes.ledger.tlog.trust import TrustPolicy
from custodes.ledger.verifier import party_places as places
from custodes.ledger.verifier.canonical_json import Members, StatementError, canonical, unwrap
from custodes.ledger.verifier.party_names import identifier_key, name_keys
from custodes.ledger.verifier.report import render, standing
from custodes.ledger.verifier.statement import PARTY_SCHEMES, map_of
from custodes.ledger.verifier.statement import parse as parse_statement
from custodes.ledger.verifier.texts import clean, moment
from custodes.ledger.verifier.verdict import LogCheck, OpenedPlace, StatementVerdict, Word, verify

MAX_NAMES = 200


@dataclass(frozen=True, slots=True)
class PartyQuestion:
    """Whom the question is about: names as anybody writes them, and pairs of register and number."""

    names: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]

    def map_names(self) -> tuple[str, ...]:
        """The names of all places that the party could have, each once.

        Raises:
            StatementError: a number is none, or there is nothing to ask for.
        """
        keys = [identifier_key(scheme, value, PARTY_SCHEMES) for scheme, value in self.identifiers]
        if any(key is None or map_of(key) is None for key in keys):
            raise StatementError("a number has characters, or a length, that no identifier of its register has")
        keys += [key for name in self.names for key in name_keys(name)]
        found = tuple(dict.fromkeys(key for key in keys if key is not None))
        if not 0 < len(found) <= MAX_NAMES:
            raise StatementError(f"a party is asked for by 1 to {MAX_NAMES} names and numbers")
        return found


@dataclass(frozen=True, slots=True)
class PartyVerdict:
    """The answer about a party: ABSENT only where every name is, PRESENT where one is."""

    word: Word
    reasons: tuple[str, ...]
    asked: PartyQuestion | None = None
    parts: Mapping[str, StatementVerdict] | None = None

    @property
    def places(self) -> list[OpenedPlace]:
        """All places, under whichever name, in order."""
        parts = (self.parts or {}).values()
        return sorted((p for part in parts if part.evidence for p in part.evidence.places), key=lambda p: p.index)


def verify_party(data: bytes, policy: TrustPolicy, check_log: LogCheck | None = None) -> PartyVerdict:
    """Check a file about a party; the arguments are those of ``verify``."""
    try:
        asked, statements = _parse(data)
        keys = asked.map_names()
        parsed = [parse_statement(one) for one in statements]
        if [one.question.identifier for one in parsed] != list(keys):
            raise StatementError("the statements are not those that follow from what the party is called")
        if len({(one.head, one.checkpoint, one.question.begin, one.question.end) for one in parsed}) != 1:
            raise StatementError("the statements are not of one moment, or not about one period")
    except StatementError as error:
        return PartyVerdict(Word.INVALID, (str(error),))
    # All are of one checkpoint and one head, so counting the log once is enough.
    parts = {
        key: verify(one, policy, check_log if at == 0 else None)
        for at, (key, one) in enumerate(zip(keys, statements, strict=True))
    }
    for word in (Word.INVALID, Word.UNDETERMINED):
        reasons = {reason: None for part in parts.values() if part.word is word for reason in part.reasons}
        if reasons:
            return PartyVerdict(word, tuple(reasons), asked, parts)
    found = any(part.word is Word.PRESENT for part in parts.values())
    return PartyVerdict(Word.PRESENT if found else Word.ABSENT, (), asked, parts)


def render_party(verdict: PartyVerdict) -> str:
    """The verdict as text."""
    parts = verdict.parts or {}
    if verdict.word in (Word.INVALID, Word.UNDETERMINED) or verdict.asked is None:
        return render(StatementVerdict(verdict.word, verdict.reasons))
    evidence = next(part.evidence for part in parts.values() if part.evidence is not None)
    who = ", ".join(clean(name) for name in (*verdict.asked.names, *(" ".join(p) for p in verdict.asked.identifiers)))
    lines = [verdict.word.value, "", f"Asked about: {who}."]
    if verdict.word is Word.ABSENT:
        lines.append("On the evidence given, it was behind no customer, in no role, under any of these names:")
    else:
        lines.append("It is in the map of parties:")
        lines += places.lines(verdict.places, moment, clean)
        lines += ["", "By role:"]
        lines += [f"  {word:<12} {places.ROLES[role]}" for role, word in _roles(verdict).items()]
        lines += ["", "By name:"]
    lines += [f"  {part.word.value:<12} {clean(key)}" for key, part in parts.items()]
    summary, _, *totals = places.grounds(next(iter(parts.values())).evidence or evidence, moment)
    own = "Each name has exactly one possible place in that summary, and what stands there was checked."
    grounds = [*standing(evidence.trusted), summary, own, *totals]
    lines += ["", "Why this can be relied on", *(f"  - {ground}" for ground in grounds)]
    lines += ["", "What this does not show", *(f"  - {limit}" for limit in places.LIMITS)]
    return "\n".join(lines) + "\n"


def party_json(verdict: PartyVerdict) -> dict[str, object]:
    """The verdict for programs."""
    members: dict[str, object] = {"verdict": verdict.word.value, "reasons": list(verdict.reasons)}
    if verdict.word in (Word.PRESENT, Word.ABSENT) and verdict.asked is not None:
        members |= {
            "names": list(verdict.asked.names),
            "identifiers": [list(pair) for pair in verdict.asked.identifiers],
            "by_name": {key: part.word.value for key, part in (verdict.parts or {}).items()},
            "roles": _roles(verdict),
            "places": places.to_json(verdict.places),
            "does_not_show": list(places.LIMITS),
        }
    return members


def _roles(verdict: PartyVerdict) -> dict[str, str]:
    return places.roles(verdict.places)


def _parse(data: bytes) -> tuple[PartyQuestion, list[bytes]]:
    inner = Members(unwrap("party", data))
    if inner.index("v") != 1:
        raise StatementError("this file is of another version")
    names, pairs, statements = inner.items("names"), inner.items("identifiers"), inner.items("statements")
    inner.end()
    return PartyQuestion(tuple(map(_text, names)), tuple(map(_pair, pairs))), [canonical(one) for one in statements]


def _pair(value: object) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise StatementError("an identifier is a pair of texts")
    return _text(value[0]), _text(value[1])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise StatementError("a name is a text, an identifier a pair of texts")
    return value
