"""Every kind of mistake in a catalogue is found, all at once, with the path that leads to it and the reason."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from models.catalogue.catalogue import IF_NO_CONTACT, build_rules
from models.catalogue.overlay import merged
from models.catalogue.reader import CatalogueError, Mistake
from support.standing import Standing
from support.troubled import catalogue, default_rules

SIGNALS = (
    "onboarding_drop", "usage_drop", "purchase_drop_and_silence", "support_spike", "repeated_complaints",
    "price_confusion", "channel_friction", "unsubscribed", "first_purchase_only", "loyal_gone_silent",
    "dormant_high_value",
    "churn_risk", "reactivated", "repeat_purchase_growing",
)  # fmt: skip


def mistakes(change: dict[str, Any]) -> list[Mistake]:
    with pytest.raises(CatalogueError) as caught:
        build_rules(merged(catalogue(), change))
    return caught.value.mistakes


def of_constant(**change: Any) -> dict[str, Any]:
    return {"constants": {"mine": {"start": 3, "quantile": 0.8, "of": "spend_total"} | change}}


def of_signal(**change: Any) -> dict[str, Any]:
    return {"signals": {"usage_drop": change}}


def test_the_default_catalogue_has_all_signals_and_each_an_owner_and_an_answer() -> None:
    rules = default_rules()
    assert tuple(signal.id for signal in rules.signals) == SIGNALS
    for signal in rules.signals:
        assert signal.owner
        assert signal.intervention
        assert signal.contacts_customer == (signal.id != "unsubscribed")
        assert (signal.if_no_contact != IF_NO_CONTACT) == signal.contacts_customer
        assert signal.playbook_url.endswith(signal.id)
        assert (signal.respond_ms is None) == (signal.polarity == "positive")
    announced = {signal.id for signal in rules.signals if signal.announced_feed is not None}
    assert announced == {"support_spike", "repeated_complaints", "channel_friction", "unsubscribed"}


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        (
            {"feeds": ["purchase", "logins"]},
            "feeds",
            "'logins' is no feed. Did you mean login? Known are",
        ),
        ({"feeds": ["login", "login"]}, "feeds", "login is named twice"),
        ({"feeds": []}, "feeds", "must list at least one"),
        ({"feeds": "purchase"}, "feeds", "must list"),
        ({"colour": 1}, "colour", "is not a key here. Known are"),
        ({"signals": 3}, "signals", "must be a mapping, not 3"),
        ({"signals": {"mine": "text"}}, "signals.mine", "must be a mapping, not 'text'"),
        ({"signals": {"Mine": {}}}, "signals.Mine", "a signal's id is lower-case letters"),
        ({"signals": {7: {}}}, "signals.7", "a signal's id is lower-case letters"),
        ({"defaults": []}, "defaults", "must be a mapping"),
        ({"rates": {"EUR": -1}}, "rates.EUR", "must be a number of at least 1e-09 and at most 1,000,000,000, not -1"),
        ({"rates": {"EUR": 0}}, "rates.EUR", "must be a number of at least 1e-09"),
        ({"rates": {"EUR": "0,92"}}, "rates.EUR", "not '0,92': write 0.92, with a point"),
        ({"rates": {"usd": 1}}, "rates.usd", "'usd' is no currency of ISO 4217, such as EUR. Did you mean USD?"),
        ({"rates": {"USD": 2}}, "rates.USD", "must be 1, it is the currency of this catalogue"),
        (
            {"currency": "EUR"},
            "currency",
            "there is no rate for EUR, the currency of this catalogue: write",
        ),
        ({"currency": "EUR", "rates": {"USD": 0.92}}, "rates", "there is no rate for EUR"),
        ({"currency": "Euro"}, "currency", "'Euro' is no currency of ISO 4217"),
        ({"currency": None}, "currency", "is required: a text"),
        ({"version": 2}, "version", "must be one of 1, not 2"),
        ({"targets": {"churn": 5}}, "targets.churn", "at most 1"),
        ({"engagement": {"login": {"points": 0.25}}}, "engagement.login.points", "has steps of 0.1"),
        ({"engagement": {"login": {"points": 500, "cap": 200}}}, "engagement", "3,276 points at most"),
        ({"engagement": {"login": 3}}, "engagement.login", "must be a mapping, not 3"),
        ({"model": {"anchor": "05.01.2026"}}, "model.anchor", "must be a date such as 2026-01-05"),
        ({"model": {"anchor": "2026-02-30"}}, "model.anchor", "must be a date such as 2026-01-05"),
        ({"model": {"step_days": 1000}}, "model.step_days", "at most 366"),
        ({"model": {}, "lifecycle": {"new_days": 1e14}}, "lifecycle.new_days", "at most 36,500"),
        ({"defaults": {"onwer": "x"}}, "defaults.onwer", "is not a key here. Did you mean owner?"),
        ({"rates": {"EUR": float("nan")}}, "rates.EUR", "must be a number"),
        ({"constants": {"high_spend": "much"}}, "constants.high_spend", "must be a number"),
        ({"constants": {"stage": 3}}, "constants.stage", "no word of the language"),
        (of_constant(quantile=80), "constants.mine.quantile", "must be a number of at least 0 and at most 1, not 80"),
        (of_constant(quantile=0), "constants.mine.quantile", "must lie between 0 and 1, not 0"),
        (of_constant(quantile="80 %"), "constants.mine.quantile", "must be a number"),
        (of_constant(start=None), "constants.mine.start", "must be a number of at least 0, not None"),
        (of_constant(start=-1), "constants.mine.start", "must be a number of at least 0, not -1"),
        (of_constant(of="spend_totals"), "constants.mine.of", "'spend_totals' is nothing to be a quantile of. Did you"),
        (of_constant(of=["spend_total"]), "constants.mine.of", "Known are days_to_second_purchase, spend_total"),
        (of_constant(share=0.8), "constants.mine.share", "is not a key here. Did you mean start? Known are of"),
        (
            of_constant() | {"signals": {"support_spike": {"when": "tickets(7d) >= mine"}}},
            "signals.support_spike.announced",
            "the running constant mine has no value on a day that is still open: write a number there",
        ),
        ({"constants": {"High": 3}}, "constants.High", "lower-case"),
        ({"constants": {"horizon_days": 3}}, "constants.horizon_days", "no word of the language"),
        (
            {"engagement": {"logins": {"points": 1}}},
            "engagement.logins",
            "Did you mean login? Known are bounced",
        ),
        ({"engagement": {"login": {"points": "one"}}}, "engagement.login.points", "must be a number"),
        (
            {"engagement": {"login": {"weight": 1}}},
            "engagement.login.weight",
            "Known are cap, points",
        ),
        ({"engagement": {"login": {"cap": 0}}}, "engagement.login.cap", "must be a number of at least 1"),
        ({"lifecycle": {"churned_days": 50}}, "lifecycle.churned_days", "must not be below dormant_days"),
        ({"lifecycle": {"silence": "both"}}, "lifecycle.silence", "must be one of purchase, activity, not 'both'"),
        ({"lifecycle": {"new_days": 1.5}}, "lifecycle.new_days", "must be a whole number, not 1.5"),
        ({"targets": {"growth": 0.1}}, "targets.growth", "is not a key here. Known are churn, retention"),
        ({"targets": {"churn": "low"}}, "targets.churn", "must be a number"),
        ({"lifecycle": {"old_days": 1}}, "lifecycle.old_days", "is not a key here"),
        (of_signal(when=None), "signals.usage_drop.when", "is required: a text"),
        (of_signal(when="logins(7d) <"), "signals.usage_drop.when", "expected a number or a measure"),
        (of_signal(ends="back again"), "signals.usage_drop.ends", "there is no measure or constant 'back'"),
        (of_signal(owner="  "), "signals.usage_drop.owner", "must be a text"),
        (of_signal(owner=["Product"]), "signals.usage_drop.owner", "must be a text"),
        (of_signal(if_no_contact=" "), "signals.usage_drop.if_no_contact", "must be a text, not ' '"),
        (of_signal(contacts_customer="no"), "signals.usage_drop.contacts_customer", "must be true or false, not 'no'"),
        (of_signal(intervention=None), "signals.usage_drop.intervention", "is required"),
        (of_signal(respond_hours=None), "signals.usage_drop.respond_hours", "no negative signal without a response"),
        (of_signal(respond_hours=-1), "signals.usage_drop.respond_hours", "at least 0"),
        (of_signal(severity="critical"), "signals.usage_drop.severity", "must be one of info, warning, error"),
        (of_signal(polarity="bad"), "signals.usage_drop.polarity", "must be one of negative, positive"),
        (of_signal(persistence=0), "signals.usage_drop.persistence", "at least 1"),
        (of_signal(persistence=float("inf")), "signals.usage_drop.persistence", "must be a number"),
        (of_signal(persistence=True), "signals.usage_drop.persistence", "must be a number"),
        (of_signal(cooldown_days=1.5), "signals.usage_drop.cooldown_days", "must be a whole number"),
        (of_signal(expires_days=0), "signals.usage_drop.expires_days", "at least 1"),
        (of_signal(announced="yes"), "signals.usage_drop.announced", "must be true or false"),
        (of_signal(announced=True), "signals.usage_drop.announced", "the ticket feed alone, or the email feed alone"),
        (of_signal(inhibited_by_outage="no"), "signals.usage_drop.inhibited_by_outage", "must be true or false"),
        (of_signal(respond_hours="48:00"), "signals.usage_drop.respond_hours", "no time of day is a number here"),
        (of_signal(respond_hours="048"), "signals.usage_drop.respond_hours", "write it without leading zeros"),
        (of_signal(respond_hours="48"), "signals.usage_drop.respond_hours", "write it without quotes"),
        (of_signal(respond_hours=1e12), "signals.usage_drop.respond_hours", "at most 876,000"),
        (of_signal(owner=False), "signals.usage_drop.owner", "must be a text, not False: write it in quotes"),
        (of_signal(owner="x" * 2001), "signals.usage_drop.owner", "at most 2,000 characters, not 2,001"),
        (of_signal(owner="\x1b[2J"), "signals.usage_drop.owner", "must not hold the control character '\\x1b'"),
        (of_signal(playbook="javascript:alert(1)"), "signals.usage_drop.playbook", "must be an http(s) address"),
        (of_signal(playbook="https://x/{signals}"), "signals.usage_drop.playbook", "must be an http(s) address"),
        (of_signal(values={"a b": "slope_z"}), "signals.usage_drop.values.a b", "must be letters, digits and _"),
        (
            of_signal(drivers=[{"text": "x", "value": "z", "usal": "z"}]),
            "signals.usage_drop.drivers.usal",
            "mean usual?",
        ),
        (of_signal(when="(" * 30 + "1" + ")" * 30 + " > 0"), "signals.usage_drop.when", "more than 25 brackets"),
        (of_signal(when="1" + "+1" * 400 + " > 0"), "signals.usage_drop.when", "more than 500 words and signs"),
        (of_signal(when="9" * 400 + " > 0"), "signals.usage_drop.when", "of more than 15 characters"),
        (of_signal(color="red"), "signals.usage_drop.color", "is not a key here"),
        (of_signal(score={"is": "slope"}), "signals.usage_drop.score.is", "there is no measure or constant 'slope'"),
        (of_signal(score={"worse": "up"}), "signals.usage_drop.score.worse", "must be one of higher, lower"),
        (of_signal(score={"margin": None}), "signals.usage_drop.score.margin", "must be a number"),
        (of_signal(values={"z": "slopez"}), "signals.usage_drop.values.z", "there is no measure"),
        (of_signal(summary="It is {low}."), "signals.usage_drop.summary", "{low} is not among this signal's values"),
        (of_signal(summary="{level|point}"), "signals.usage_drop.summary", "must be written {name} or {name|one|many}"),
        (of_signal(summary="{days_open}"), "signals.usage_drop.summary", "{days_open} is not among"),
        (of_signal(later="{low}"), "signals.usage_drop.later", "{low} is not among"),
        (of_signal(ended="[so]"), "signals.usage_drop.ended", "must hold a value"),
        (of_signal(values={"days_open": "slope_z"}), "signals.usage_drop.values.days_open", "is the name of"),
        (of_signal(clears_when="{nothing}"), "signals.usage_drop.clears_when", "is not among"),
        (of_signal(drivers=[]), "signals.usage_drop.drivers", "must list one to five drivers"),
        (of_signal(drivers=[{"text": "x", "value": "no"}]), "signals.usage_drop.drivers", "'no' is not among"),
        (of_signal(drivers=[{"text": "x", "value": ["z"]}]), "signals.usage_drop.drivers", "is not among"),
        ({"signals": {"support_spike": {"persistence": 2}}}, "signals.support_spike.persistence", "must be 1"),
    ],
)
def test_a_mistake_is_explained_with_its_path(change: dict[str, Any], path: str, reason: str) -> None:
    found = {".".join(mistake.path): mistake.reason for mistake in mistakes(change)}
    assert reason in found.get(path, f"nothing at {path}: {found}")


def test_all_mistakes_are_found_at_once() -> None:
    change = merged(of_signal(owner=None, severity="bad"), {"lifecycle": {"silence": 1}})
    assert {".".join(m.path) for m in mistakes(change)} == {
        "signals.usage_drop.owner", "signals.usage_drop.severity", "lifecycle.silence",
    }  # fmt: skip


def test_a_signal_is_dropped_by_off_and_changed_by_naming_it() -> None:
    own = {"signals": {"usage_drop": False, "reactivated": None, "support_spike": {"owner": "Desk"}}}
    rules = build_rules(merged(catalogue(), own))
    by_id = {signal.id: signal for signal in rules.signals}
    assert set(SIGNALS) - set(by_id) == {"usage_drop", "reactivated"}
    assert by_id["support_spike"].owner == "Desk"
    assert rules.hash != default_rules().hash


def test_the_hash_names_the_content_and_not_its_order() -> None:
    own = catalogue()
    turned = dict(reversed(own.items()))
    assert build_rules(turned).hash == build_rules(own).hash == default_rules().hash


def test_the_error_survives_pickle() -> None:
    error = CatalogueError([Mistake(("a", "b"), "why")])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(again), again.mistakes) == (str(error), error.mistakes)


@pytest.mark.parametrize(("model", "days"), [({"horizon_days": 28}, 28), (False, 60)])
def test_the_sentence_of_the_model_s_alert_says_for_how_long_its_risk_is(model: object, days: int) -> None:
    rules = build_rules(merged(catalogue(), {"model": model}))
    (signal,) = (signal for signal in rules.signals if signal.id == "churn_risk")
    nobody = Standing(rules.basis, [], 1)
    said = signal.summary.filled({name: nobody.value(term) for name, term in signal.values.items()}, "USD")
    assert f"nothing is bought in {days} days" in said
