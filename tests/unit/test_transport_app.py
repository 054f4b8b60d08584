"""The application takes every setting that the settings take."""

from __future__ import annotations

import pytest

from streams.agents.customers import Customers
from streams.agents.keeping import CustomerState
from streams.agents.models import Shelf
from streams.settings import Settings
from streams.transport.app import build_app, customer_inputs
from streams.transport.producer import Outputs
from support.troubled import default_rules


@pytest.mark.parametrize("seconds", [0.5, 6.0, 300.0])
def test_any_session_that_may_be_set_makes_an_application(seconds: float) -> None:
    settings = Settings(session_timeout_s=seconds)
    outputs = Outputs({"bootstrap.servers": "127.0.0.1:1"})
    rules = default_rules()
    owner = Customers(settings, rules, outputs, lambda: 0, Shelf(rules))
    state = CustomerState(settings, owner, customer_inputs(settings).group)
    app = build_app(settings, owner, outputs=outputs, state=state)
    assert app.status.session_s == seconds
