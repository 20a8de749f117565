"""A verdict in words, for readers who do not program: what is so, why it can be relied on, and what it does not show.

In: a ``StatementVerdict``. Out: text whose first word is the verdict's, or the same as JSON. Nothing is checked here
any more. All texts from the statement are printed with control characters replaced, so a file cannot draw its own
verdict.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from custodes.ledger.tlog.trust import Trusted
from custodes.ledger.verifier import party_places as places
from custodes.ledger.verifier.invoices.meter import Meter, Month
from custodes.ledger.verifier.invoices.prices import PriceError, parse_prices
from custodes.ledger.verifier.maps.head import PARTY_MAP
from custodes.ledger.verifier.texts import clean, moment
from custodes.ledger.verifier.verdict import Evidence, OpenedUse, StatementVerdict, Word

_PRICE = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)

_LIMITS = (
    "That nothing was computed outside the log. The software records every use before it answers, but someone who "
    "changes the software can also change that; only comparing machine usage with the log finds it.",
    "Who stands behind an identifier. If someone used the service under another name or through a front company, this "
    "identifier was not used, and that is all the log can say.",
    "What a customer did with the results, or to whom they were passed on.",
    "What was asked of the service and refused, or who asked: refusals are in the log, but not in an account's total.",
    "Exact times. The operator's clock wrote them; witnesses only confirm that an entry was there by a certain time.",
)
_LIMIT_TOTALS = (
    "That uses were not credited to another account. The totals of all accounts must equal what anyone can count in "
    "the log, which you can check yourself by running this again with --ledger, and with them the other rules of the "
    "log: order of times, one use for each permission, every summary, one VRF key. That each use is credited to the "
    "right account can only be confirmed by an auditor who sees all accounts."
)
_LIMIT_MOVED = (
    "That uses were not credited to another account. You have checked that none is missing from the totals; that each "
    "is credited to the right account can only be confirmed by an auditor who sees all accounts."
)
_LIMIT_ERASED = (
    "That this identifier was never in an earlier summary. The software never removes an account, and if one were "
    "removed, the totals of the next summary would no longer fit the log unless its uses were given to another account."
)
_LIMIT_NO_WITNESS = (
    "That everybody sees the same log. Your trust policy asks for no witnesses, so you rely on the operator not to "
    "show you one log and others another one, and on the operator's clock for the dates."
)


def render(verdict: StatementVerdict) -> str:
    """The verdict as text."""
    lines = [verdict.word.value]
    if verdict.word is Word.INVALID:
        lines += ["", "Do not rely on this file. It contradicts itself, or is not what the log signed:"]
        lines += [f"  - {clean(reason)}" for reason in verdict.reasons]
        return "\n".join(lines) + "\n"
    if verdict.word is Word.UNDETERMINED:
        lines += ["", "Nothing in this file is false, but it does not answer the question:"]
        lines += [f"  - {clean(reason)}" for reason in verdict.reasons]
        return "\n".join(lines) + "\n"
    evidence = verdict.evidence
    assert evidence is not None
    lines = [verdict.word.value, "", _answer(verdict.word, evidence), ""]
    if evidence.places:
        lines += [*places.lines(evidence.places, moment, clean), ""]
    if evidence.uses:
        lines += [*_uses(evidence), ""]
    lines += ["Why this can be relied on", *(f"  - {reason}" for reason in _grounds(evidence)), ""]
    lines += ["What this does not show", *(f"  - {limit}" for limit in limits(evidence))]
    return "\n".join(lines) + "\n"


def as_json(verdict: StatementVerdict) -> dict[str, object]:
    """The verdict for programs: word, reasons, and what was established."""
    result: dict[str, object] = {"verdict": verdict.word.value, "reasons": list(verdict.reasons)}
    evidence = verdict.evidence
    if evidence is not None and verdict.word in (Word.PRESENT, Word.ABSENT):
        result |= {
            "identifier": evidence.question.identifier,
            "from": evidence.question.begin,
            "to": evidence.question.end,
            "covered_until": evidence.covered_until,
            "origin": evidence.trusted.checkpoint.origin,
            "size": evidence.trusted.checkpoint.size,
            "witnesses": dict(evidence.trusted.times),
            "totals_checked": evidence.totals_checked,
            "uses": len(evidence.uses),
            "units": sum(use.units for use in evidence.uses),
            "undisclosed": sum(use.facts is None for use in evidence.uses),
            "uses_outside": evidence.uses_outside,
            "money": {currency: str(amount) for currency, amount in recorded_money(evidence.uses).items()},
            "does_not_show": list(limits(evidence)),
        }
        if evidence.head.name == PARTY_MAP:
            result |= {
                "roles": places.roles(evidence.places),
                "places": places.to_json(evidence.places),
            }
    return result


def limits(evidence: Evidence) -> list[str]:
    """What this verdict does not show."""
    if evidence.head.name == PARTY_MAP:
        return [*places.LIMITS, *([_LIMIT_NO_WITNESS] if evidence.trusted.seen_at is None else [])]
    found = [_LIMIT_MOVED if evidence.totals_checked else _LIMIT_TOTALS, *_LIMITS]
    if evidence.value is None:
        found.append(_LIMIT_ERASED)
    if evidence.trusted.seen_at is None:
        found.append(_LIMIT_NO_WITNESS)
    return found


def recorded_money(uses: tuple[OpenedUse, ...]) -> dict[str, Decimal]:
    """Sum of the prices written down with each use, by currency; uses without one do not count."""
    totals: dict[str, Decimal] = {}
    for use in uses:
        price, currency = (use.facts or {}).get("price"), (use.facts or {}).get("currency")
        # Plain numbers only: "NaN" or "1E+999999" would make the sum meaningless.
        if isinstance(price, str) and isinstance(currency, str) and _PRICE.fullmatch(price):
            totals[currency] = totals.get(currency, Decimal(0)) + Decimal(price)
    return totals


def period(evidence: Evidence) -> str:
    """The period in words; an open end is what both the log and the witnesses reach."""
    question, seen = evidence.question, evidence.trusted.seen_at
    end = question.end
    if end is None:
        end = evidence.covered_until if seen is None else min(evidence.covered_until, (seen + 1) * 1000)
    begin = "the start of the log" if question.begin is None else moment(question.begin)
    return f"between {begin} and {moment(end)}"


def _answer(word: Word, evidence: Evidence) -> str:
    name = clean(evidence.question.identifier)
    if evidence.head.name == PARTY_MAP:
        count = len(evidence.places)
        if word is Word.PRESENT:
            return f"{name} is recorded in the map of parties, in {count} place{'s' if count > 1 else ''}:"
        return f"On the evidence given, {name} was behind no customer until {period(evidence).rpartition(' and ')[2]}."
    if word is Word.PRESENT:
        units = sum(use.units for use in evidence.uses)
        return f"{name} used the service {len(evidence.uses)} times ({units} units) {period(evidence)}."
    if evidence.value is None:
        return f"There is no use by {name} {period(evidence)}, and the log knows no such identifier at all."
    return (
        f"There is no use by {name} {period(evidence)}. The log knows it: "
        f"{evidence.uses_outside} uses are outside this period."
    )


def standing(trusted: Trusted) -> list[str]:
    """Which state of which log was signed, and who confirmed it when."""
    checkpoint = trusted.checkpoint
    grounds = [
        f"The operator's log {clean(checkpoint.origin)!r} signed a state with {checkpoint.size} entries, "
        f"fingerprint {checkpoint.root.hex()}.",
    ]
    for name, time in sorted(trusted.times.items()):
        grounds.append(
            f"Witness {clean(name)} confirmed on {moment(time * 1000)} that it continues what it saw before."
        )
    return grounds


def _grounds(evidence: Evidence) -> list[str]:
    head, grounds = evidence.head, standing(evidence.trusted)
    if head.name == PARTY_MAP:
        return grounds + places.grounds(evidence, moment)
    grounds.append(
        f"Entry {evidence.head_index} of that log is a summary of its first {head.size} entries (until "
        f"{moment(evidence.covered_until)}): {head.node.count} uses with {head.node.units} units in all accounts "
        "together."
    )
    if evidence.value is None:
        grounds.append("The identifier has exactly one possible place in that summary, and that place is empty.")
    else:
        grounds.append(
            f"At the identifier's only possible place, the summary says {evidence.value.count} uses with "
            f"{evidence.value.units} units; all of them are in this file and were checked one by one."
        )
    if head.changed is not None:
        grounds.append(
            f"The key of places is the one that entry {head.changed} brought and that your trust policy names; that "
            "nothing was dropped or exchanged by it, the files about changes of the key show."
        )
    if evidence.totals_checked:
        grounds.append(
            "You supplied the log's public entries: counted one by one, they give exactly these totals, and they obey "
            "the log's rules: times never fall, each permission is used once, every summary states what was in front."
        )
    if evidence.bracket is not None:
        grounds += evidence.bracket.grounds()
    return grounds


def _uses(evidence: Evidence) -> list[str]:
    lines = [f"{'entry':>10}  {'time':<23}  {'units':>5}  operation"]
    calls: Counter[str] = Counter()
    for use in evidence.uses:
        operation = _operation(use.facts)
        calls[operation] += 1
        lines.append(f"{use.index:>10}  {moment(use.t):<23}  {use.units:>5}  {operation}")
    lines += ["", "Total by operation"]
    lines += [f"  {name:<40} {count:>8}" for name, count in sorted(calls.items())]
    lines += ["", *_money(evidence)]
    closed = sum(use.facts is None for use in evidence.uses)
    if closed:
        lines.append(f"{closed} of these uses are shown without details: the operator erased or withheld them.")
    return lines


def _operation(facts: Mapping[str, object] | None) -> str:
    return "(details not disclosed)" if facts is None else clean(facts.get("op", "(no operation recorded)"))


def _money(evidence: Evidence) -> list[str]:
    recorded = recorded_money(evidence.uses)
    if recorded:
        return [f"Price recorded with the uses: {amount} {clean(name)}" for name, amount in sorted(recorded.items())]
    if evidence.prices is None:
        return ["No prices are recorded."]
    try:
        prices = parse_prices(evidence.prices)
    except PriceError:
        return ["The price list in the file cannot be read, so no amount is given."]
    months: dict[str, Meter] = {}
    for use in evidence.uses:
        months.setdefault(str(Month.of(use.t)), Meter(prices)).add(dict(use.facts or {}), use.units)
    lines = [f"At the operator's price list {clean(prices.name)!r} (supplied with the file, not proven):"]
    total = Decimal(0)
    for month, meter in sorted(months.items()):
        for charge in meter.charges():
            total += charge.amount
            lines.append(
                f"  {month}  {clean(charge.title):<34} {charge.quantity:>10}  {charge.amount} {prices.currency}"
            )
    return [*lines, f"  Sum: {total} {prices.currency}. An invoice may differ where a month is shown in part."]
