"""Both client stacks are told the same from one set of settings."""

from __future__ import annotations

from pathlib import Path

import faust
import pytest

from kafka.tls import make_certificates
from streams.errors import SetupError
from streams.kafka.connection import faust_brokers, faust_credentials, librdkafka_config
from streams.settings import load_settings

SASL = {"CHURN_SASL_USERNAME": "app", "CHURN_SASL_PASSWORD": "right"}


def test_plain_broker_needs_no_credentials() -> None:
    settings = load_settings({"CHURN_BOOTSTRAP": "127.0.0.1:1,127.0.0.1:2"})
    assert librdkafka_config(settings)["bootstrap.servers"] == "127.0.0.1:1,127.0.0.1:2"
    assert librdkafka_config(settings)["security.protocol"] == "PLAINTEXT"
    assert faust_brokers(settings) == "kafka://127.0.0.1:1;kafka://127.0.0.1:2"
    assert faust_credentials(settings) is None


def test_password_reaches_both_stacks(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    settings = load_settings({**SASL, "CHURN_SECURITY_PROTOCOL": "SASL_SSL", "CHURN_SSL_CA": str(made.ca)})
    config = librdkafka_config(settings)
    assert (config["sasl.mechanism"], config["sasl.username"]) == ("SCRAM-SHA-512", "app")
    assert (config["sasl.password"], config["ssl.ca.location"]) == ("right", str(made.ca))
    credentials = faust_credentials(settings)
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.username, credentials.password) == ("app", "right")
    assert credentials.mechanism.value == "SCRAM-SHA-512"
    assert credentials.protocol.value == "SASL_SSL"


def test_password_without_encryption_has_no_context() -> None:
    credentials = faust_credentials(load_settings({**SASL, "CHURN_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}))
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.ssl_context, credentials.protocol.value) == (None, "SASL_PLAINTEXT")


def test_encryption_alone_is_understood(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    settings = load_settings({"CHURN_SECURITY_PROTOCOL": "SSL", "CHURN_SSL_CA": str(made.ca)})
    assert isinstance(faust_credentials(settings), faust.SSLCredentials)
    assert "sasl.username" not in librdkafka_config(settings)


def test_unreadable_certificates_name_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    settings = load_settings({"CHURN_SECURITY_PROTOCOL": "SSL", "CHURN_SSL_CA": str(file)})
    with pytest.raises(SetupError, match=r"CHURN_SSL_CA: .* cannot be read"):
        faust_credentials(settings)
