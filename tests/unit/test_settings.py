"""Settings: typed, checked, and never silently wrong."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import SettingsError
from streams.settings import Settings, is_of_kubernetes, load_settings, shown, variable_of


def refusal(**environ: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings({f"CHURN_{name.upper()}": value for name, value in environ.items()})
    return caught.value


def test_defaults_need_no_environment() -> None:
    settings = load_settings({"PATH": "/bin", "OTHER_BOOTSTRAP": "x"})
    assert settings.bootstrap == "127.0.0.1:9092"
    assert (settings.prefix, settings.partitions, settings.disorder_s, settings.lateness_days) == ("churn", 12, 3600, 7)
    assert settings.session_timeout_s == 6.0
    assert settings.ticks is True


def test_static_membership_allows_a_longer_silence() -> None:
    assert load_settings({"CHURN_INSTANCE_ID": "w1"}).session_timeout_s == 10.0
    chosen = {"CHURN_INSTANCE_ID": "w1", "CHURN_SESSION_TIMEOUT_S": "2.5"}
    assert load_settings(chosen).session_timeout_s == 2.5


def test_unknown_name_is_an_error_that_suggests_the_right_one() -> None:
    error = refusal(bootstrapp="kafka:9092")
    assert error.thing == "CHURN_BOOTSTRAPP"
    assert "Did you mean CHURN_BOOTSTRAP?" in error.remedy


def test_name_in_wrong_case_is_an_error() -> None:
    with pytest.raises(SettingsError, match="CHURN_prefix: no setting of this name"):
        load_settings({"CHURN_prefix": "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("partitions", "0"),
        ("partitions", "twelve"),
        ("partitions", ""),
        ("partitions", "1_0"),
        ("partitions", " 12"),
        ("partitions", "\u0661\u0662"),
        ("partitions", "9" * 5000),
        ("commit_interval_s", "1_0.5"),
        ("bootstrap", "localhost:9_092"),
        ("bootstrap", "localhost"),
        ("bootstrap", "localhost:99999"),
        ("bootstrap", "http://localhost:9092"),
        ("prefix", "with space"),
        ("ticks", "yes"),
        ("ticks", "False"),
        ("zone", "Mars/Olympus"),
        ("zone", "../etc"),
        ("security_protocol", "ssl"),
        ("metrics_port", "-1"),
        ("commit_interval_s", "nan"),
        ("catalogue", "/nowhere/catalogue.yaml"),
        ("alerts_from", "2026-01-31"),
        ("alerts_from", "2026-01-31T00:00:00"),
        ("start", "middle"),
    ],
)
def test_wrong_value_names_setting_value_and_what_is_allowed(name: str, value: str) -> None:
    error = refusal(**{name: value})
    assert error.thing == variable_of(name)
    assert repr(value) in error.value
    assert "Allowed: " in error.remedy


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("zone", "Europe/Berln", "Europe/Berlin"), ("zone", "europe/lisbon", "Europe/Lisbon"),
        ("start", "lastest", "latest"), ("security_protocol", "sasl-ssl", "SASL_SSL"),
    ],
)  # fmt: skip
def test_a_mistyped_value_is_answered_with_what_may_be_meant(name: str, value: str, meant: str) -> None:
    assert refusal(**{name: value}).remedy.startswith(f"Did you mean {meant}? ")


def test_wrong_secret_is_not_repeated() -> None:
    assert "hunter2" not in str(refusal(sasl_password="hunter2\nx"))


def test_password_comes_from_a_file_and_is_masked(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    settings = load_settings(
        {
            "CHURN_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "CHURN_SASL_USERNAME": "app",
            "CHURN_SASL_PASSWORD_FILE": str(file),
        }
    )
    assert settings.sasl_password == "s3cret"
    assert shown(settings)["sasl_password"] == "***"
    assert "s3cret" not in str(shown(settings))
    assert "s3cret" not in repr(settings)


def test_metrics_token_comes_from_a_file_and_is_masked(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    settings = load_settings({"CHURN_METRICS_HOST": "0.0.0.0", "CHURN_METRICS_TOKEN_FILE": str(file)})  # noqa: S104 - what containers bind to
    assert settings.metrics_token == "s3cret"
    assert "s3cret" not in str(shown(settings))


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe"])
def test_file_without_one_line_of_text_is_no_secret(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    error = refusal(metrics_token_file=str(file))
    assert error.thing == "CHURN_METRICS_TOKEN_FILE"
    assert str(file) in error.value


def test_settings_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert refusal(security_protocol="SASL_SSL").thing == "CHURN_SASL_USERNAME"
    assert refusal(security_protocol="SASL_SSL", sasl_username="app").thing == "CHURN_SASL_PASSWORD"
    assert refusal(sasl_username="app", sasl_password="x").thing == "CHURN_SECURITY_PROTOCOL"
    assert refusal(sasl_password="x", sasl_password_file=str(file)).thing == "CHURN_SASL_PASSWORD_FILE"
    assert refusal(metrics_token="x", metrics_token_file=str(file)).thing == "CHURN_METRICS_TOKEN_FILE"
    assert refusal(ssl_certificate=str(file)).thing == "CHURN_SSL_KEY"


def test_plaintext_to_another_machine_must_be_said() -> None:
    assert "CHURN_ALLOW_PLAINTEXT=true" in refusal(bootstrap="kafka:9092").remedy
    assert refusal(bootstrap="127.0.0.1:9092,10.0.0.7:9092").thing == "CHURN_SECURITY_PROTOCOL"
    for environ in (
        {"CHURN_BOOTSTRAP": "kafka:9092", "CHURN_ALLOW_PLAINTEXT": "true"},
        {"CHURN_BOOTSTRAP": "kafka:9092", "CHURN_SECURITY_PROTOCOL": "SSL"},
        {"CHURN_BOOTSTRAP": "localhost:1,127.0.0.2:1,[::1]:1"},
    ):
        assert load_settings(environ).bootstrap == environ["CHURN_BOOTSTRAP"]


def test_alerts_from_is_an_instant() -> None:
    assert load_settings({"CHURN_ALERTS_FROM": "1970-01-01T01:00:01+01:00"}).alerts_from_ms == 1000
    assert load_settings({}).alerts_from_ms is None


def test_error_survives_a_journey_between_processes() -> None:
    error = refusal(partitions="0")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), copy.thing, copy.value, copy.remedy) == (SettingsError, error.thing, error.value, error.remedy)


def test_every_setting_says_what_it_is_for() -> None:
    assert all(about and len(about) < 100 for about in Settings.meanings().values())


@given(st.dictionaries(st.sampled_from(sorted(Settings.kinds())), st.text(max_size=20), max_size=3))
def test_any_text_is_either_refused_or_understood(values: dict[str, str]) -> None:
    try:
        settings = load_settings({variable_of(name): value for name, value in values.items()})
    except SettingsError:
        return
    assert isinstance(settings.partitions, int)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHURN_SIGNALS_PORT", "tcp://10.0.0.1:9464"),
        ("CHURN_PORT", "udp://10.0.0.1:9464"),
        ("CHURN_SERVICE_HOST", "10.0.0.1"),
        ("CHURN_SIGNALS_SERVICE_HOST", "10.0.0.1"),
        ("CHURN_SIGNALS_SERVICE_PORT", "9464"),
        ("CHURN_SIGNALS_SERVICE_PORT_METRICS", "9464"),
        ("CHURN_WORKER_PORT_9464_TCP", "tcp://10.0.0.1:9464"),
        ("CHURN_WORKER_PORT_9464_TCP_PROTO", "tcp"),
        ("CHURN_WORKER_PORT_9464_TCP_PORT", "9464"),
        ("CHURN_WORKER_PORT_9464_TCP_ADDR", "10.0.0.1"),
        ("CHURN_METRICS_PORT", "tcp://10.0.0.1:9464"),
    ],
)
def test_what_kubernetes_puts_into_a_pod_for_its_services_is_no_setting(variable: str, value: str) -> None:
    assert load_settings({variable: value}) == Settings(session_timeout_s=6.0)


def test_no_setting_has_a_name_that_kubernetes_would_take() -> None:
    assert [name for name in Settings.kinds() if is_of_kubernetes(variable_of(name), "9464")] == []


@pytest.mark.parametrize("variable", ["CHURN_SIGNALS_PORT", "CHURN_PORT", "CHURN_SERVICE", "CHURN_HOST"])
def test_a_name_like_those_that_a_person_wrote_is_an_error(variable: str) -> None:
    with pytest.raises(SettingsError, match="no setting of this name"):
        load_settings({variable: "9464"})
