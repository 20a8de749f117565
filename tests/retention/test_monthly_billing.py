"""Each month is billed once when it is over: not early, not twice, not lost when something breaks in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.invoices.prices import PriceList
from tests.fakes.vectors import KEY

if TYPE_CHECKING:
    from conftest import Keeper

NOVEMBER, DECEMBER = Month(2023, 11), Month(2023, 12)


def prices() -> PriceList:
    return load_prices(default_prices())


def use(keeper: Keeper) -> None:
    permission = keeper.log.append("auth", body={"acct": KEY.account_id}, fields={"d": "allow"})
    keeper.log.append("use", units=1, body={"acct": KEY.account_id, "op": "DetectFaces"}, settles=permission).wait()


def finish(keeper: Keeper, log: Any = None) -> tuple[Month, ...]:
    return keeper.statements.bill_finished(keeper.clock.now_ms(), prices, log or keeper.log)


def billed(keeper: Keeper) -> list[object]:
    return [entry.fields["x"] for entry in keeper.entries("bil")]


def test_a_month_is_billed_when_it_is_over_and_once(keeper: Keeper) -> None:
    assert finish(keeper) == (), "an empty log has no months"
    use(keeper)
    keeper.clock.ts_ms = NOVEMBER.end - 1
    assert finish(keeper) == ()
    keeper.clock.ts_ms = NOVEMBER.end
    use(keeper)
    use(keeper)
    assert finish(keeper) == (NOVEMBER,)
    assert finish(keeper) == ()
    assert billed(keeper) == ["2023-11"]
    assert [entry.fields["n"] for entry in keeper.entries("bil")] == [1]
    assert list(keeper.statements.invoices(NOVEMBER)) == [KEY.account_id]


def test_months_of_a_server_that_stood_still_are_made_up_for(keeper: Keeper) -> None:
    use(keeper)
    keeper.clock.ts_ms = Month(2024, 2).begin
    assert finish(keeper) == (NOVEMBER, DECEMBER, Month(2024, 1))
    assert [entry.fields["n"] for entry in keeper.entries("bil")] == [1, 0, 0]


class Breaking:
    """A log that fails at ``append``, before or after the entry is written."""

    def __init__(self, keeper: Keeper, *, after: bool) -> None:
        self._log = keeper.log
        self._after = after

    def flush(self) -> Any:
        return self._log.flush()

    def append(self, kind: str, **rest: Any) -> Any:
        if self._after:
            self._log.append(kind, **rest).wait()
        raise LedgerUnavailableError("broken")


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_was_cut_short_is_finished_with_its_own_bills(keeper: Keeper, after: bool) -> None:
    use(keeper)
    keeper.clock.ts_ms = NOVEMBER.end
    with pytest.raises(LedgerUnavailableError):
        finish(keeper, Breaking(keeper, after=after))
    draft = keeper.statements.bills.drafted(NOVEMBER)
    assert draft is not None
    assert finish(keeper) == (NOVEMBER,)
    assert finish(keeper) == ()
    assert billed(keeper) == ["2023-11"]
    assert keeper.entries("bil")[0].fields == draft.fields
    assert list(keeper.statements.invoices(NOVEMBER)) == [KEY.account_id]
    assert keeper.statements.bills.drafted(NOVEMBER) is None


def test_a_month_in_the_log_whose_files_are_gone_is_not_charged_twice(keeper: Keeper, tmp_path: Path) -> None:
    use(keeper)
    keeper.clock.ts_ms = NOVEMBER.end
    finish(keeper)
    (tmp_path / "data" / "ledger-private" / "maps" / "bills" / "2023-11.json").unlink()
    assert finish(keeper) == ()
    assert billed(keeper) == ["2023-11"]
