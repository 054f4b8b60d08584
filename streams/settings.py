"""All settings: read once from `CHURN_*` in the environment, checked, frozen. The only reader of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, Self

from models.catalogue.suggestion import did_you_mean
from schemas.instant import from_rfc3339
from streams.errors import SettingsError
from streams.settings_values import (
    BOOLEAN,
    FILE,
    HOST,
    INSTANT,
    NAME,
    PORT,
    SERVERS,
    SHORT,
    TEXT,
    ZONE,
    Kind,
    is_loopback,
    number,
    one_of,
    setting,
    whole,
)

ENVIRONMENT_PREFIX: Final = "CHURN_"

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its default. `CHURN_` and the name in capitals is its place in the environment."""

    bootstrap: str = setting("127.0.0.1:9092", SERVERS, "the Kafka brokers to ask first")
    prefix: str = setting("churn", NAME, "what all topic names begin with")
    group: str = setting("churn-signals", NAME, "consumer group of the workers")
    app_version: int = setting(1, whole(1, 1_000_000), "raised to begin anew, with a group and a changelog of its own")
    partitions: int = setting(12, whole(1, 10_000), "of every topic; cannot be changed once events were posted")
    replication: int = setting(1, whole(1, 32), "copies of every topic")
    events_retention_days: int = setting(-1, whole(-1, 36_500), "how long input events are kept; -1: for ever")

    security_protocol: SecurityProtocol = setting(
        "PLAINTEXT", one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "how clients talk to the brokers"
    )
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = setting(
        "SCRAM-SHA-512", one_of("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"), "how clients log in"
    )
    sasl_username: str | None = setting(None, TEXT, "the name to log in with")
    sasl_password: str | None = setting(None, TEXT, "the password to log in with", is_secret=True)
    sasl_password_file: Path | None = setting(None, FILE, "a file with the password, instead of the password")
    ssl_ca: Path | None = setting(None, FILE, "certificates to trust (PEM); without it the system's")
    ssl_certificate: Path | None = setting(None, FILE, "our own certificate (PEM), if the brokers ask for one")
    ssl_key: Path | None = setting(None, FILE, "the key of our own certificate (PEM)")
    allow_plaintext: bool = setting(False, BOOLEAN, "allow an unencrypted connection to a broker elsewhere")

    instance_id: str | None = setting(None, NAME, "static membership: this worker's own, lasting name")
    session_timeout_s: float = setting(0.0, number(0.5, 300), "a silent worker is given up after (6; static: 10)")
    commit_interval_s: float = setting(0.5, number(0.01, 60), "how often progress is made durable")
    linger_ms: int = setting(20, whole(0, 1000), "how long the transport waits to fill a frame")
    watchdog_s: float = setting(60.0, number(1, 86_400), "leave with 70 when there is lag and nothing moved for this")
    start: Literal["earliest", "latest"] = setting(
        "earliest", one_of("earliest", "latest"), "where a new group begins to read"
    )
    metrics_host: str = setting("127.0.0.1", HOST, "address of /metrics, /livez and /readyz")
    metrics_port: int = setting(9464, PORT, "port of /metrics, /livez and /readyz; 0: any free one")

    metrics_token: str | None = setting(None, TEXT, "the bearer token that /metrics asks for", is_secret=True)
    metrics_token_file: Path | None = setting(None, FILE, "a file with the token, instead of the token")

    zone: str = setting("UTC", ZONE, "whose midnight ends a day")
    disorder_s: int = setting(3600, whole(0, 86_400), "B: how far events may be out of order, without being late")
    lateness_days: int = setting(7, whole(0, 366), "L: how old a late event may be and still be folded in")
    ticks: bool = setting(True, BOOLEAN, "whether the clock moves quiet feeds on")
    catalogue: Path | None = setting(None, FILE, "the signal catalogue (YAML); without it the one in the product")
    dead_letter_limit: Literal["on", "off"] = setting(
        "on", one_of("on", "off"), "stop with 3 when too many records are refused"
    )
    alerts_from: str | None = setting(
        None, INSTANT, "alerts before this are historical, nobody's duty; without it 14 days before the first start"
    )

    erasure_salt: str | None = setting(
        None, TEXT, "what ids of erased customers are hashed with; cannot be changed once somebody was", is_secret=True
    )
    erasure_salt_file: Path | None = setting(None, FILE, "a file with that salt, instead of the salt")

    user: str | None = setting(None, SHORT, "who you are, for commands such as `ack`; `--by` says it once")

    @property
    def alerts_from_ms(self) -> int | None:
        """`alerts_from` in epoch milliseconds."""
        return None if self.alerts_from is None else from_rfc3339(self.alerts_from)

    @classmethod
    def kinds(cls) -> dict[str, Kind]:
        """What each setting may be, by its name."""
        return {field.name: field.metadata["kind"] for field in fields(cls)}

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """What each setting is for, by its name."""
        return {field.name: field.metadata["about"] for field in fields(cls)}

    @classmethod
    def secrets(cls) -> frozenset[str]:
        """Return the names of settings that are never shown."""
        return frozenset(field.name for field in fields(cls) if not field.repr)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values, for tests and for one-off commands."""
        return type(self)(**{field.name: getattr(self, field.name) for field in fields(self)} | changes)


def environment_settings() -> Settings:
    """Return the settings of this process. Raises SettingsError."""
    return load_settings(os.environ)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read `CHURN_*` of `environ`; all else is left alone.

    Left alone is also what Kubernetes puts there for its Services (`is_of_kubernetes`).

    Raises SettingsError on a name nobody knows (a typo must not be silent), a value that is not allowed, and settings
    that contradict each other.
    """
    kinds, secrets = Settings.kinds(), Settings.secrets()
    values: dict[str, Any] = {}
    for variable in sorted(environ):
        if not variable.startswith(ENVIRONMENT_PREFIX) or is_of_kubernetes(variable, environ[variable]):
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name not in kinds or variable != variable_of(name):
            raise SettingsError(variable, "no setting of this name", _suggestion(variable))
        values[name] = _parsed(variable, environ[variable], kinds[name], is_secret=name in secrets)
    _fill(values)
    settings = Settings(**values)
    _check_together(settings)
    return settings


def is_of_kubernetes(variable: str, value: str) -> bool:
    """Whether Kubernetes set a variable for a Service, as it does in every pod: by the name alone nobody could tell.

    A Service that is called `churn-metrics` would set the port of our metrics; a URL is no port, so it is that.

    >>> is_of_kubernetes("CHURN_SIGNALS_PORT", "tcp://10.0.0.1:9464"), is_of_kubernetes("CHURN_METRICS_PORT", "9464")
    (True, False)
    """
    if _SERVICE_ADDRESS.fullmatch(variable):
        return True
    return variable.endswith("_PORT") and _SERVICE_URL.fullmatch(value) is not None


_SERVICE_ADDRESS: Final = re.compile(
    r"CHURN_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_URL: Final = re.compile(r"(tcp|udp|sctp)://\S+:\d+")


def variable_of(name: str) -> str:
    """The environment's name of a setting.

    >>> variable_of("bootstrap")
    'CHURN_BOOTSTRAP'
    """
    return ENVIRONMENT_PREFIX + name.upper()


def shown(settings: Settings) -> dict[str, str | int | float | bool | None]:
    """Every setting by name, secrets masked, ready to print or to log."""
    found: dict[str, str | int | float | bool | None] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value is not None and field.name in Settings.secrets():
            value = "***"
        found[field.name] = os.fsencode(value).decode(errors="backslashreplace") if isinstance(value, Path) else value
    return found


def _parsed(variable: str, text: str, kind: Kind, *, is_secret: bool) -> object:
    try:
        return kind.parse(text)
    except ValueError as error:
        value = "the value given" if is_secret else repr(text)
        question = "" if is_secret else did_you_mean(text, kind.known())
        raise SettingsError(variable, f"{value} is not allowed", f"{question}Allowed: {kind.allowed}.") from error


def _suggestion(variable: str) -> str:
    known = [variable_of(name) for name in Settings.kinds()]
    return f"{did_you_mean(variable.upper(), known)}`churn-signals settings --list` shows all names."


def _fill(values: dict[str, Any]) -> None:
    """Put in what follows from other settings: secrets from their files, the session timeout by membership."""
    for name in ("sasl_password", "metrics_token", "erasure_salt"):
        file: Path | None = values.get(f"{name}_file")
        if file is None:
            continue
        if name in values:
            both = f"{variable_of(name)} is set as well"
            raise SettingsError(variable_of(f"{name}_file"), both, "Give one of the two.")
        values[name] = _secret_in(file, variable_of(f"{name}_file"))
    values.setdefault("session_timeout_s", 10.0 if "instance_id" in values else 6.0)


def _secret_in(file: Path, variable: str) -> str:
    """The one line of a file. An empty file is refused: it would be a secret that everybody knows."""
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text"
        remedy = "The user the program runs as must be able to read it."
        raise SettingsError(variable, f"{file} cannot be read: {reason}", remedy) from error
    try:
        return str(TEXT.parse(text))
    except ValueError as error:
        raise SettingsError(variable, f"{file} does not hold one line of text", "Write the secret into it.") from error


def _check_together(settings: Settings) -> None:
    protocol = variable_of("security_protocol")
    if settings.security_protocol.startswith("SASL_"):
        for name in ("sasl_username", "sasl_password"):
            if not getattr(settings, name):
                value = f"missing, {protocol} is {settings.security_protocol}"
                raise SettingsError(variable_of(name), value, "Set it, or choose another protocol.")
    elif settings.sasl_username or settings.sasl_password:
        value = f"{settings.security_protocol}, but a name or password to log in with is set"
        raise SettingsError(protocol, value, "Set SASL_SSL or SASL_PLAINTEXT, or leave the name and password out.")
    if bool(settings.ssl_certificate) != bool(settings.ssl_key):
        missing = "ssl_key" if settings.ssl_certificate else "ssl_certificate"
        raise SettingsError(variable_of(missing), "missing", "A certificate and its key go together.")
    if not is_loopback(f"{settings.metrics_host}:0") and settings.metrics_token is None:
        value = f"{settings.metrics_host}, which others can reach, and no token is set"
        raise SettingsError(variable_of("metrics_host"), value, f"Set {variable_of('metrics_token')}, or 127.0.0.1.")
    is_plain = settings.security_protocol.endswith("PLAINTEXT")
    if is_plain and not settings.allow_plaintext and not is_loopback(settings.bootstrap):
        value = f"{settings.security_protocol} to {settings.bootstrap}, which is not this machine"
        remedy = f"Set SSL or SASL_SSL, or say that it is meant: {variable_of('allow_plaintext')}=true."
        raise SettingsError(protocol, value, remedy)
