"""Changes of the provider's rules: weakening needs two officers and notice, and cannot be dressed up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from custodes.cli.policy.policy import app
from custodes.governance.provider.guardrails import shipped, shipped_schema
from custodes.governance.provider.policy_set import (
    NOTICE_MS,
    Accepted,
    ChangeKind,
    ChangeRefused,
    Manifest,
    PolicySet,
    SigningTerms,
    check_change,
    diff,
)  # fmt: skip

NOW = 1_795_000_000_000
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([at]) * 32) for at, name in enumerate(("ann", "ben"), 1)}
OFFICERS = {name: key.public_key().public_bytes_raw() for name, key in KEYS.items()}
NOTES = '@reason("r") @source("s") @date("d")'
SET = PolicySet(shipped(), shipped_schema())
HELD = SET.packs["eu-ai-act"]
MORATORIUM = SET.packs["police-moratorium"]


def changed(text: str, name: str = "police-moratorium") -> PolicySet:
    return PolicySet({**SET.packs, name: text}, SET.schema)


TIGHTER = changed(f'@id("x") {NOTES} forbid(principal, action, resource) when {{ context.real_time }};', "extra")
WEAKER = changed(MORATORIUM.replace("2028-01-01", "2026-01-01"))


def signed(old: PolicySet, new: PolicySet, names=("ann", "ben"), not_before=NOW + NOTICE_MS) -> Manifest:
    blank = Manifest(old.digest(), new.digest(), not_before, {})
    return Manifest(
        blank.previous, blank.digest, not_before, {name: KEYS[name].sign(blank.message()) for name in names}
    )


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        (SET, ChangeKind.NONE),
        (changed("// a comment\n" + MORATORIUM), ChangeKind.NONE),
        (TIGHTER, ChangeKind.TIGHTENING),
        (WEAKER, ChangeKind.WEAKENING),
        (changed(MORATORIUM.replace("2028-01-01", "2030-01-01")), ChangeKind.WEAKENING),
        (changed(MORATORIUM.replace("own commitment", "a commitment")), ChangeKind.WEAKENING),
        (changed(""), ChangeKind.WEAKENING),
        (changed(f'@id("y") {NOTES} permit(principal, action, resource);', "extra"), ChangeKind.WEAKENING),
        (changed(HELD.replace('@obligation("two-person-review")', ""), "eu-ai-act"), ChangeKind.WEAKENING),
        (changed(HELD[: HELD.index('@id("eu-ai-act.14-5")')], "eu-ai-act"), ChangeKind.WEAKENING),
        (PolicySet(SET.packs, SET.schema.replace("FaceComparison]", "Other]", 1)), ChangeKind.WEAKENING),
        (changed(SET.packs["baseline"].replace("permit (principal, action, resource);", ""), "baseline"), None),
    ],
)  # fmt: skip
def test_kinds_of_change(new: PolicySet, kind: ChangeKind | None) -> None:
    if kind is None:  # the notes of the permit now belong to the next rule: not a pack any more
        with pytest.raises(Exception, match="not a Cedar policy"):
            diff(SET, new)
        return
    assert diff(SET, new).kind is kind


def test_adding_a_condition_tightens_and_taking_it_away_weakens() -> None:
    without = PolicySet({name: text for name, text in SET.packs.items() if name != "children"}, SET.schema)
    assert (diff(without, SET).kind, diff(SET, without).kind) == (ChangeKind.TIGHTENING, ChangeKind.WEAKENING)


def test_tightening_acts_at_once_with_one_signature() -> None:
    answer = check_change(SET, TIGHTER, signed(SET, TIGHTER, ("ann",), NOW), SigningTerms(OFFICERS), NOW)
    assert answer == Accepted(NOW, ChangeKind.TIGHTENING, ("ann",))


def test_weakening_acts_after_notice_with_two_signatures() -> None:
    answer = check_change(SET, WEAKER, signed(SET, WEAKER), SigningTerms(OFFICERS), NOW)
    assert answer == Accepted(NOW + NOTICE_MS, ChangeKind.WEAKENING, ("ann", "ben"))


@pytest.mark.parametrize("new", [TIGHTER, WEAKER])
def test_nobody_is_not_enough(new) -> None:
    assert isinstance(check_change(SET, new, signed(SET, new, ()), SigningTerms(OFFICERS), NOW), ChangeRefused)


@pytest.mark.parametrize(
    ("manifest", "officers", "says"),
    [
        (signed(SET, WEAKER, ("ann",)), OFFICERS, "2 officers"),
        (signed(SET, WEAKER, not_before=NOW + NOTICE_MS - 1), OFFICERS, "14 days"),
        (signed(SET, TIGHTER), OFFICERS, "other sets"),
        (signed(WEAKER, SET), OFFICERS, "other sets"),
        (signed(SET, WEAKER), {"ann": OFFICERS["ann"]}, "ben is not"),
        (signed(SET, WEAKER), {"ann": OFFICERS["ann"], "ben": OFFICERS["ann"]}, "does not hold"),
        (
            Manifest(SET.digest(), WEAKER.digest(), NOW + 2 * NOTICE_MS, signed(SET, WEAKER).signatures),
            OFFICERS,
            "hold",
        ),
    ],
)
def test_a_quiet_weakening_is_refused(manifest, officers, says) -> None:
    answer = check_change(SET, WEAKER, manifest, SigningTerms(officers), NOW)
    assert isinstance(answer, ChangeRefused) and says in answer.reason


def test_one_key_under_two_names_is_one_officer() -> None:
    blank = signed(SET, WEAKER, ())
    twice = dict.fromkeys(("ann", "too"), KEYS["ann"].sign(blank.message()))
    manifest = Manifest(blank.previous, blank.digest, blank.not_before_ms, twice)
    officers = dict.fromkeys(("ann", "too"), OFFICERS["ann"])
    assert isinstance(check_change(SET, WEAKER, manifest, SigningTerms(officers), NOW), ChangeRefused)


def test_the_command_line(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert json.loads(run(app, ["lint", "--json"]).output) == {"findings": []}
    old, new = tmp_path / "old.cedar", tmp_path / "new.cedar"
    old.write_text(MORATORIUM)
    new.write_text(WEAKER.packs["police-moratorium"])
    answer = json.loads(run(app, ["diff", str(old), str(new), "--json"]).output)
    assert answer["kind"] == "weakening"
    assert answer["changes"][0]["subject"] == "police-moratorium.face-comparison"
    bad = tmp_path / "bad.json"
    bad.write_text('{"Statement": []}')
    assert run(app, ["lint", str(bad)]).exit_code == 1
    good = tmp_path / "good.json"
    actions = ["rekognition:StartFaceLivenessSession", "rekognition:GetInvoice", "rekognition:ConfirmReview"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    good.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert json.loads(run(app, ["lint", str(good), "--json"]).output) == {"findings": []}
    cases = tmp_path / "cases.json"
    cases.write_text('[{"name": "a", "operation": "SearchFaces", "facts": {}, "allowed": false}]')
    assert run(app, ["test", str(cases)]).exit_code == 0
    cases.write_text('[{"name": "a", "operation": "SearchFaces", "facts": {}, "allowed": true}]')
    assert run(app, ["test", str(cases)]).exit_code == 1
