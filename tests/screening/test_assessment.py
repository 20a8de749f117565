"""What officers may decide, how many it takes, and when a decision lapses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.screening.answers.report import ReportCase, drafts
from custodes.screening.assessment import Assessment, Call, Decision, assess, hit_key
from custodes.screening.entities import ListedName, ListEntry, ListHit, Organisation, Party, ScoreTerm
from custodes.screening.organisation import read_organisation

DAY = "2026-01-28"
ENTRY = ListEntry("house", "H-1", "organisation", (ListedName("Zarya Optika"),))


def graph(share: object = 60, **edge: object) -> Organisation:
    """A customer that ``o`` owns a share of, and a person the other half, so that nothing is left open."""
    return read_organisation(
        {
            "subject": "c",
            "parties": [{"id": "c", "name": "Customer B.V."}, {"id": "o", "name": "Zaria Optica"},
                        {"id": "p", "name": "Wilhelmina Tulp", "kind": "person"}],
            "edges": [{"owner": "o", "asset": "c", "share": share, **edge},
                      {"owner": "p", "asset": "c", "share": 50}],
        }
    )  # fmt: skip


def hit(*, decides: bool = False) -> ListHit:
    return ListHit("o", ENTRY, 1.0 if decides else 0.9, decides, (ScoreTerm("word", "zaria", "zarya", 0.9),))


def said(key: str, *parsed: tuple[Call, str]) -> dict[str, list[Decision]]:
    return {key: [Decision(key, call, who, "because", (), at) for at, (call, who) in enumerate(parsed)]}


def verdict(found: Organisation, hits: list[ListHit], *parsed: tuple[Call, str], key: str = "") -> Assessment:
    return assess(found, hits, said(key or hit_key(found.parties["o"], ENTRY), *parsed), DAY)


@pytest.mark.parametrize(
    ("parsed", "expected", "state"),
    [
        ([], "review", "open"),
        ([("false", "ann")], "review", "half"),
        ([("false", "ann"), ("false", "ann")], "review", "half"),
        ([("false", "ann"), ("accept", "ben")], "review", "half"),
        ([("false", "ann"), ("false", "ben")], "clear", "false"),
        ([("true", "ann")], "blocked", "true"),
        ([("false", "ann"), ("false", "ben"), ("true", "cas")], "blocked", "true"),
        ([("false", "ann"), ("true", "cas"), ("false", "ben")], "blocked", "true"),
        ([("true", "cas"), ("false", "ann"), ("false", "ben")], "clear", "false"),
    ],
)
def test_to_set_free_takes_two_and_to_hold_back_takes_one(
    parsed: list[tuple[Call, str]], expected: str, state: str
) -> None:
    found = verdict(graph(), [hit()], *parsed)
    assert found.verdict == expected
    assert found.findings[0].state == state


def test_nobody_can_wave_a_certain_chain_through() -> None:
    found = verdict(graph(), [hit(decides=True)])
    assert found.verdict == "blocked"
    chain = next(finding for finding in found.findings if finding.kind == "path")
    assert (
        verdict(graph(), [hit(decides=True)], ("accept", "ann"), ("accept", "ben"), key=chain.key).verdict == "blocked"
    )
    # What two officers can say is that the hit is somebody else, identifier or not.
    assert verdict(graph(), [hit(decides=True)], ("false", "ann"), ("false", "ben")).verdict == "clear"


def test_a_true_match_without_power_can_be_accepted_by_two() -> None:
    minor = graph(share=10)
    assert verdict(minor, [hit(decides=True)]).verdict == "review"
    assert verdict(minor, [hit(decides=True)], ("accept", "ann")).verdict == "review"
    assert verdict(minor, [hit(decides=True)], ("accept", "ann"), ("accept", "ben")).verdict == "clear"
    # The acceptance was of ten percent; it does not free an owner of sixty.
    assert verdict(graph(), [hit(decides=True)], ("accept", "ann"), ("accept", "ben")).verdict == "blocked"


def test_a_possible_chain_is_a_finding_of_its_own_that_lapses_with_its_shares() -> None:
    wide = graph(share=[40, 60])
    free: list[tuple[Call, str]] = [("accept", "ann"), ("accept", "ben")]
    found = verdict(wide, [hit(decides=True)], *free)
    chains = [finding for finding in found.findings if finding.kind == "path"]
    assert found.verdict == "review" and len(chains) == 3
    decided = said(hit_key(wide.parties["o"], ENTRY), *free)
    for chain in chains:
        decided |= said(chain.key, *free)
    assert assess(wide, [hit(decides=True)], decided, DAY).verdict == "clear"
    assert assess(graph(share=[40, 61]), [hit(decides=True)], decided, DAY).verdict == "review"


def test_a_dismissal_lapses_when_either_side_changes_and_holds_in_other_graphs() -> None:
    party = Party("o", "Zaria Optica")
    key = hit_key(party, ENTRY)
    assert hit_key(replace(party, id="elsewhere"), ENTRY) == key
    for changed in (replace(party, aliases=("ZO",)), replace(party, country="nl"), replace(party, birth="1970")):
        assert hit_key(changed, ENTRY) != key
    assert hit_key(party, replace(ENTRY, births=("1970",))) != key
    assert hit_key(party, replace(ENTRY, identifiers=(("ru-inn", "0012345673"),))) != key


def test_an_edge_that_ended_no_longer_blocks() -> None:
    assert verdict(graph(**{"to": "2026-01-27"}), [hit(decides=True)]).verdict == "review"
    assert verdict(graph(**{"to": "2026-01-28"}), [hit(decides=True)]).verdict == "blocked"


def test_a_signature_covers_every_word_of_a_decision() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()
    plain = Decision("f" * 32, "false", "ann", "seen the passport", ("a" * 64,), 5)
    signed = replace(plain, signature=key.sign(plain.message()))
    assert signed.is_signed_by(public)
    assert not signed.is_signed_by(bytes(32))
    for other in (
        replace(signed, call="accept"), replace(signed, officer="ben"), replace(signed, reason="not seen"),
        replace(signed, evidence=()), replace(signed, at_ms=6), replace(signed, finding="0" * 32),
        replace(signed, signature=b""),
    ):  # fmt: skip
        assert not other.is_signed_by(public)


def test_drafts_go_to_the_authorities_whose_rule_blocks_and_say_why() -> None:
    found = verdict(graph(share=50), [hit(decides=True)])
    value = drafts(ReportCase("100000000001", graph(share=50), found, 1_769_558_400_000, "ab" * 32, 7))
    assert set(value) == {"OFAC", "EU"}
    assert "within 10 business days" in value["OFAC"].lower()
    assert "Zarya Optika: house H-1" in value["EU"]
    assert "Zaria Optica -> Customer B.V.: 50 % of shares" in value["EU"]
    assert "2026-01-28" in value["EU"]


def test_names_cannot_write_into_a_draft() -> None:
    hostile = read_organisation(
        {
            "subject": "c",
            "parties": [{"id": "c", "name": "# Clear\n\n[x](http://example.org)"}, {"id": "o", "name": "<b>O</b>"}],
            "edges": [{"owner": "o", "asset": "c", "share": 60}],
        }
    )
    found = assess(hostile, [hit(decides=True)], {}, DAY)
    text = drafts(ReportCase("100000000001", hostile, found, 0, "", 0))["UK"]
    assert "\n# Clear" not in text and "](http" not in text.replace("\\]", "") and "<b>" not in text.replace("\\<", "")
