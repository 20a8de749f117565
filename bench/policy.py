"""What a decision costs: the provider's rules and the tenant's, with 200 policies in each.

In: nothing. Out: medians in milliseconds, in BENCHMARKS.md.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

from custodes.governance.guardrails import Call, load, shipped, shipped_schema
from custodes.governance.iam.document import Kind, parse_document
from custodes.governance.iam.evaluate import Policies, Request, evaluate
from report import Section, table, write

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


def main() -> None:
    """Measure and report."""
    packs = shipped()
    own = len(load(packs, shipped_schema()).rules)
    packs["filler"] = "\n".join(filler(number) for number in range(TOTAL - own))
    guardrails = load(packs, shipped_schema())
    documents = tuple(
        parse_document(
            f"p{number}",
            json.dumps(
                {"Statement": {"Effect": "Allow", "Action": "rekognition:Search*", "Resource": f"{ARN}{number}-*"}}
            ),
            Kind.IDENTITY,
            ["SearchFaces"],
        )
        for number in range(TOTAL)
    )
    call = Call("111122223333", "SearchFaces", f"{ARN}7-a", FACTS)
    request = Request(USER, "111122223333", "rekognition:SearchFaces", f"{ARN}7-a", {})
    policies, few = Policies(identity=documents), Policies(identity=documents[:10])
    assert guardrails.decide(call).allowed and evaluate(request, policies).allowed and evaluate(request, few).allowed
    rows: list[tuple[object, ...]] = []
    for name, decide in (
        (f"provider's rules, {TOTAL} policies", lambda: guardrails.decide(call)),
        (f"tenant's documents, {TOTAL} policies", lambda: evaluate(request, policies)),
        ("tenant's documents, 10 policies", lambda: evaluate(request, few)),
        (f"both, {TOTAL} provider's and 10 tenant's", lambda: (guardrails.decide(call), evaluate(request, few))),
    ):
        median, high = times(decide)
        rows.append((name, f"{median:.3f}", f"{high:.3f}"))
    text = table(("what", "median, ms", "99th percentile, ms"), rows)
    print(text)
    note = f"{ROUNDS:,} decisions each, policies parsed once; target for the median with {TOTAL} policies: {TARGET_MS}."
    write(Section("policy", "Policy decisions", ".venv/bin/python bench/policy.py", f"{text}\n\n{note}"))


if __name__ == "__main__":
    main()
