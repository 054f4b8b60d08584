"""`mapping try|guess|show`, and `replay` over exports: what people see, and exit codes."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from streams.files.mapping_file import builtin_names
from support.exports import HEAD, lines, shop, table
from support.exports_systems import SYSTEMS, ticket
from support.program import Outcome, run

ROWS = (
    "1,c1,2025-01-01 10:00,10.00,1",
    "2,guest,2025-01-02 10:00,10.00,1",
    "3,c2,soon,10.00,1",
    "4,c1,2025-01-09 10:00,-10.00,1",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_bytes(table(HEAD, *ROWS))
    (tmp_path / "shop.yaml").write_text(shop())
    return tmp_path


def try_(folder: Path, *more: str) -> Outcome:
    return run("mapping", "try", f"{folder / 'orders.csv'}:{folder / 'shop.yaml'}", *more)


def test_a_try_shows_events_counts_what_is_left_out_and_bad_lines(folder: Path) -> None:
    done = try_(folder)
    assert done.code == 1
    first = [orjson.loads(line) for line in done.out.splitlines() if line.startswith("{")]
    assert [event["id"] for event in first] == ["shop-1", "shop-4-return"]
    for said in ("5 lines (4 records): 2 events (1 purchase, 1 ticket, of the tickets 1 return)", "(guest 1)",
                 "bad 1: bad_time 1", "orders.csv:4: bad_time: 'soon' is not written as %Y-%m-%d %H:%M",
                 "1 customer, 2025-01-01T10:00:00Z to 2025-01-09T10:00:00Z, 10.00 EUR"):  # fmt: skip
        assert said in done.out
    assert "Traceback" not in done.err


def test_a_try_as_json_accounts_for_every_record(folder: Path) -> None:
    done = orjson.loads(try_(folder, "--json", "--events", "1").out)
    left_out = sum(sum(values.values()) for values in done["left_out"].values())
    assert done["records"] == done["made"] + left_out + sum(done["bad"].values()) == 4
    assert len(done["first_events"]) == 1


def test_ids_that_a_worker_would_refuse_are_warned_of(folder: Path) -> None:
    (folder / "orders.csv").write_bytes(table(HEAD, ROWS[0], ROWS[0].replace("10.00", "11.00"), ROWS[0]))
    done = try_(folder)
    assert "warning: 1 event with the `id` of another and other content" in done.out


def test_amounts_have_the_decimals_of_their_currency(folder: Path) -> None:
    (folder / "orders.csv").write_bytes(table(HEAD, ROWS[0].replace("10.00", "1.234")))
    (folder / "shop.yaml").write_text(shop().replace("EUR", "KWD"))
    assert "1.234 KWD" in try_(folder).out
    assert orjson.loads(try_(folder, "--json").out)["amounts"] == {"KWD": 1.234}


def test_whose_hashed_id_is_which_is_written_to_a_file(folder: Path) -> None:
    (folder / "shop.yaml").write_text(
        shop().replace(
            'customer_id: "{customer}"', "customer_id: {column: customer, trim: true, lower: true, hash: true}"
        )
    )
    rows = ("1,Ann@Example.org ,2025-01-01 10:00,10.00,1", "2,guest,2025-01-02 10:00,10.00,1",
            "3,ann@example.org,2025-01-09 10:00,10.00,1", "4,ben@example.org,2025-01-09 10:00,10.00,1")  # fmt: skip
    (folder / "orders.csv").write_bytes(table(HEAD, *rows))
    assert try_(folder, "--ids", str(folder / "ids.csv")).code == 0
    names = ("ann@example.org", "ben@example.org")
    expected = [f"{sha256(name.encode()).hexdigest()[:32]},{name}" for name in names]
    assert (folder / "ids.csv").read_text().splitlines() == ["customer_id,written", *expected]
    assert try_(folder, "--ids", str(folder / "orders.csv")).code == 2


def test_a_mapping_is_proposed_and_can_be_tried(folder: Path) -> None:
    proposed = run("mapping", "guess", str(folder / "orders.csv"))
    assert proposed.code == 0
    (folder / "guess.yaml").write_text(proposed.out)
    assert run("mapping", "try", str(folder / "orders.csv"), "--mapping", str(folder / "guess.yaml")).code == 1
    nothing = run("mapping", "guess", str(folder / "shop.yaml"))
    assert (nothing.code, nothing.out) == (2, "")
    assert "Traceback" not in nothing.err


def test_the_mappings_of_the_product_are_listed_and_shown() -> None:
    names = [line.split()[0] for line in run("mapping", "show").out.splitlines()]
    assert names == list(builtin_names())
    assert "source: shopify" in run("mapping", "show", "shopify").out
    assert run("mapping", "show", "shopfy").code == 2


def test_several_exports_are_replayed_together_and_every_line_is_counted(folder: Path) -> None:
    (folder / "tickets.json").write_bytes(next(one.content for one in SYSTEMS if one.name == "zendesk"))
    rejects, ids = folder / "bad.csv", folder / "ids.txt"
    ids.write_text("shop-1\nno such id\n")
    orders, tickets = f"{folder / 'orders.csv'}:{folder / 'shop.yaml'}", f"{folder / 'tickets.json'}:zendesk"
    done = run("replay", orders, tickets, "--rejects", str(rejects), "--exclude", str(ids), "--json")
    summary = orjson.loads(done.out)
    assert done.code == 1
    assert [one["made"] for one in summary["files"]] == [2, 2]
    assert summary["excluded"] == 1
    assert sum(sum(counts.values()) for counts in summary["outcomes"].values()) == 4
    assert rejects.read_bytes() == table(HEAD, ROWS[2])
    assert "no event has the id 'no such id'" in done.err


@pytest.mark.parametrize("command", ["replay", "backtest"])
def test_nothing_made_is_no_success(folder: Path, command: str) -> None:
    (folder / "t.jsonl").write_bytes(lines(ticket(1, "open")))
    more = ("--horizon-days", "28", "--risk-set-days", "60") if command == "backtest" else ()
    done = run(command, str(folder / "t.jsonl"), *more)
    assert done.code in {1, 2}
    assert "nothing came of this file" in done.err
    assert "Traceback" not in done.err


def test_a_file_with_a_mapping_that_cannot_be_used_is_one_sentence(folder: Path) -> None:
    (folder / "shop.yaml").write_bytes(b"source: caf\xe9")
    done = try_(folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "line 1: the byte 0xe9 is not UTF-8: save the file as UTF-8" in done.err


@pytest.mark.parametrize("command", ["replay", "produce"])
@pytest.mark.parametrize("read", ["orders.csv", "shop.yaml"])
def test_what_is_read_is_not_written_over(folder: Path, command: str, read: str) -> None:
    before = (folder / read).read_bytes()
    for files in ((f"{folder / 'orders.csv'}:{folder / 'shop.yaml'}",),
                  (str(folder / "orders.csv"), "--mapping", str(folder / "shop.yaml"))):  # fmt: skip
        done = run(command, *files, "--rejects", str(folder / read))
        assert (done.code, "is read by this command as well" in done.err) == (2, True)
    assert (folder / read).read_bytes() == before
