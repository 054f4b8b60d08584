"""What companies and producers write is printed as they wrote it by every command, and does nothing to a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from models.catalogue.catalogue import build_rules
from models.catalogue.overlay import merged
from models.engine.replay import Replay
from schemas.alert import AlertV1, encode_alert
from schemas.dead_letter import Origin, dead_letter_headers
from schemas.instant import to_rfc3339
from streams.readback.state import open_alerts
from streams.settings import Settings
from streams.text.plain import plain, plain_lines
from support.arrivals import merged as in_order
from support.broker import Broker
from support.builders import DAY_MS, HOUR_MS, NOON_MS, purchase
from support.pages import wait_for_boundary, wait_until_ready
from support.posting import post
from support.program import Outcome, run
from support.troubled import catalogue
from support.workers import deploy, workers

HOSTILE = (
    "[/winback]", "[now]", "[bold red]x[/]", "<script>alert(1)</script>", "%s %d %(name)s", "{} {0.__class__}", "$x^2$",
    ":smile:", "\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe", "zero\u200bwidth", "line\nbreak\r\x0b", "\x9b31m",
    "`id` $(id)", "\ufeff", "'; DROP--", "\\x1b[2J", "tab\there",
)  # fmt: skip
DAYS = 150
CATALOGUE = """base: default
feeds: [purchase]
model: off
signals:
  loyal_gone_silent:
    owner: "[red]Team <b>%s {}"
    intervention: "Answer with the text block [/winback]. \\u202e"
"""


def alerts_of(texts: tuple[str, ...]) -> list[AlertV1]:
    """Open alerts that say these texts wherever an alert says a text."""
    rules = build_rules(merged(catalogue(), {"feeds": ["purchase"]}))
    replay = Replay(rules, 1)
    for day in range(0, 60, 7):
        replay.take(purchase("c1", NOON_MS + day * DAY_MS))
    replay.until(NOON_MS + 100 * DAY_MS)
    (alert, *_) = (one for one in replay.drain() if isinstance(one, AlertV1) and one.is_open)
    said = ("customer_id", "signal", "summary", "owner", "intervention", "clears_when", "playbook_url")
    return [
        msgspec.structs.replace(alert, alert_id=f"a{number}", **dict.fromkeys(said, text))
        for number, text in enumerate(texts)
    ]


def check(outcome: Outcome, texts: tuple[str, ...], *, is_whole: bool = True) -> None:
    """All is said, in one way, and nothing of it acts."""
    assert outcome.code in (0, 1, 2), outcome.err
    told = outcome.out + outcome.err
    assert "Traceback" not in told
    assert "a fault in the program" not in told
    assert plain_lines(told) == told
    if is_whole:
        assert [text for text in texts if plain(text).strip() not in told] == []


def check_json(outcome: Outcome, texts: tuple[str, ...], name: str) -> None:
    """A program reads exactly what was written."""
    assert outcome.code == 0, outcome.err
    assert plain_lines(outcome.out) == outcome.out
    assert {json.loads(line)[name] for line in outcome.out.splitlines()} >= set(texts)


@pytest.mark.slow
def test_alerts_and_dead_letters_of_hostile_producers_are_told_as_they_are(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=1)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for alert in alerts_of(HOSTILE):
        for topic in (deployment.topics.alerts, deployment.topics.alerts_open):
            producer.produce(topic, encode_alert(alert), alert.alert_id.encode(), partition=0)
    for offset, text in enumerate(HOSTILE):
        origin = Origin(deployment.topics.events[0], 0, offset, NOON_MS)
        headers = [(text, text.encode()), ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), b"\xff\x1b")]
        said = {"stage": "codec", "reason": text, "error": text, "field": text}
        written = dead_letter_headers(origin, key=text.encode(), value=text.encode(), headers=headers, **said)
        producer.produce(deployment.topics.dead_letters, text.encode(), text.encode(), partition=0, headers=[*written])
    assert producer.flush(30) == 0
    wide = deployment.settings
    check(run("alerts", **wide), HOSTILE)
    check(run("alerts", "--open", **wide), HOSTILE)
    check_json(run("alerts", "--json", **wide), HOSTILE, "summary")
    check_json(run("alerts", "--open", "--json", **wide), HOSTILE, "customer_id")
    check(run("dead-letters", "list", **wide), HOSTILE, is_whole=False)  # a table of 80 columns breaks them
    check_json(run("dead-letters", "list", "--json", **wide), HOSTILE, "error")
    check(run("dead-letters", "replay", "--dry-run", **wide), (), is_whole=False)
    check(run("watch", "--once", "--metrics", "http://127.0.0.1:1/[/red]", **wide), (), is_whole=False)
    check(run("doctor", **wide), (), is_whole=False)
    for text in HOSTILE:
        check(run("customer", text, **wide), (), is_whole=False)


@pytest.mark.slow
def test_texts_of_a_catalogue_are_told_as_they_are(broker: Broker, prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(CATALOGUE, "utf-8")
    deployment = deploy(broker, prefix, tmp_path, partitions=1, catalogue=str(file))
    with workers(deployment, "main") as (main,):
        main.start()
        post(deployment, in_order([purchase("c1", NOON_MS + day * DAY_MS) for day in range(0, 60, 7)]))
        address = wait_until_ready(main)
        assert run("tick", "--at", to_rfc3339(NOON_MS + DAYS * DAY_MS), **deployment.settings).code == 0
        wait_for_boundary(main, address, NOON_MS + (DAYS - 1) * DAY_MS - HOUR_MS)
        wanted = ("[red]Team <b>%s {}", "Answer with the text block [/winback]. \u202e")
        assert open_alerts(Settings(bootstrap=broker.bootstrap, prefix=prefix, partitions=1))
        check(run("alerts", "--explain", **deployment.settings), wanted)
        check(run("customer", "c1", **deployment.settings), wanted, is_whole=False)
        assert "[/winback]" in run("customer", "c1", **deployment.settings).out.replace("\n", " ")
        page = f"http://{address[0]}:{address[1]}/metrics"
        check(run("watch", "--once", "--metrics", page, **deployment.settings), (), is_whole=False)
        assert plain_lines(main.log()) == main.log()
        other = deployment.settings | {"catalogue": "deploy/catalogues/purchases.yaml"}
        assert main.terminate() == 0
        doctor = run("doctor", **other)
        assert "warning state: 1 partition last judged by catalogue" in doctor.out
        assert "CHURN_ZONE is Asia/Tokyo here" in run("doctor", **(deployment.settings | {"zone": "Asia/Tokyo"})).out
