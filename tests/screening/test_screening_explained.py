"""A screening explained to a person, and how fresh screening says it is while it works beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from custodes.core.clock import FixedClock
from custodes.edge.http.metrics import Metrics
from custodes.operations.screening.screening import Screenings
from custodes.screening.entities import ListedName, ListEntry
from custodes.storage.ledger.open import open_ledger
from tests.fakes.accounts import MemoryAccountStore

from .test_screenings import OTHER, PARENT, START, A, B, Desk, ScreeningAdmin, carry_out, directory_of, entry, owned

HOSTILE = "Sever </td><script>alert(1)</script>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    log = open_ledger(tmp_path, "ledger.example/screening", FixedClock(START))
    log.start()
    yield Desk(log, tmp_path)
    log.close()


def explained(desk: Desk) -> dict[str, object]:
    commands = ScreeningAdmin(desk.screenings, desk.officers, directory_of(MemoryAccountStore())).handlers
    return dict(carry_out(commands, "screening explain", {"account": A}))


def test_each_finding_says_what_speaks_for_and_against_it_and_what_is_not_known(desk: Desk) -> None:
    near = ListEntry("house", "3", "organisation", (ListedName("Windmolen Beelt", weak=True),), countries=("russia",))
    desk.lists.publish(near, PARENT)
    graph: dict[str, object] = owned(inn="", share=[40, 60])  # type: ignore[assignment]
    parties: list[dict[str, object]] = graph["parties"]  # type: ignore[assignment]
    parties[0]["country"], parties[0]["aliases"] = "nl", [HOSTILE]
    parties[1]["identifiers"] = {"ru-inn": "0012345680"}
    desk.enter(parsed=graph)
    found = explained(desk)
    by_text = {one["text"]: one for one in found["findings"]}  # type: ignore[attr-defined]
    name = next(one for text, one in by_text.items() if "Beelt" in text)
    assert any("beeld ~ beelt" in text for text in name["for"])
    assert any("weak alias" in text for text in name["against"])
    assert any("nl ~ ru" in text for text in name["against"])
    assert "numbers of the customer" in name["not_known"]
    assert {"what": "kind", "ours": "organisation", "theirs": "organisation"} in name["facts"]
    number = next(one for text, one in by_text.items() if "Linza" in text)
    assert any("identifier ru-inn" in text for text in number["for"])
    chain = next(one for one in by_text.values() if one["kind"] == "path")
    assert any("40 to 60 %" in text for text in chain["for"])
    assert chain["against"]


def test_the_page_is_whole_harmless_and_refers_to_nothing_outside(desk: Desk) -> None:
    desk.lists.publish(entry("3", "Windmolen Beelt"), PARENT)
    graph: dict[str, object] = owned(HOSTILE + " Windmolen Beeld")  # type: ignore[assignment]
    desk.enter(parsed=graph)
    page = str(explained(desk)["page"])
    read = fromstring(page.removeprefix("<!doctype html>").replace('<meta charset="utf-8">', ""))
    assert not [one for one in read.iter() if one.tag.endswith("script")]
    assert "&lt;script&gt;" in page
    assert "Speaks against it" in page
    assert "<svg" in page
    assert not [name for one in read.iter() for name in one.attrib if name in ("href", "src")]


def test_decisions_stand_on_the_page(desk: Desk) -> None:
    from .test_screenings import officer, signed

    desk.lists.publish(entry("3", "Windmolen Beelt"))
    desk.enter()
    ann = officer(desk, "ann", 1)
    finding = desk.screenings.assessment(A).findings[0].key
    commands = ScreeningAdmin(desk.screenings, desk.officers, directory_of(MemoryAccountStore())).handlers
    carry_out(commands, "screening decide", signed(desk, ann, "ann", finding, reason="born elsewhere"))
    assert "ann, 2026-01-28" in str(explained(desk)["page"])
    assert "born elsewhere" in str(explained(desk)["page"])


def test_a_run_over_everybody_holds_up_no_new_customer_and_says_how_far_it_is(desk: Desk) -> None:
    desk.lists.publish(OTHER)
    for at in range(60):
        desk.enter(type(A)(f"{200000000000 + at}"), owned(f"Windmolen {at} B.V."))
    resting, go_on = threading.Event(), threading.Event()

    def rest() -> None:
        resting.set()
        assert go_on.wait(20)

    desk.screenings = Screenings(replace(desk.parts, rest=rest), desk.acted)
    desk.lists.publish(OTHER, PARENT)
    runs = threading.Thread(target=desk.screenings.refresh)
    runs.start()
    try:
        assert resting.wait(20)
        fresh = desk.screenings.freshness()
        assert fresh.done is not None
        assert 0 < fresh.done < 60
        assert fresh.behind == 60 - fresh.done
        assert desk.enter(B) == "blocked", "a new customer is screened while the run goes on"
    finally:
        go_on.set()
        runs.join(20)
    fresh = desk.screenings.freshness()
    assert (fresh.behind, fresh.done, dict(fresh.verdicts)) == (0, None, {"blocked": 61})
    assert fresh.oldest_at_ms == START
    text = Metrics(screening=desk.screenings.freshness).text().decode()
    assert 'custodes_screening_customers{verdict="blocked"} 61.0' in text
    assert "custodes_screening_customers_behind 0.0" in text
