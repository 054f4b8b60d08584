"""What commands say in every state of a deployment: no broker, no topics, nothing posted, no worker, at work."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Final

from models.calendar import DAY_MS
from schemas.instant import to_rfc3339
from streams.simulation.population import World, simulate
from streams.text.wording import moment
from support.arrivals import merged
from support.broker import Broker
from support.pages import address_of, wait_for_boundary, wait_until_ready
from support.posting import post
from support.program import ROOT, command, environment, run
from support.workers import RULES_ONLY, deploy, wait_for_lag_zero, workers

DAYS: Final = 100
NOWHERE: Final = {"bootstrap": "127.0.0.1:1"}
SCREENS: Final = (("alerts", "--open"), ("alerts",), ("customer", "c1"), ("model", "show"), ("doctor",))
TICK_AFTER_MS: Final = 2 * 3_600_000
"""After a midnight: by then it has passed."""
FOLLOWS_WITHIN_S: Final = 5.0
"""How long a follower may take until it stands at the end of the topic."""


def test_without_a_broker_every_screen_says_so_and_nothing_is_zero() -> None:
    for screen in SCREENS[1:4]:  # each waits 8 s for one
        done = run(*screen, **NOWHERE)
        assert done.code == 2, screen
        assert "no broker answers at 127.0.0.1:1" in done.out + done.err
        assert " 0 " not in done.out
        assert "Traceback" not in done.err


def test_without_topics_every_screen_names_the_remedy(broker: Broker, prefix: str) -> None:
    for screen in SCREENS:
        done = run(*screen, bootstrap=broker.bootstrap, prefix=prefix, partitions="2")
        assert done.code == 2, (screen, done)
        assert "churn-signals topics create" in done.out + done.err, screen
        assert "Traceback" not in done.err


def test_with_nothing_posted_and_no_worker_every_screen_says_that(broker: Broker, prefix: str, tmp_path: Path) -> None:
    deployment = deploy(broker, prefix, tmp_path, partitions=2)
    said = {screen: run(*screen, **deployment.settings) for screen in SCREENS}
    assert said["alerts", "--open"].out == "no customer to answer\n"
    assert "is not known at" in said["customer", "c1"].err
    assert "no model yet" in said["model", "show"].err
    doctor = said[("doctor",)]
    assert doctor.code == 0
    assert f"warning workers: none runs (no member in the group {deployment.group})" in doctor.out
    assert "warning learner: none runs" in doctor.out
    assert "ok      feeds: no events were posted yet" in doctor.out
    board = run("watch", "--once", "--json", "--metrics", "http://127.0.0.1:1/metrics", **deployment.settings)
    shown = json.loads(board.out)
    assert (board.code, shown["at_risk"], shown["stages"], shown["lag"]) == (1, None, None, None)
    assert (
        "no worker answers: what is at risk now is unknown. Start one with: churn-signals worker" in shown["problems"]
    )


def test_at_work_what_is_owed_is_listed_in_words_of_today_and_followed(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    last_ms = (int(time.time() * 1000) - TICK_AFTER_MS) // DAY_MS * DAY_MS
    owed = to_rfc3339(last_ms - 14 * DAY_MS)
    deployment = deploy(broker, prefix, tmp_path, partitions=2, catalogue=RULES_ONLY, alerts_from=owed)
    events, _ = simulate(World(customers=60, days=DAYS, seed=4, start_ms=last_ms - DAYS * DAY_MS))
    with workers(deployment, "main") as (main,):
        main.start()
        post(deployment, merged(events))
        wait_until_ready(main)
        wait_for_lag_zero(deployment, [main])
        following = subprocess.Popen(
            command("alerts", "--follow", "--json"), cwd=ROOT, env=environment(deployment.settings),
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            time.sleep(FOLLOWS_WITHIN_S)
            assert run("tick", "--at", to_rfc3339(last_ms + TICK_AFTER_MS), **deployment.settings).code == 0
            wait_for_boundary(main, address_of(main), last_ms)
            listed = run("alerts", "--open", **deployment.settings)
            as_json = run("alerts", "--open", "--json", **deployment.settings)
            doctor = run("doctor", **deployment.settings)
            published = [json.loads(text) for text in run("alerts", "--json", **deployment.settings).out.splitlines()]
            over = next(one for one in published if one["ended_because"] == "came_back")
            page = run("customer", over["customer_id"], **deployment.settings).out
            shown = json.loads(run("customer", over["customer_id"], "--json", **deployment.settings).out)
            assert main.terminate() == 0
        finally:
            following.terminate()
            told, _ = following.communicate(timeout=20)
        heard = [json.loads(text) for text in told.splitlines()]
    heading, _, *rows = listed.out.splitlines()
    rows = rows[: rows.index("")]
    found = [json.loads(text) for text in as_json.out.splitlines()]
    duties = [one for one in found if one["due_at"] and not one["historical"] and one["polarity"] == "negative"]
    customers = {one["customer_id"] for one in duties}
    assert heading.startswith(f"{len(customers)} customers to answer, {len(duties)} alerts, ")
    assert f"as of {moment(last_ms, 'UTC')}" in heading
    assert "amounts: spend of the last 365 days" in heading
    assert len(rows) == len(customers) > 5
    assert "ok      workers: 1 worker in the group" in doctor.out
    assert "ok      feeds: no open alert says that one is down" in doctor.out
    assert 0 < len(heard) < len(published)  # those of the last midnights, not the history
    assert min(one["observed_at"] for one in heard) > min(one["observed_at"] for one in published)
    own = [one for one in published if one["customer_id"] == over["customer_id"] and one["ended_because"]]
    ended = {one["alert_id"]: one["ended_because"] for one in own}
    assert {one["alert_id"]: one["ended_because"] for one in shown["ended_alerts"]} == ended
    assert "\nended " in page
