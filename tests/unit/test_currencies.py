"""Money in currencies of none, two and three decimals: nothing of an amount is lost, and it is written as people do."""

from __future__ import annotations

import pytest

from models.catalogue.currencies import CURRENCIES, amount_of, minor_units
from models.engine.replay import Replay
from schemas.alert import AlertV1
from schemas.stage import StageChangeV1
from streams.files.catalogue_file import rules_of
from streams.settings import Settings
from support.builders import DAY_MS, NOON_MS, purchase


@pytest.mark.parametrize(
    ("currency", "amounts", "total"),
    [("KWD", (1.234, 0.001), 1.235), ("USD", (1.23, 0.01), 1.24), ("JPY", (1234.0, 1.0), 1235.0)],
)
def test_a_customer_of_any_currency_has_spent_what_was_paid(
    currency: str, amounts: tuple[float, ...], total: float
) -> None:
    text = f"{{base: default, feeds: [purchase], currency: {currency}, rates: {{{currency}: 1}}}}"
    replay = Replay(rules_of(text, Settings()), 1)
    for number, amount in enumerate(amounts):
        at_ms = NOON_MS + number * DAY_MS
        replay.take(purchase("c", at_ms, amount=amount, currency=currency, id=f"{number}", order_id=f"{number}"))
    replay.take(purchase("once", NOON_MS + 2 * DAY_MS, amount=amounts[0], currency=currency, id="x", order_id="x"))
    replay.until(NOON_MS + 100 * DAY_MS)
    found = replay.drain()
    spent = {one.customer_id: one.spend_so_far for one in found if isinstance(one, StageChangeV1)}
    assert {name: (one.amount, one.currency) for name, one in spent.items()} == {
        "c": (total, currency),
        "once": (amounts[0], currency),
    }
    of_year = [one.spend_last_year for one in found if isinstance(one, AlertV1) and one.customer_id == "once"]
    assert {(one.amount, one.currency) for one in of_year if one} == {(amounts[0], currency)}


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_every_amount_that_a_currency_can_have_comes_back(currency: str) -> None:
    for amount in (0.0, 1.0, 10.0 ** -CURRENCIES[currency], 98765.0 + 10.0 ** -CURRENCIES[currency]):
        kept = round(amount * minor_units(currency))
        assert amount_of(kept, currency) == round(amount, CURRENCIES[currency])
