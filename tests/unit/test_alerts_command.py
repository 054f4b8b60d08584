"""`alerts --signal`: a name mistyped is told, not answered with no alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from streams.cli.alerts import alerts

if TYPE_CHECKING:
    from schemas.alert import AlertV1


def test_a_signal_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[AlertV1] = []
    monkeypatch.setattr("streams.cli.alerts.newest_alerts", lambda _settings: found)
    mistyped = CliRunner().invoke(alerts, ["--signal", "churn_rsk"])
    assert mistyped.exit_code == 2
    told = " ".join(mistyped.output.split())
    assert "churn_rsk is no signal of the catalogue. Did you mean churn_risk? It has onboarding_drop, " in told
    known = CliRunner().invoke(alerts, ["--signal", "churn_risk"])
    assert known.output == "0 alerts\n"
