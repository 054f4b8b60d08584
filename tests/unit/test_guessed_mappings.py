"""A mapping proposed for an unknown file is one, reads the file, and says what it is not sure of."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from schemas.event import FEEDS
from streams.errors import SetupError
from streams.files.guess import guessed
from streams.files.history import History, read_history
from streams.files.mapping_file import parsed_mapping
from streams.files.reading import EventFile
from support.builders import line, login
from support.damage import damaged, orders
from support.exports import Export, lines, table
from support.exports_systems import NESTED, SYSTEMS
from support.exports_tables import ENCODINGS, PEOPLE, SHAPES


def by_guess(file: Path) -> tuple[str, History]:
    text = guessed(file)
    return text, read_history([EventFile(file, parsed_mapping("guess", text))])


def feeds_of(history: History) -> dict[str, int]:
    return dict(Counter(FEEDS[event.feed] for event in history.events))


SHOP = table(
    "Bestellnr;Kunden-E-Mail;Bestelldatum;Status;Betrag;Währung;Menge",
    "1001;ann@example.org;20.09.2025 16:32;bezahlt;1.030,56 €;EUR;5",
    "1002;Gast;21.09.2025 09:10;bezahlt;9,90 €;EUR;1",
    "1003;ben@example.org;22.09.2025 11:00;storniert;15,00 €;EUR;1",
    "1004;ann@example.org;25.09.2025 08:00;bezahlt;-30,56 €;EUR;1",
    encoding="cp1252",
)
DESK = lines(
    {"ticket": {"id": 901, "requester": {"email": "ann@example.org"}, "created_at": "2025-10-05T10:00:00Z",
                "solved_at": "2025-10-06T08:00:00Z", "tags": ["refund"], "via": {"channel": "chat"}}},
    {"ticket": {"id": 902, "requester": {"email": "ben@example.org"}, "created_at": "2025-10-07T10:00:00Z",
                "solved_at": None, "tags": [], "via": {"channel": "mail"}}},
)  # fmt: skip
MAIL = table(
    "profile;event;ts;campaign", "ann@example.org;Opened Email;1736071200;jan",
    "ben@example.org;Unsubscribed;1736071300;jan",
    "ben@example.org;Placed Order;1736071300;jan",
)  # fmt: skip


def test_a_french_shop_with_the_number_of_articles(tmp_path: Path) -> None:
    (tmp_path / "commandes.csv").write_bytes(table(
        "N° commande;Date;Client;Montant TTC;Devise;Articles;État",
        "1001;05/01/2026 14:03;ann@example.org;1 030,56;EUR;5;payée",
        "1002;16/01/2026 09:10;ben@example.org;9,90;EUR;1;remboursée",
        encoding="cp1252",
    ))  # fmt: skip
    text, history = by_guess(tmp_path / "commandes.csv")
    assert feeds_of(history) == {"purchase": 1, "ticket": 1}
    assert "items: {whole: Articles, default: 1}" in text


def test_a_shop_with_semicolons_decimal_commas_refunds_and_umlauts(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(SHOP)
    text, history = by_guess(tmp_path / "orders.csv")
    assert feeds_of(history) == {"purchase": 1, "ticket": 1}
    assert (history.bad, history.counts[0].left_out_total) == ([], 2)
    assert "encoding: cp1252" in text
    assert "left out: storniert" in text
    assert "whose clock" in text


def test_a_help_desk_with_solved_tickets(tmp_path: Path) -> None:
    (tmp_path / "tickets.jsonl").write_bytes(DESK)
    _, history = by_guess(tmp_path / "tickets.jsonl")
    assert feeds_of(history) == {"ticket": 3}
    assert history.counts[0].returns == 1


def test_a_mailing_tool_with_words_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mails.csv").write_bytes(MAIL)
    _, history = by_guess(tmp_path / "mails.csv")
    assert feeds_of(history) == {"email": 2}
    assert history.counts[0].left_out_total == 1


def test_a_deleted_ticket_is_not_resolved_either(tmp_path: Path) -> None:
    when = {"created_at": "2025-10-05T10:00:00Z", "solved_at": "2025-10-06T08:00:00Z"}
    tickets = [
        {"ticket_id": place, "requester": f"u{place}@example.org", "status": status, **when}
        for place, status in enumerate(("solved", "deleted", "merged", "solved"))
    ]
    (tmp_path / "tickets.jsonl").write_bytes(lines(*tickets))
    _, history = by_guess(tmp_path / "tickets.jsonl")
    assert feeds_of(history) == {"ticket": 4}
    assert history.counts[0].left_out_total == 2


def test_a_line_a_mail_with_columns_for_what_was_done_with_it(tmp_path: Path) -> None:
    """Of one address after the other: few people in the first lines."""
    rows = [
        f"u{place // 60}@example.org\tD{place}\t{1_736_071_200 + place}\t{'yes' if place % 2 else 'no'}\t{place % 3}\t"
        f"{1_736_100_000 if place == 7 else ''}"
        for place in range(240)
    ]
    head = "Recipient\tDelivery ID\tSent\tOpened?\tClicks\tUnsubscribed at"
    (tmp_path / "mails.csv").write_bytes(table(head, *rows, encoding="utf-16"))
    _, history = by_guess(tmp_path / "mails.csv")
    assert feeds_of(history) == {"email": 240 + 120 + 160 + 1}
    assert max(event.time_ms for event in history.events) == 1_736_100_000_000


def test_the_times_of_a_web_server_are_times(tmp_path: Path) -> None:
    row = "u1@example.org,10/Oct/2026:13:55:36 +0200,/login"
    (tmp_path / "logins.csv").write_bytes(table("user,time,path", row))
    text, history = by_guess(tmp_path / "logins.csv")
    assert feeds_of(history) == {"login": 1}
    assert "%d/%b/%Y:%H:%M:%S %z" in text


@pytest.mark.parametrize("export", SYSTEMS, ids=lambda export: export.name)
def test_a_known_system_is_recognised_and_read_as_by_its_name(export: Export, tmp_path: Path) -> None:
    (tmp_path / export.file).write_bytes(export.content)
    text, history = by_guess(tmp_path / export.file)
    assert f"base: {export.name}\n" in text
    assert feeds_of(history) == export.events


GUESSED = [one for one in [*SHAPES, *ENCODINGS, *PEOPLE, *NESTED] if one.events and not one.bad]


@pytest.mark.parametrize("export", GUESSED, ids=lambda export: export.name)
def test_any_proposal_is_a_mapping_that_reads_the_file_or_it_is_said_why_there_is_none(
    export: Export, tmp_path: Path
) -> None:
    (tmp_path / export.file).write_bytes(export.content)
    try:
        text = guessed(tmp_path / export.file)
    except SetupError:
        return
    source = EventFile(tmp_path / export.file, parsed_mapping("guess", text))
    history = read_history([source])
    assert history.counts[0].records > 0


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"one\ntwo\n", "is no table"), (b"a,b\n1,2\n", "no column holds times"),
     (b"when,what\n2025-01-05,3\n", "no column names a customer"), (b"[1, 2]", "no JSON objects"), (b"{", "no JSON"),
     (line(login()), "needs no mapping")],
)  # fmt: skip
def test_what_cannot_be_guessed_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SetupError, match=said):
        guessed(tmp_path / "a.csv")


def test_a_damaged_file_is_guessed_or_refused(tmp_path: Path) -> None:
    chance = random.Random(3)
    for _ in range(60):
        (tmp_path / "a.csv").write_bytes(damaged(orders(40), chance)[chance.randrange(40) :])
        try:
            text = guessed(tmp_path / "a.csv")
        except SetupError:
            continue
        assert parsed_mapping("guess", text).events


def test_days_that_could_be_months_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(table("id,customer,date,total", "1,c1,05/01/2025,9.50", "2,c2,06/02/2025,8.50"))
    text, _ = by_guess(tmp_path / "a.csv")
    assert "the days could be months" in text


def test_an_order_over_several_lines_is_grouped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        table("order,customer,date,total,qty", "1,c1,2025-01-05,9.50,1", "1,,,,2", "2,c2,2025-01-06,8.50,1")
    )
    _, history = by_guess(tmp_path / "a.csv")
    assert feeds_of(history) == {"purchase": 2}
    assert b'"items":3' in history.events[0].value


def test_a_column_that_cannot_be_people_is_not_the_customer(tmp_path: Path) -> None:
    rows = (f"Gmail,u{place}@example.org,Open,2025-01-05 10:00:{place:02d}" for place in range(40))
    (tmp_path / "a.csv").write_bytes(table("Client,Email Address,Event,Date", *rows))
    text, history = by_guess(tmp_path / "a.csv")
    assert "column: Email Address" in text
    assert len({event.key for event in history.events}) == 40


def test_ids_that_are_no_addresses_among_addresses_are_proposed_as_nobody(tmp_path: Path) -> None:
    people = ("a@x.example", "b@x.example", "c@x.example", "Kasse 1", "d@x.example", "Kasse 1")
    rows = (f"{place},{who},2025-01-05 10:00,5.00" for place, who in enumerate(people))
    (tmp_path / "a.csv").write_bytes(table("order,customer,date,total", *rows))
    text, history = by_guess(tmp_path / "a.csv")
    assert 'nobody: ["Kasse 1"]' in text or "nobody: [Kasse 1]" in text
    assert history.counts[0].left_out_total == 2


def test_a_file_that_lacks_what_a_known_system_has_is_not_taken_for_it(tmp_path: Path) -> None:
    one = {"id": 1, "status": "solved", "requester": {"email": "a@x.example"}, "created_at": "2025-01-05T10:00:00Z",
           "solved_at": "2025-01-06T10:00:00Z", "via": {"channel": "mail"}, "priority": "low", "type": "x"}  # fmt: skip
    (tmp_path / "a.jsonl").write_bytes(lines(one, one | {"id": 2}))
    text, history = by_guess(tmp_path / "a.jsonl")
    assert "base:" not in text
    assert feeds_of(history) == {"ticket": 4}
