"""What a decision costs: the provider's rules and the tenant's, with 200 policies in each, and as the gate asks them.

In: nothing. Out: medians in milliseconds, in BENCHMARKS.md. Every row decides for another account and resource each
time, so that nothing but what the program itself keeps is reused.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator

from custodes.core.ids import AccountId, RequestId
from custodes.governance.iam.document import DocumentKind, parse_document
from custodes.governance.iam.evaluate import AccessRequest, IamDecision, Policies, Reason, evaluate
from custodes.governance.provider.guardrails import DEFAULT_PACKS, Call, Guardrails, load, shipped, shipped_schema
from custodes.operations.policy.decide import PolicyLayers, RulesInForce
from custodes.operations.policy.facts import PolicyFacts, Profile, ScreeningFacts
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import Intent
from report import Section, table, write

NOW = 1_795_000_000_000
TOTAL, ROUNDS, TARGET_MS = 200, 2000, 0.5
FACTS = {
    "sector": "software", "country": "GB", "status": "active", "screening": "clear",
    "screened_at": 1_795_000_000_000, "lists_current": True, "purpose": "access-control", "legal_basis": "consent",
    "place": "private", "real_time": False, "emotions": False, "face_source": "consented", "authorisation": "none",
    "human_review": True, "threshold_milli": 99_000, "now": 1_795_000_001_000,
}  # fmt: skip
USER = "arn:aws:iam::111122223333:user/ana"
ARN = "arn:aws:rekognition:eu-west-1:111122223333:collection/"


def filler(number: int) -> str:
    """A rule of usual size that never applies to the call."""
    return (
        f'@id("filler.{number}") @reason("r") @source("s") @date("d") '
        f'forbid (principal, action in Action::"FaceComparison", resource) when {{ context.country == "X{number}" && '
        f'context.sector == "retail" && context.threshold_milli < {90_000 + number} }};'
    )


def times(decide: Callable[[], object]) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        decide()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), sorted(taken)[ROUNDS * 99 // 100]


class NotScreened:
    """No list: nobody needs to be screened."""

    def of(self, account_id: AccountId) -> ScreeningFacts:  # noqa: ARG002 - the port's signature
        return ScreeningFacts("not-required", 0, True)


class AnyRoot:
    """A tenant's layer that costs nothing: what is measured is what lies in front of it."""

    def decide(self, intent: Intent) -> IamDecision:  # noqa: ARG002 - the port's signature
        return ROOT


ROOT = IamDecision(True, Reason.IDENTITY_ALLOW, "root")


def layers(guardrails: Guardrails, sector: str, rounds: Iterator[int]) -> Callable[[], object]:
    """Both layers as the gate asks them, facts gathered anew, for one of 1,000 accounts of ``sector`` at a time."""
    stated = {"purpose": "access-control", "legal_basis": "consent", "place": "private", "face_source": "consented"}
    profile = Profile({"sector": sector, "country": "GB", "status": "active", **stated})
    accounts = {AccountId(f"{number:012d}"): profile for number in range(1000)}
    in_force = RulesInForce("0" * 64, guardrails)
    policy = PolicyLayers(lambda: in_force, PolicyFacts(accounts.get, NotScreened()), AnyRoot())

    def decide() -> object:
        number = next(rounds)
        account = AccountId(f"{number % 1000:012d}")
        caller = Caller(account, "AKCU", f"arn:aws:iam::{account}:root", "eu-west-1")
        context = Context(caller, RequestId(f"r-{number}"), NOW + number)
        return policy.decide(Intent(context, "rekognition:SearchFaces", f"{ARN}{number}-a", {"threshold_pct": 99.0}))

    return decide


def main() -> None:
    """Measure and report."""
    packs = shipped(DEFAULT_PACKS)
    own = len(load(packs, shipped_schema()).rules)
    packs["filler"] = "\n".join(filler(number) for number in range(TOTAL - own))
    guardrails = load(packs, shipped_schema())
    sanctions = load({**packs, **shipped(("uk-russia-sanctions",))}, shipped_schema())
    operations, document = ["SearchFaces"], {"Effect": "Allow", "Action": "rekognition:Search*"}
    documents = tuple(
        parse_document(
            f"p{number}",
            json.dumps({"Statement": {**document, "Resource": f"{ARN}{number}-*"}}),
            DocumentKind.IDENTITY,
            operations,
        )
        for number in range(TOTAL)
    )
    numbers = itertools.count()

    def call(sector: str) -> Call:
        number = next(numbers)
        facts = {**FACTS, "sector": sector, "now": NOW + number}
        return Call(f"{number:012d}", "SearchFaces", f"{ARN}7-{number}", facts)

    def request() -> AccessRequest:
        return AccessRequest(USER, "111122223333", "rekognition:SearchFaces", f"{ARN}7-{next(numbers)}", {})

    all_documents, few = Policies(identity=documents), Policies(identity=documents[:10])
    assert guardrails.decide(call("software")).allowed and not guardrails.decide(call("law-enforcement")).allowed
    assert evaluate(request(), all_documents).allowed and evaluate(request(), few).allowed
    rows: list[tuple[object, ...]] = []
    for name, decide in (
        (f"provider's, {TOTAL}: Cedar asked about all", lambda: guardrails.decide_by_all(call("software"))),
        (f"provider's, {TOTAL}: an ordinary account", lambda: guardrails.decide(call("software"))),
        (
            f"provider's, {TOTAL}: police, whose rules look at the time",
            lambda: guardrails.decide(call("law-enforcement")),
        ),
        (
            f"provider's, {TOTAL}, and those on sanctions, which are asked each time",
            lambda: sanctions.decide(call("software")),
        ),
        (f"tenant's documents, {TOTAL}", lambda: evaluate(request(), all_documents)),
        ("tenant's documents, 10", lambda: evaluate(request(), few)),
        (
            f"facts gathered and provider's {TOTAL}, as the gate asks: an ordinary account",
            layers(guardrails, "software", numbers),
        ),
        (
            f"facts gathered and provider's {TOTAL}, as the gate asks: police",
            layers(guardrails, "law-enforcement", numbers),
        ),
        (
            f"both, {TOTAL} of each: an ordinary account",
            lambda: (guardrails.decide(call("software")), evaluate(request(), all_documents)),
        ),
        (
            f"both, {TOTAL} of each: police",
            lambda: (guardrails.decide(call("law-enforcement")), evaluate(request(), all_documents)),
        ),
    ):
        median, high = times(decide)
        rows.append((name, f"{median:.3f}", f"{high:.3f}"))
    text = table(("what", "median, ms", "99th percentile, ms"), rows)
    print(text)
    note = (
        f"{ROUNDS:,} decisions each, policies parsed once; target for the median with {TOTAL} policies: {TARGET_MS}. "
        f"The {TOTAL} provider's rules are the {own} in force on a new server and {TOTAL - own} more that look at "
        "country, sector and threshold. Rows but the first leave out rules that cannot apply, and remember verdicts on "
        "which nothing that changes has a bearing; tests compare them with the first."
    )
    write(Section("policy", "Policy decisions", ".venv/bin/python bench/policy.py", f"{text}\n\n{note}"))


if __name__ == "__main__":
    main()
