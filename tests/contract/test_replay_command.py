"""`churn-signals replay`: a model learned on the way, what another catalogue would change, and what has no answer."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import orjson
import pytest

from schemas.alert import OPEN, STATUS_OF_END
from support.histories import Size, history, write_history
from support.html_page import check_coloured_by_the_page, check_stands_alone, parsed
from support.program import run
from support.shop import shop

CATALOGUE = "base: default\nfeeds: [purchase]\nmodel: {horizon_days: 28, risk_set_days: 60}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("replay")
    write_history(shop(), made / "shop.jsonl")
    (made / "mine.yaml").write_text(CATALOGUE)
    (made / "bare.yaml").write_text("base: default\nfeeds: [purchase]\nmodel: off\n")
    return made


def test_the_value_at_risk_is_by_the_model_only_where_one_was_learned(folder: Path) -> None:
    options = (str(folder / "shop.jsonl"), "--catalogue", str(folder / "mine.yaml"), "--partitions", "2", "--json")
    plain, learned = (orjson.loads(run("replay", *options, *more).out) for more in ((), ("--learn",)))
    assert plain["value_at_risk"] == plain["spend_at_risk"] > 0
    assert learned["value_at_risk"] != learned["spend_at_risk"]
    assert learned["spend_at_risk"] >= plain["spend_at_risk"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--learn", "--catalogue", "bare.yaml"), "the catalogue has no model"),
        (("--learn", "--models", "shop.jsonl"), "give it or --models, not both"),
        (("--models", "shop.jsonl"), "model dump"),
    ],
)
def test_what_cannot_be_learned_or_read_is_said(folder: Path, more: tuple[str, ...], said: str) -> None:
    named = [str(folder / word) if "." in word else word for word in more]
    done = run("replay", str(folder / "shop.jsonl"), *named)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_the_summary_says_as_of_when_it_is_and_what_came_again(tmp_path: Path) -> None:
    """A company without purchases: what was spent is unknown, not nothing."""
    line = '{"id":"%s","type":"login","customer_id":"c1","event_time":"%s","schema_version":1,"source":"s","data":{}}\n'
    events = [("a", "2026-01-05T10:00:00Z"), ("a", "2026-01-05T10:00:00Z"), ("b", "2026-01-07T12:00:00Z")]
    (tmp_path / "logins.jsonl").write_text("".join(line % event for event in events))
    (tmp_path / "mine.yaml").write_text("base: default\nfeeds: [login]\nmodel: off\n")
    options = (str(tmp_path / "logins.jsonl"), "--catalogue", str(tmp_path / "mine.yaml"), "--partitions", "1")
    told = run("replay", *options).out
    assert "0 at risk as of 07 Jan 2026, 00:00 UTC\n" in told
    assert "events that came again and count once: 1\n" in told
    known = orjson.loads(run("replay", *options, "--json").out)
    assert (known["boundary"], known["spend_at_risk"], known["value_at_risk"]) == ("2026-01-07T00:00:00Z", None, None)
    assert "nobody is judged yet" in run("replay", options[0]).out  # it waits for the feeds that did not come


def test_what_became_of_commands_adds_up_to_their_lines_and_is_not_told_of_events(tmp_path: Path) -> None:
    event = {"type": "login", "customer_id": "c1", "schema_version": 1, "source": "s", "data": {}}
    days = [f"2026-01-{day:02}T10:00:00Z" for day in range(5, 15)]
    events = [orjson.dumps(event | {"id": f"e{day}", "event_time": at}) for day, at in enumerate(days)]
    (tmp_path / "logins.jsonl").write_bytes(b"\n".join(events))
    (tmp_path / "mine.yaml").write_text("base: default\nfeeds: [login]\nmodel: off\n")
    word = {"action": "opt_out", "customer_id": "c1", "at": days[1], "by": "Ann", "schema_version": 1, "id": "k1"}
    erase = word | {"action": "erase", "customer_id": "c2", "id": "k2"}
    of_erased = word | {"customer_id": "c2", "at": days[4], "id": "k3"}
    unknown = word | {"action": "acknowledge", "alert_id": "0" * 32, "id": "k4"}
    later = word | {"at": days[9], "id": "k5"}
    said = [word, word, word | {"by": "Bob"}, erase, erase, of_erased, of_erased, unknown, later]
    (tmp_path / "commands.jsonl").write_bytes(b"\n".join([*map(orjson.dumps, said), b"no command", b""]))
    names = ("logins.jsonl", "--catalogue", "mine.yaml", "--commands", "commands.jsonl", "--partitions", "3")
    options = [str(tmp_path / word) if "." in word else word for word in names]
    found = orjson.loads(run("replay", *options, "--json").out)["commands"]
    assert found == {"done": 2, "refused": 2, "waiting": 1, "id_conflicts": 1, "repeated": 3, "bad_lines": 1}
    assert sum(found.values()) == len(said) + 1
    packed = tmp_path / "commands.jsonl.gz"
    packed.write_bytes(gzip.compress((tmp_path / "commands.jsonl").read_bytes()))
    assert orjson.loads(run("replay", *options, "--commands", str(packed), "--json").out)["commands"] == found
    told = run("replay", *options).out
    line = "commands: 2 done, 2 refused, 1 waiting, 3 said again, 1 with the id of another one, 1 bad"
    assert " ".join(told.split()).count(line) == 1
    assert "events that came again" not in told
    assert "erased" not in told


def test_events_with_the_id_of_another_one_are_counted(tmp_path: Path) -> None:
    event = {"type": "login", "customer_id": "c1", "schema_version": 1, "source": "s", "data": {}, "id": "e"}
    lines = [orjson.dumps(event | {"event_time": f"2026-01-0{day}T10:00:00Z"}) for day in (5, 6)]
    (tmp_path / "logins.jsonl").write_bytes(b"\n".join(lines))
    told = " ".join(run("replay", str(tmp_path / "logins.jsonl"), "--partitions", "1").out.split())
    assert "events with the id of another one, which are refused: 1" in told


def test_the_summary_says_how_the_alerts_of_each_signal_ended(folder: Path) -> None:
    options = (str(folder / "shop.jsonl"), "--catalogue", str(folder / "mine.yaml"), "--partitions", "2")
    known = orjson.loads(run("replay", *options, "--json").out)
    assert {reason for of in known["ended"].values() for reason in of} >= {"came_back", "lost"}
    for signal, ended in known["ended"].items():
        by_status = Counter[str]()
        for reason, count in ended.items():
            by_status[STATUS_OF_END[reason]] += count
        statuses = known["by_signal"][signal]
        assert by_status == {status: count for status, count in statuses.items() if status not in OPEN}
    told = run("replay", *options).out
    assert " solved" in told
    assert "retired" not in told  # none was


# -- against another catalogue


@pytest.fixture(scope="module")
def events(folder: Path) -> Path:
    return write_history(history(Size(3_000, 200, 160), 6), folder / "events.jsonl")


@pytest.fixture(scope="module")
def other(folder: Path) -> Path:
    path = folder / "other.yaml"
    path.write_text(
        "base: default\nsignals:\n  first_purchase_only: off\n  unsubscribed: {owner: <b>Care</b>, severity: error}\n"
    )
    return path


def test_against_itself_nothing_changes_and_the_rest_is_as_without(events: Path, folder: Path) -> None:
    (folder / "same.yaml").write_text("base: default\n")
    alone, beside = folder / "digests-alone.jsonl", folder / "digests-beside.jsonl"
    plain = orjson.loads(run("replay", str(events), "--json", "--digests", str(alone)).out)
    options = ("--json", "--digests", str(beside), "--against", str(folder / "same.yaml"))
    both = orjson.loads(run("replay", str(events), *options).out)
    found = both.pop("against")
    assert both == plain
    assert beside.read_bytes() == alone.read_bytes() != b""
    assert found["says"].startswith("same.yaml would have changed nothing")
    assert found["total"]["common"] == found["total"]["before"] == found["total"]["after"] == plain["alerts"]
    assert (found["changes"], found["gained"], found["lost"]) == ([], [], [])
    assert [one["list_before"] for one in found["by_owner"].values()] == [
        one["list_after"] for one in found["by_owner"].values()
    ]


def test_what_people_said_holds_by_the_other_catalogue_too(events: Path, folder: Path) -> None:
    (folder / "same.yaml").write_text("base: default\n")
    alone = folder / "alone.jsonl"
    run("replay", str(events), "--alerts", str(alone))
    known = [orjson.loads(line) for line in alone.read_bytes().splitlines()]
    began = {one["customer_id"]: one["observed_at"] for one in known if one["status"] == "firing"}
    said = [
        orjson.dumps(
            {
                "schema_version": 1,
                "id": f"k{place}",
                "action": "opt_out",
                "customer_id": who,
                "at": at,
                "by": "Ann",
            }
        )
        for place, (who, at) in enumerate(sorted(began.items())[::2])
    ]
    (folder / "commands.jsonl").write_bytes(b"\n".join(said))
    options = (str(events), "--json", "--commands", str(folder / "commands.jsonl"))
    plain = orjson.loads(run("replay", *options).out)
    both = orjson.loads(run("replay", *options, "--against", str(folder / "same.yaml")).out)
    found = both.pop("against")
    assert both == plain
    assert plain["commands"]["done"] > 0
    assert plain["suppressed"]["opted_out"] > 0
    assert sum(of.get("opted_out", 0) for of in plain["ended"].values()) > 0
    assert found["total"]["common"] == found["total"]["before"] == found["total"]["after"] == plain["alerts"]
    assert (found["changes"], found["gained"], found["lost"]) == ([], [], [])


def test_what_another_catalogue_raises_is_what_a_replay_by_it_raises(events: Path, other: Path) -> None:
    found = orjson.loads(run("replay", str(events), "--json", "--against", str(other)).out)["against"]
    alone = orjson.loads(run("replay", str(events), "--json", "--catalogue", str(other)).out)
    assert found["total"]["after"] == alone["alerts"]
    assert found["catalogue_after"] == alone["catalogue"]
    assert found["by_signal"]["first_purchase_only"]["lost"] == found["total"]["lost"] > 0
    assert found["by_signal"]["unsubscribed"]["other_owner"] == found["by_signal"]["unsubscribed"]["common"] > 0
    assert found["days"] >= 150


def test_the_page_begins_with_what_changes_and_stands_alone(events: Path, other: Path, folder: Path) -> None:
    page = folder / "what-if.html"
    done = run("replay", str(events), "--against", str(other), "--html", str(page))
    assert done.code == 0, done.err
    html = page.read_text()
    check_stands_alone(html)
    check_coloured_by_the_page(html)
    assert {"signals", "weeks", "owners", "gained", "lost", "changes", "method"} <= set(parsed(html).ids)
    assert "<b>Care" not in html  # texts of a catalogue are texts
    says = "other.yaml would have raised"
    assert html.index(says) < html.index("<nav")
    assert says in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--against", "broken.yaml"), "broken.yaml, line 4: signals.usage_drop.when"),
        (("--html", "page.html"), "give them with --against"),
        (("--against", "same.yaml", "--html", "same.yaml"), "is read by this command as well"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_read(
    folder: Path, more: tuple[str, ...], said: str
) -> None:
    (folder / "same.yaml").write_text("base: default\n")
    (folder / "broken.yaml").write_text("base: default\nsignals:\n  usage_drop:\n    when: purchases(30d <= 1\n")
    (folder / "unread.jsonl").write_text("this is no event\n")
    named = [str(folder / word) if "." in word else word for word in more]
    done = run("replay", str(folder / "unread.jsonl"), *named)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "no event" not in done.err
    if "broken.yaml" in more:
        assert "churn-signals catalogue check" in done.err


def test_a_history_without_events_has_nothing_to_compare(folder: Path, other: Path) -> None:
    (folder / "empty.jsonl").write_text("")
    page = folder / "nothing.html"
    done = run("replay", str(folder / "empty.jsonl"), "--against", str(other), "--html", str(page), "--json")
    assert orjson.loads(done.out)["against"]["days"] == 0
    assert "Neither catalogue raises an alert" in page.read_text()
