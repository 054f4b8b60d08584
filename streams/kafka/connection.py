"""The way to the brokers for both client stacks, librdkafka and aiokafka, and a first contact that explains failure."""

from __future__ import annotations

import logging
import ssl
from concurrent.futures import Future
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from streams.errors import AuthenticationError, BrokerUnreachableError, SetupError
from streams.log_rate import librdkafka_log
from streams.settings import Settings, variable_of

if TYPE_CHECKING:
    from faust.types.auth import CredentialsT

CONTACT_WITHIN_S: Final = 8.0
"""How long a broker may take to answer at first contact: long enough for one that restarts (2-3 s), and short enough
that the failure is on the screen within 15 s."""

REFUSED_WITHIN_S: Final = 3.0
"""The same where every address refuses at once: nothing listens there, or a broker that is just starting."""

_ASK_AGAIN_S: Final = 0.2

Config = dict[str, Any]

T = TypeVar("T")


def librdkafka_config(settings: Settings) -> Config:
    """Return where the brokers are and how to log in, for every confluent-kafka client; the caller adds the rest."""
    config: Config = {
        "bootstrap.servers": settings.bootstrap,
        "security.protocol": settings.security_protocol,
        "client.id": "churn-signals",
        "logger": librdkafka_log(),
    }
    if settings.security_protocol.startswith("SASL_"):
        config["sasl.mechanism"] = settings.sasl_mechanism
        config["sasl.username"] = settings.sasl_username or ""
        config["sasl.password"] = settings.sasl_password or ""
    if settings.security_protocol.endswith("SSL"):
        files = {
            "ssl.ca.location": settings.ssl_ca,
            "ssl.certificate.location": settings.ssl_certificate,
            "ssl.key.location": settings.ssl_key,
        }
        config |= {name: str(path) for name, path in files.items() if path is not None}
    return config


def faust_brokers(settings: Settings) -> str:
    """Return the brokers as Faust's `broker` setting wants them."""
    return ";".join(f"kafka://{server}" for server in settings.bootstrap.split(","))


def faust_credentials(settings: Settings) -> CredentialsT | None:
    """Return the same way to log in for Faust (aiokafka), None when there is nothing to say."""
    import faust

    context = _ssl_context(settings)
    if settings.security_protocol.startswith("SASL_"):
        # Without a context Faust means SASL_PLAINTEXT, with one SASL_SSL.
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password,
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if not settings.security_protocol.endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ssl_ca)
    except ssl.SSLError as error:
        raise SetupError(variable_of("ssl_ca"), f"{settings.ssl_ca} cannot be read: {error}", "A PEM file.") from error
    if settings.ssl_certificate is not None:
        try:
            context.load_cert_chain(settings.ssl_certificate, settings.ssl_key)
        except ssl.SSLError as error:
            value = f"{settings.ssl_certificate} and its key cannot be read: {error}"
            raise SetupError(variable_of("ssl_certificate"), value, "Two PEM files that belong together.") from error
    return context


def connect(settings: Settings, *, within_s: float = CONTACT_WITHIN_S) -> tuple[AdminClient, ClusterMetadata]:
    """Return an admin client and the cluster's topics once a broker has answered.

    Raises AuthenticationError as soon as a broker refuses us, BrokerUnreachableError when none answered in time.
    """
    seen: list[KafkaError] = []
    quiet = logging.getLogger("streams.kafka.connection.contact")
    quiet.setLevel(logging.CRITICAL)  # one message of ours instead of librdkafka's many
    config: Config = {**librdkafka_config(settings), "error_cb": seen.append, "logger": quiet}
    try:
        admin = AdminClient(config)
    except (KafkaException, ValueError) as error:
        raise _explained(settings, _text(error)) from error
    begun = monotonic()
    while True:
        try:
            cluster = admin.list_topics(timeout=1.0)
            if cluster.brokers:
                return admin, cluster
            # One that stood still answers before it is up again: asked further, it would be waited for in vain.
            last = KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN, "it knows of no broker that is up"))  # noqa: SLF001 - as below
            sleep(_ASK_AGAIN_S)
        except KafkaException as error:
            last = error
        admin.poll(0)  # serves `seen`
        refused = [error for error in seen if error.code() in _REFUSALS]
        if refused:
            raise _refusal(settings, refused[-1]) from last
        limit_s = min(within_s, REFUSED_WITHIN_S) if _is_nobody_there(seen) else within_s
        if monotonic() > begun + limit_s:
            raise _explained(settings, _reason(seen, last)) from last


def answered(future: Future[T], within_s: float) -> T:
    """What a broker answered to an admin's question. Raises KafkaException, also for one that did not answer in time.

    A future that is waited for in vain raises TimeoutError, which those who expect a broker to be away do not expect.
    """
    try:
        return future.result(within_s)
    except TimeoutError as error:
        told = f"no broker answered within {within_s:.0f} s"
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, told)) from error  # noqa: SLF001 - as below


_REFUSALS: Final = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED})  # noqa: SLF001 - how confluent-kafka names librdkafka's own codes


def _is_nobody_there(seen: list[KafkaError]) -> bool:
    """Whether all that was met so far were ports at which nobody listens."""
    known = [error for error in seen if error.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001 - as above
    return bool(known) and all("Connection refused" in error.str() for error in known)


def _refusal(settings: Settings, error: KafkaError) -> SetupError:
    if error.code() == KafkaError._SSL:  # noqa: SLF001 - as above
        value = f"no encrypted connection to {settings.bootstrap}: {error.str()}"
        remedy = f"Check {variable_of('ssl_ca')} (the authority to trust) and {variable_of('security_protocol')}."
        return AuthenticationError(variable_of("ssl_ca"), value, remedy)
    thing = f"{variable_of('sasl_username')} and {variable_of('sasl_password')}"
    value = f"refused by {settings.bootstrap} for user {settings.sasl_username!r} ({error.str()})"
    remedy = f"Check name, password and {variable_of('sasl_mechanism')}."
    return AuthenticationError(thing, value, remedy)


def _explained(settings: Settings, reason: str) -> BrokerUnreachableError:
    remedy = (
        f"Is Kafka running there (`make up` starts one), and is {variable_of('security_protocol')}="
        f"{settings.security_protocol} what it speaks?"
    )
    return BrokerUnreachableError(
        variable_of("bootstrap"), f"no broker answers at {settings.bootstrap} ({reason})", remedy
    )


def _reason(seen: list[KafkaError], last: KafkaException) -> str:
    telling = [error for error in seen if error.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001 - as above
    return telling[-1].str() if telling else _text(last)


def _text(error: Exception) -> str:
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)
