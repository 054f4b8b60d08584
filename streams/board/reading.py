"""Asks the workers and the brokers for what the board shows. What does not answer becomes a sentence, never a zero."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from time import monotonic
from typing import Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka.admin import AdminClient

from models.catalogue.rules import Rules
from models.learning.summary import Summary, summary_of
from schemas.alert import decode_alert
from schemas.event import FEEDS
from schemas.model import ModelStateError
from schemas.model_version import MODEL_KEY, decode_model_version
from schemas.stage import decode_stage_change
from schemas.topics import Topics
from streams.background import Background
from streams.board.board import Past
from streams.board.figures import Look, Page, parse_page
from streams.board.ledger import BoardHistory, OutputLedger
from streams.errors import SetupError
from streams.kafka.connection import connect
from streams.kafka.log_reader import Place
from streams.kafka.positions import newest_times
from streams.kafka.topic_reader import assigned_consumer, must_be_there, records_among
from streams.settings import Settings

ANSWERS_WITHIN_S: Final = 3.0
"""How long a worker or a broker may take: a board that hangs tells less than one that says who does not answer."""

AGAIN_AFTER_S: Final = 2.0
"""Pause before a broker that did not answer is asked again."""

REST: Final = 5.0
"""Times what the history costs to compute until it is computed again: at most a sixth of a processor goes into it."""


def default_address(settings: Settings) -> str:
    """Where the worker of this machine and these settings has its metrics."""
    host = f"[{settings.metrics_host}]" if ":" in settings.metrics_host else settings.metrics_host
    return f"http://{host}:{settings.metrics_port}/metrics"


def metrics_address(text: str) -> str:
    """What a person wrote, as an address of metrics: http and /metrics go without saying. Raises SetupError.

    >>> metrics_address("worker-1:9464"), metrics_address("https://shop.example/churn/metrics")
    ('http://worker-1:9464/metrics', 'https://shop.example/churn/metrics')
    """
    address = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is none, a bracket without its other
        is_address = False
    if not is_address or not (address.isascii() and address.isprintable()) or " " in address:
        raise SetupError("--metrics", f"{text!r} is no address", "Write it as http://worker-1:9464/metrics.")
    return address if parts.path.strip("/") else f"{address.rstrip('/')}/metrics"


def look_at(addresses: Sequence[str], token: str | None) -> Look:
    """Ask every worker at once."""
    pages: dict[str, Page] = {}
    away: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(addresses))) as pool:
        for address, found in zip(addresses, pool.map(lambda one: _page(one, token), addresses), strict=True):
            if isinstance(found, str):
                away[address] = found
            else:
                pages[address] = found
    return Look(monotonic(), pages, away)


def _page(address: str, token: str | None) -> Page | str:
    request = Request(address)  # noqa: S310 - the address is the user's own
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:  # noqa: S310 - as above
            return parse_page(answer.read().decode())
    except HTTPError as error:
        return "it asks for CHURN_METRICS_TOKEN" if error.code == 401 else f"HTTP {error.code}"
    except URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return str(error) or type(error).__name__


class _Known(NamedTuple):
    """A history, what it was computed from, and when news may be looked at again."""

    history: BoardHistory
    boundary: int
    problem: str | None
    taken: int
    again_at_s: float


class Follower(Background):
    """Follows alerts, changes of stage and versions of the model in a thread of its own; a context manager."""

    def __init__(self, settings: Settings, rules: Rules) -> None:
        super().__init__("board", ANSWERS_WITHIN_S)
        self._settings = settings
        self._topics = Topics(settings.prefix)
        self._ledger = OutputLedger(rules.basis.calendar)
        self._lock = threading.Lock()
        self._caught_up = threading.Event()
        self._problem: str | None = "the topics are still being read"
        self._last_events: dict[str, int | None] | None = None
        self._taken = 0
        self._model: Summary | None = None
        self._known = _Known(BoardHistory(), boundary=-1, problem=None, taken=0, again_at_s=0.0)

    def wait(self, within_s: float) -> None:
        """Return when the topics have been read to their present end, or cannot be, or time is up."""
        self._caught_up.wait(within_s)

    def past(self, boundary: int | None) -> Past:
        """What is known so far, as of a boundary; of the newest on the topics when None."""
        with self._lock:
            newest = self._ledger.newest_boundary if self._ledger.newest_boundary >= 0 else None
            at = newest if boundary is None else boundary
            history = None if self._last_events is None else self._history(at)
            return Past(history, newest, self._last_events, self._problem, self._model)

    def _history(self, at: int | None) -> BoardHistory:
        """The history, computed anew for news only, and where that is dear not at every look."""
        if at is None:
            return BoardHistory()
        known, now_s = self._known, monotonic()
        is_news = self._taken != known.taken and now_s >= known.again_at_s
        if is_news or (at, self._problem) != (known.boundary, known.problem):
            history = self._ledger.history(at)
            again_at_s = monotonic() + REST * (monotonic() - now_s)
            self._known = known = _Known(history, at, self._problem, self._taken, again_at_s)
        return known.history

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (SetupError, KafkaException, TimeoutError) as error:
                self._tell(f"alerts and history unknown: {_told(error)}")
                self._caught_up.set()
                self._stop.wait(AGAIN_AFTER_S)

    def _follow(self) -> None:
        """Read on until stopped. What is read twice after a failure changes nothing."""
        settings, topics = self._settings, (self._topics.alerts, self._topics.stages, self._topics.models)
        admin, cluster = connect(settings, within_s=ANSWERS_WITHIN_S)
        must_be_there(cluster, (*topics, *self._topics.events))
        left = {(name, number) for name in topics for number in cluster.topics[name].partitions}
        consumer = assigned_consumer(settings, left, purpose="board")
        try:
            asked_at = -ANSWERS_WITHIN_S
            while not self._stop.is_set():
                self._take(consumer.consume(2_000, 0.2), left)
                if monotonic() - asked_at >= AGAIN_AFTER_S:
                    self._last_events = last_events(admin, self._topics, settings.partitions)
                    asked_at = monotonic()
                if not left:
                    self._tell(None)
                    self._caught_up.set()
        finally:
            consumer.close()

    def _take(self, messages: Sequence[Message], left: set[Place]) -> None:
        with self._lock:
            for message in records_among(messages, left):
                if not (value := message.value()):
                    continue
                if message.topic() == self._topics.models:
                    self._take_model(message.key(), value)
                else:
                    self._take_value(str(message.topic()), value)
                    self._taken += 1

    def _take_model(self, key: bytes | None, value: bytes) -> None:
        """The newest good version; a bad one is for the workers to tell, and the last good one is still in force."""
        if key == MODEL_KEY:
            with suppress(ModelStateError):
                self._model = summary_of(decode_model_version(value))

    def _take_value(self, topic: str, value: bytes) -> None:
        try:
            if topic == self._topics.alerts:
                self._ledger.take_alert(decode_alert(value))
            else:
                self._ledger.take_stage(decode_stage_change(value))
        except msgspec.MsgspecError as error:
            raise SetupError(f"topic {topic}", f"a record is not ours: {error}", "Check CHURN_PREFIX.") from error

    def _tell(self, problem: str | None) -> None:
        with self._lock:
            self._problem = problem


def last_events(admin: AdminClient, topics: Topics, partitions: int) -> dict[str, int | None]:
    """The greatest timestamp of each feed's records, by feed; None where there is none. Raises KafkaException."""
    places = [(name, number) for name in topics.events for number in range(partitions)]
    found: dict[str, int | None] = dict.fromkeys(FEEDS)
    feed_of = dict(zip(topics.events, FEEDS, strict=True))
    for (name, _), stamp in newest_times(admin, places, ANSWERS_WITHIN_S).items():
        feed = feed_of[name]
        found[feed] = max(stamp, found[feed] or 0)
    return found


def _told(error: SetupError | KafkaException | TimeoutError) -> str:
    if isinstance(error, TimeoutError):
        return f"the brokers do not answer within {ANSWERS_WITHIN_S:.0f} s"
    if isinstance(error, SetupError):
        return str(error)
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)
