"""Explanations: why a request was allowed or refused, from what was put on record when it was decided.

In: the files of the ledger, the sets of rules by digest, a request's id or the index of its entry. Out: facts, rules
with their reasons and sources, outcome; and the decision of the provider's layer made again from the same facts. For
the operator: it shows what the caller was not told. Reads only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from custodes.core.errors import NotFoundError, UnavailableError
from custodes.governance.provider.guardrails import Call, PackError, PolicyVerdict, load
from custodes.governance.provider.policy_set import PolicySet
from custodes.ledger.prover.sources import open_log_files
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.tiles import TILE_WIDTH
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.body import unseal
from custodes.operations.record.evidence.map_heads import LedgerFiles

_SETTLED_WITHIN = 100_000
"""Entries behind a permission in which its settlement is looked for."""


@dataclass(frozen=True, slots=True)
class RuleTold:
    """A rule as a person reads it."""

    id: str
    effect: str
    reason: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision.

    Attributes:
        index: the ``auth`` entry.
        t_ms: when it was recorded.
        decision: ``allow`` or ``deny``.
        body: the private body: account, key, operation, resource, facts, digest of the rules.
        rules: the provider's rules that decided.
        outcome: code and counts of the work, of the entry that settled it; empty where there is none.
        again: whether the provider's layer decides the same again; None where its rules are not at hand, or there were
            none.
    """

    index: int
    t_ms: int
    decision: str
    body: Mapping[str, object]
    rules: tuple[RuleTold, ...] = ()
    outcome: Mapping[str, object] = field(default_factory=dict)
    again: bool | None = None


@dataclass(frozen=True, slots=True)
class Explanations:
    """Explains decisions of one ledger; ``policy`` gives a set by its digest and raises LookupError."""

    files: LedgerFiles
    policy: Callable[[str], PolicySet]

    def of_request(self, request_id: str) -> Explanation:
        """The newest decision on a request of this id. Reads the log backwards: old ones take a while.

        Raises:
            NotFoundError: there is none, or what it says was erased.
            UnavailableError: files do not fit together.
        """
        wanted = request_id.encode()
        tree = self._tree()
        for index, entry in _backwards(tree):
            body = self._body(index, entry)
            if body is not None and wanted in body and json.loads(body).get("request_id") == request_id:
                return self._explain(tree, index, entry, json.loads(body))
        raise NotFoundError(f"no decision on a request {request_id} is on record")

    def at(self, index: int) -> Explanation:
        """The decision in entry ``index``, or the one that the entry settles.

        Raises:
            NotFoundError: there is none, or what it says was erased.
        """
        tree = self._tree()
        try:
            entry = decode(tree.entry(index))
            if entry.settles is not None:
                index, entry = entry.settles, decode(tree.entry(entry.settles))
        except IndexError as error:
            raise NotFoundError(str(error)) from error
        body = self._body(index, entry) if entry.kind == "auth" else None
        if body is None:
            raise NotFoundError(f"entry {index} is no decision, or what it says was erased")
        return self._explain(tree, index, entry, json.loads(body))

    def _tree(self) -> Tree:
        try:
            return open_log_files(self.files.tiles, self.files.bodies, self.files.body_key).tree
        except LookupError as error:
            raise NotFoundError(str(error)) from error

    def _body(self, index: int, entry: Entry) -> bytes | None:
        sealed = self.files.bodies.get(index)
        if sealed is None or entry.commitment is None:
            return None
        try:
            return unseal(sealed, entry.commitment, self.files.body_key)
        except BodyError as error:
            raise UnavailableError(f"entry {index}: {error}") from error

    def _explain(self, tree: Tree, index: int, entry: Entry, body: Mapping[str, object]) -> Explanation:
        decision = str(entry.fields["d"])
        rules, again = self._rules(body)
        same = None if again is None else (again.allowed or body.get("rules") == list(again.rules))
        if again is not None and decision == "allow":
            same = again.allowed
        return Explanation(index, entry.t, decision, body, rules, self._outcome(tree, index, entry), same)

    def _rules(self, body: Mapping[str, object]) -> tuple[tuple[RuleTold, ...], PolicyVerdict | None]:
        """The rules that decided, and the decision made again."""
        digest, facts, listed = body.get("policy"), body.get("facts"), body.get("rules")
        if not isinstance(digest, str) or not isinstance(facts, dict) or not isinstance(listed, list):
            return (), None
        try:
            policy = self.policy(digest)
            guardrails = load(policy.packs, policy.schema)
        except (LookupError, PackError):
            return (), None
        rules = tuple(
            RuleTold(rule.id, rule.effect, rule.reason, rule.source, rule.date)
            for name in listed
            if (rule := guardrails.rules.get(str(name))) is not None
        )
        call = Call(str(body.get("acct")), str(body.get("op")), str(body.get("resource")), facts)
        return rules, guardrails.decide_by_all(call)

    def _outcome(self, tree: Tree, index: int, entry: Entry) -> Mapping[str, object]:
        if not entry.reserves:
            return {}
        mark = b'"a":%d,' % index
        for at, envelope in tree.entries(index + 1, index + _SETTLED_WITHIN):
            if mark in envelope:
                settled = decode(envelope)
                if settled.settles == index:
                    body = self._body(at, settled)
                    parsed = {} if body is None else json.loads(body)
                    shown = {name: parsed[name] for name in ("code", "counts", "images") if name in parsed}
                    return {"index": at, "kind": settled.kind, **shown}
        return {}


def _backwards(tree: Tree) -> Iterator[tuple[int, Entry]]:
    """Decisions from the newest to the oldest."""
    for bundle in reversed(range(-(-tree.size // TILE_WIDTH))):
        for at, envelope in reversed(list(enumerate(tree.bundle(bundle), bundle * TILE_WIDTH))):
            if b'"k":"auth"' in envelope:
                yield at, decode(envelope)
