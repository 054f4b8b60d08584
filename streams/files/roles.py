"""Which column of an unknown file is what: by words in its name, and by whether its values can be that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final
from zoneinfo import ZoneInfo

from schemas.envelope import is_currency, is_customer_id
from schemas.errors import RejectedError
from streams.files.mapping import TimeRule
from streams.files.numbers import number_reader
from streams.files.sampling import Sample
from streams.files.times import ISO, time_reader

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "time": (
        "paid at", "paid date", "ordered", "order date", "purchase date", "created", "timestamp", "datetime",
        "event time", "occurred", "sent at", "sent", "date", "time", "zeit", "datum", "bestelldatum", "fecha", "data",
        "quand", "ts", "when", "at",
    ),
    "customer": (
        "customer id", "customer email", "kunde", "kunden", "client id", "user id", "customer", "billing email",
        "requester email", "email", "mail", "requester", "client", "cliente", "profile", "user", "contact", "member",
        "recipient", "subscriber", "buyer", "acheteur", "account",
    ),
    "order": (
        "order id", "order number", "order no", "bestellnr", "bestellung", "auftrag", "invoice no", "invoice",
        "rechnung", "commande", "pedido", "encomenda", "order", "transaction id", "reference", "number",
        "nummer", "nr", "id", "name",
    ),
    "ticket": (
        "ticket id", "ticket", "case id", "case", "conversation id", "issue", "request id", "number", "id",
    ),
    "amount": (
        "grand total", "order total", "total price", "total", "amount", "betrag", "summe", "gesamt", "montant",
        "importe", "revenue", "umsatz", "price", "preis", "valor", "sum", "value",
    ),
    "currency": (
        "currency", "wahrung", "waehrung", "devise", "moneda", "moeda",
    ),
    "items": (
        "quantity", "qty", "item count", "items", "anzahl", "menge", "artikel", "quantite", "cantidad",
        "pieces", "articles", "articulos", "nombre d articles",
    ),
    "status": (
        "financial status", "order status", "payment status", "status", "zustand", "state", "etat", "estado",
    ),
    "channel": (
        "via channel", "channel", "kanal", "canal", "sales channel",
    ),
    "action": (
        "action", "event type", "event name", "event", "metric", "activity", "type",
    ),
    "campaign": (
        "campaign id", "campaign", "kampagne", "newsletter", "mailing",
    ),
    "delivery": (
        "delivery id", "message id", "email id", "mail id", "id",
    ),
    "refunded": (
        "refunded amount", "amount refunded", "total refunded", "refund amount", "refunded", "refund", "erstattet",
    ),
    "solved": (
        "solved at", "resolved at", "closed at", "solved", "resolved", "closed",
    ),
    "category": (
        "category", "kategorie", "topic", "reason", "tags", "type", "subject category",
    ),
}  # fmt: skip
"""Words that stand for each role in names of columns, the surest first."""

FORMATS: Final = (
    ISO, "epoch_s", "epoch_ms", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y%m%d", "%Y%m%d%H%M%S",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y %H:%M", "%d.%m.%y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%y %H:%M",
    "%b %d, %Y %I:%M:%S %p", "%b %d, %Y, %I:%M:%S %p", "%b %d, %Y", "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y",
    "%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z",
)  # fmt: skip

_ENOUGH: Final = 0.9
"""Share of a column's values that must be of a kind; a file has bad lines."""
_COMPOUND: Final = 5
"""Letters from which on a word is looked for within others, too: shorter ones stand in many by chance."""
_EARLIEST_MS: Final = 631_152_000_000
"""1990: digits that are read as an earlier day are something else."""
_MOST_KINDS: Final = 30
"""More values than a status or an action has; in a sample as small as that, all may differ."""
_SHOWN: Final = 300
"""Values that are tried against every format."""


def find(sample: Sample, role: str, is_fit: Callable[[list[str]], bool], but: Iterable[str] = ()) -> str | None:
    """The column whose name has the surest word of a role and whose values fit."""
    inner = role == "items"  # of an order, not one of its items
    names = [
        name for name in sample.columns if name not in set(but) and sample.filled(name) and ("[]" not in name or inner)
    ]
    for word in WORDS[role]:
        exact = [name for name in names if _plain(name) == word]
        for name in [*exact, *(one for one in names if one not in exact and _has(_plain(one), word))]:
            if is_fit(sample.filled(name)):
                return name
    return None


def one_format(values: list[str]) -> list[str]:
    """The formats that read nearly all values, equally well; several where days could be months."""
    shown = values[:_SHOWN]
    fits = {written: _times_in(shown, written) for written in FORMATS}
    best = max(fits.values(), default=0)
    is_enough = best >= max(1, len(shown) * _ENOUGH - 1)  # one bad line in any sample
    return [written for written, count in fits.items() if count == best] if is_enough else []


def mixed_formats(values: list[str]) -> list[str]:
    """Up to three formats that together read nearly all values."""
    left, chosen = values[:_SHOWN], list[str]()
    for _ in range(3):
        fits = {written: _times_in(left, written) for written in FORMATS}
        best = max(fits, key=lambda written: fits[written])
        if not left or not fits[best]:
            break
        chosen.append(best)
        left = [value for value in left if not _times_in([value], best)]
    return chosen if len(left) <= len(values[:_SHOWN]) * (1 - _ENOUGH) else []


def is_times(values: list[str]) -> bool:
    """Whether the values are times in some format."""
    return bool(one_format(values) or mixed_formats(values))


def is_numbers(values: list[str]) -> bool:
    """Whether the values are numbers by some decimal sign."""
    return any(share_of_numbers(values, decimal, group) >= _ENOUGH for decimal, group in ((".", ","), (",", ".")))


def share_of_numbers(values: list[str], decimal: str, grouping: str) -> float:
    """The share of values that are numbers by this decimal sign and grouping."""
    read = number_reader(decimal, grouping)

    def is_number(value: str) -> bool:
        try:
            return bool(read(value[:100]))
        except ValueError:
            return False

    return sum(map(is_number, values)) / len(values) if values else 0.0


def is_anything(values: list[str]) -> bool:
    """Every value fits."""
    return bool(values)


def is_few(values: list[str]) -> bool:
    """Whether the same values come again: a status, an action."""
    kinds = len(set(values))
    return kinds <= _MOST_KINDS and (len(values) <= _MOST_KINDS or kinds * 2 <= len(values))


def are_many(values: list[str]) -> bool:
    """Whether the values can be of different people, whose lines may follow each other; addresses surely are."""
    kinds = len(set(values))
    return len(values) < _MOST_KINDS or kinds * 50 >= len(values) or (kinds > 1 and all("@" in one for one in values))


def is_currencies(values: list[str]) -> bool:
    """Whether all are currency codes, in capitals or not."""
    return all(is_currency(value.upper()) for value in values)


def are_legal_ids(values: list[str]) -> bool:
    """Whether the contract takes the values as customer ids."""
    return all(is_customer_id(value) for value in values)


def _times_in(values: list[str], written: str) -> int:
    read, count = time_reader(TimeRule(format=written), ZoneInfo("UTC")), 0
    for value in values:
        try:
            count += read(value[:100]).time_ms >= _EARLIEST_MS
        except RejectedError:
            continue
    return count


def _plain(name: str) -> str:
    """A name in words: `Order.createdAt` is `order created at`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    letters = spaced.lower().translate(str.maketrans("äöüéèêáíóúçãõàâ", "aoueeeaioucaoaa"))
    return " ".join(re.findall(r"[a-z0-9#]+", letters))


def _has(name: str, word: str) -> bool:
    if re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", name):
        return True
    return len(word) >= _COMPOUND and word in name  # Gesamtbetrag
