"""Tables of shops: separators, encodings, quotes, line ends, numbers, times, ids, refunds."""

# ruff: noqa: E501, RUF001 - a row of the table a line; dashes as they come
# fmt: off

from __future__ import annotations

from support.exports import HEAD, Export, packed, shop, table

ONE = "1,c1,2025-01-01 10:00,10.00,1"
TWO = "2,c2,2025-01-05 10:00,20.00,2"

SHAPES = [
    Export(name="plain", file="a.csv", content=table(HEAD, ONE, TWO), mapping=shop(), events={"purchase": 2}),
    Export(name="no last line end", file="a.csv", content=table(HEAD, ONE, TWO)[:-1], mapping=shop(), events={"purchase": 2}),
    Export(name="CR LF", file="a.csv", content=table(HEAD, ONE, TWO, end="\r\n"), mapping=shop(), events={"purchase": 2}),
    Export(name="CR alone", file="a.csv", content=table(HEAD, ONE, TWO, end="\r"), mapping=shop(), events={"purchase": 2}),
    Export(name="a CR in a cell", file="a.csv", content=table(f"{HEAD},note", f"{ONE},ring\rtwice", f"{TWO},"),
           mapping=shop(), events={"purchase": 2}),
    Export(name="a line break in quotes", file="a.csv", content=table(f"{HEAD},note", f'{ONE},"ring\ntwice, ""please"""', f"{TWO},"),
           mapping=shop(), events={"purchase": 2}),
    Export(name="a break in quotes, CR LF", file="a.csv",
           content=table(f"{HEAD},note", f'{ONE},"ring\r\n\r\ntwice"', f"{TWO},x", end="\r\n"), mapping=shop(), events={"purchase": 2}),
    Export(name="a long cell", file="a.csv", content=table(f"{HEAD},note", f'{ONE},"{"long " * 60_000}"', f"{TWO},"),
           mapping=shop(), events={"purchase": 2}),
    Export(name="a quote that is not closed", file="a.csv",
           content=table(f"{HEAD},note", ONE + ',"never closed', f"{TWO},x", "3,c3,2025-01-06 10:00,5.00,1,y"),
           mapping=shop(), events={"purchase": 2}, bad={"wrong_type": 1}),
    Export(name="a quote within a cell", file="a.csv", content=table(f"{HEAD},note", f'{ONE},5" screws', f"{TWO},"),
           mapping=shop(), events={"purchase": 2}),
    Export(name="no quotes at all", file="a.txt", content=table("order|customer|time|total|items|note",
           '1|c1|2025-01-01 10:00|10.00|1|"open', "2|c2|2025-01-05 10:00|20.00|2|x"),
           mapping=shop('separator: "|"', 'quote: ""'), events={"purchase": 2}),
    Export(name="tabs", file="a.tsv", content=table(HEAD.replace(",", "\t"), ONE.replace(",", "\t")),
           mapping=shop("separator: tab"), events={"purchase": 1}),
    Export(name="a backslash and a t", file="a.tsv", content=table(HEAD.replace(",", "\t"), ONE.replace(",", "\t")),
           mapping=shop("separator: '\\t'"), events={"purchase": 1}),
    Export(name="a separator line of a spreadsheet", file="a.csv",
           content=table("sep=;", HEAD.replace(",", ";"), ONE.replace(",", ";"), end="\r\n"),
           mapping=shop('separator: ";"'), events={"purchase": 1}),
    Export(name="lines before the table", file="a.csv", content=table("Report of January", "", HEAD, ONE),
           mapping=shop("skip_lines: 2"), events={"purchase": 1}),
    Export(name="no head", file="a.csv", content=table(ONE, TWO),
           mapping=shop("columns: [order, customer, time, total, items]"), events={"purchase": 2}),
    Export(name="empty lines and separators at the end", file="a.csv",
           content=table(HEAD, f"{ONE},,", "", ",,,,", TWO), mapping=shop(), events={"purchase": 2}, blank=2),
    Export(name="rows that are too short or too long", file="a.csv", content=table(HEAD, ONE, "2,c2,2025-01-05", f"{TWO},more"),
           mapping=shop(), events={"purchase": 1}, bad={"wrong_type": 2}),
    Export(name="columns with dots, brackets, spaces, umlauts", file="a.csv",
           content=table("order.id,customer[0].id,Größe in €,Zeit (lokal),x{y", "1,c1,10.00,2025-01-01 10:00,1"),
           mapping='source: shop\ncustomer_id: "{customer[0].id}"\ntime: {column: Zeit (lokal), format: "%Y-%m-%d %H:%M"}\nevents:\n'
           '  - {type: purchase, data: {order_id: "{order.id}", amount: {number: Größe in €}, currency: EUR, items: 1}}',
           events={"purchase": 1}),
    Export(name="a duplicate column that nobody reads", file="a.csv", content=table(f"{HEAD},note,note", f"{ONE},a,b"),
           mapping=shop(), events={"purchase": 1}),
    Export(name="whitespace between columns", file="a.txt", content=table("  1  c1   20250101 10.00  1", " 2 c2 20250102 9.5 2"),
           mapping=shop("separator: whitespace", "columns: [order, customer, time, total, items]",
           time='{column: time, format: "%Y%m%d", invented_hours: [8, 22]}'), events={"purchase": 2}),
]

ENCODINGS = [
    Export(name="a byte order mark", file="a.csv", content=table(HEAD, ONE, mark=b"\xef\xbb\xbf"), mapping=shop(), events={"purchase": 1}),
    Export(name="a mark before a quoted name", file="a.csv",
           content=table('"order","customer","time","total","items"', ONE, mark=b"\xef\xbb\xbf"), mapping=shop(), events={"purchase": 1}),
    Export(name="UTF-16 of a spreadsheet, tabs", file="a.txt",
           content=table(HEAD.replace(",", "\t"), ONE.replace(",", "\t"), end="\r\n", encoding="utf-16-le", mark=b"\xff\xfe"),
           mapping=shop("separator: tab"), events={"purchase": 1}),
    Export(name="Latin-1 that is declared", file="a.csv", content=table(f"{HEAD},product", f"{ONE},Café", f"{TWO},Küche", encoding="latin-1"),
           mapping=shop("encoding: latin-1"), events={"purchase": 2}),
    Export(name="Latin-1 that is not", file="a.csv", content=table(f"{HEAD},product", f"{ONE},Café", f"{TWO},tea", encoding="latin-1"),
           mapping=shop(), events={"purchase": 1}, bad={"not_utf8": 1}),
    Export(name="cp1252 with a dash in a `when`", file="a.csv",
           content=table("nr;kunde;zeit;status;summe", "1;c1;2025-01-01 10:00;erledigt – verschickt;10,00",
           "2;c1;2025-01-03 10:00;storniert;10,00", encoding="cp1252"),
           mapping='source: shop\nencoding: cp1252\nseparator: ";"\ndecimal: ","\ncustomer_id: "{kunde}"\n'
           'time: {column: zeit, format: "%Y-%m-%d %H:%M"}\nevents:\n  - type: purchase\n    when: {status: erledigt – verschickt}\n'
           '    data: {order_id: "{nr}", amount: {number: summe}, currency: EUR, items: 1}',
           events={"purchase": 1}, left_out=1),
    Export(name="decomposed letters", file="a.csv",
           content=table("order,Ku\u0308nde,time,total,items,state", f"{ONE},gru\u0308n", "2,c2,2025-01-05 10:00,20.00,2,rot"),
           mapping=shop('customer_id: "{K\u00fcnde}"', time="{column: time, format: iso}").replace("    id:", "    when: {state: gr\u00fcn}\n    id:"),
           events={"purchase": 1}, left_out=1),
    Export(name="gzip", file="a.csv.gz", content=packed(table(HEAD, ONE, TWO)), mapping=shop(), events={"purchase": 2}),
    Export(name="gzip by another name", file="a.csv", content=packed(table(HEAD, ONE)), mapping=shop(), events={"purchase": 1}),
    Export(name="Shift JIS", file="a.csv", content=table(f"{HEAD},商品", f"{ONE},お茶", encoding="shift_jis"),
           mapping=shop("encoding: shift_jis"), events={"purchase": 1}),
]


def _amounts(*amounts: str) -> bytes:
    rows = (f'{place};c{place};2025-01-01 10:00;"{amount}";1' for place, amount in enumerate(amounts))
    return table(HEAD.replace(",", ";"), *rows)


SEMICOLON = 'separator: ";"'
NUMBERS = [
    Export(name="decimal commas and dots between thousands", file="a.csv", content=_amounts("30,56", "1.030,56", "1.234.567", "0,5"),
           mapping=shop(SEMICOLON, 'decimal: ","'), events={"purchase": 4}),
    Export(name="groups that are not of three", file="a.csv", content=_amounts("39.98", "1.23", "12.34,50", "1,234.50", "10,00"),
           mapping=shop(SEMICOLON, 'decimal: ","'), events={"purchase": 1}, bad={"wrong_type": 4}),
    Export(name="commas between thousands, declared", file="a.csv", content=_amounts("1,234.50", "12,345,678", "9.99", "1,23"),
           mapping=shop(SEMICOLON, 'thousands: ","'), events={"purchase": 3}, bad={"wrong_type": 1}),
    Export(name="commas that are not declared", file="a.csv", content=_amounts("1,234.50", "1,234", "1,23", "9.99"),
           mapping=shop(SEMICOLON), events={"purchase": 1}, bad={"wrong_type": 3}),
    Export(name="spaces and apostrophes between thousands", file="a.csv",
           content=_amounts("1 234.50", "1\u00a0234.50", "1\u202f234", "1'234.50", "1\u2019234", "12 34"),
           mapping=shop(SEMICOLON), events={"purchase": 5}, bad={"wrong_type": 1}),
    Export(name="currencies in cells", file="a.csv", content=_amounts("$10.00", "€ 5", "12 EUR", "R$ 7.5", "Fr. 9", "10 kr"),
           mapping=shop(SEMICOLON), events={"purchase": 6}),
    Export(name="no numbers", file="a.csv", content=_amounts("50%", "1_000", "nan", "inf", "1e999", "0x10", "ten", "--5", "\u0661", ""),
           mapping=shop(SEMICOLON), events={}, bad={"wrong_type": 8, "out_of_range": 1, "missing_field": 1}),
    Export(name="refunds by sign, in all its forms", file="a.csv",
           content=_amounts("-30.00", "\u221230.00", "(30.00)", "30.00-", "$-30.00", "-€30.00", "0.00", "-0.00"),
           mapping=shop(SEMICOLON), events={"purchase": 2, "ticket": 6}, returns=6),
    Export(name="refunds that are left out", file="a.csv", content=_amounts("-30.00", "30.00"),
           mapping=shop(SEMICOLON, "refunds: leave out"), events={"purchase": 1}, left_out=1),
    Export(name="refunds that are refused", file="a.csv", content=_amounts("-30.00", "30.00"),
           mapping=shop(SEMICOLON, "refunds: refuse"), events={"purchase": 1}, bad={"bad_money": 1}),
    Export(name="whole numbers as databases write them", file="a.csv",
           content=table(HEAD, "1,c1,2025-01-01 10:00,10,2.0000", "2,c1,2025-01-01 11:00,10,1.5", "3,c1,2025-01-01 12:00,10,007"),
           mapping=shop(), events={"purchase": 2}, bad={"wrong_type": 1}),
    Export(name="amounts and items as texts", file="a.csv", content=table(HEAD, ONE),
           mapping=shop(amount='"{total}"'), events={"purchase": 1}),
]


def _times(*times: str) -> bytes:
    return table("order;customer;time;total;items", *(f"{place};c{place};{time};10;1" for place, time in enumerate(times)))


def _timed(name: str, times: tuple[str, ...], rule: str, good: int, bad: dict[str, int] | None = None) -> Export:
    return Export(name=name, file="a.csv", content=_times(*times), mapping=shop(SEMICOLON, time=rule), events={"purchase": good}, bad=bad or {})


TIMES = [
    _timed("ISO 8601 in its forms", ("2025-01-05T10:00:00Z", "2025-01-05 10:00:00+01:00", "2025-01-05T10:00:00.123456789Z", "2025-01-05"),
           "{column: time, format: iso, zone: Europe/Berlin}", 4),
    _timed("offsets", ("2025-01-05 10:00:00 -0500", "2025-01-05 10:00:00 +0530", "2025-01-05 10:00:00"),
           '{column: time, format: "%Y-%m-%d %H:%M:%S %z"}', 2, {"bad_time": 1}),
    _timed("seconds since 1970", ("1736071200", "1736071200.25", "1736071200000", "0", "-5", "soon"),
           "{column: time, format: epoch_s}", 2, {"bad_time": 4}),
    _timed("milliseconds since 1970", ("1736071200000", "1736071200"), "{column: time, format: epoch_ms}", 1, {"bad_time": 1}),
    _timed("several formats", ("2025-01-05 10:00:00", "05.01.2025 10:00", "1736071200", "5 Jan 2025"),
           '{column: time, format: ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", epoch_s]}', 3, {"bad_time": 1}),
    _timed("days that could be months", ("05/01/2025", "13/01/2025", "01/13/2025", "05/05/2025"),
           '{column: time, format: ["%d/%m/%Y", "%m/%d/%Y"]}', 3, {"bad_time": 1}),
    _timed("an hour that a clock change leaves out", ("2025-03-30 01:59", "2025-03-30 02:30", "2025-03-30 03:00"),
           '{column: time, format: "%Y-%m-%d %H:%M", zone: Europe/Berlin}', 2, {"bad_time": 1}),
    _timed("an hour that a clock change repeats", ("2025-10-26 01:59", "2025-10-26 02:30", "2025-10-26 03:00"),
           '{column: time, format: "%Y-%m-%d %H:%M", zone: Europe/Berlin}', 3),
    _timed("twelve hours", ("01/05/2025 10:00 PM", "01/05/2025 12:00 AM", "01/05/2025 22:00 PM"),
           '{column: time, format: "%m/%d/%Y %I:%M %p", zone: America/New_York}', 2, {"bad_time": 1}),
    _timed("before 1970, and no such day", ("1969-12-31 10:00", "2025-02-30 10:00", "2025-02-28 10:00"),
           '{column: time, format: "%Y-%m-%d %H:%M"}', 1, {"bad_time": 2}),
    Export(name="date and time in two columns", file="a.csv",
           content=table("order,customer,date,time,total,items", "1,c1,05.01.2025,10:00,10,1", "2,c1,05.01.2025,,10,1"),
           mapping=shop(time='{text: "{date} {time}", format: "%d.%m.%Y %H:%M"}'), events={"purchase": 1}, bad={"missing_field": 1}),
]

PEOPLE = [
    Export(name="guests, zeros, nulls, nobody", file="a.csv",
           content=table(HEAD, *(f'{place},"{who}",2025-01-01 10:00,10.00,1' for place, who in
           enumerate(("guest", "GUEST", " 0 ", "null", "undefined", "", "  ", "N/A", "c1", "0815")))),
           mapping=shop(), events={"purchase": 2}, left_out=8),
    Export(name="test accounts by a list", file="a.csv",
           content=table(HEAD, *(f"{place},{who},2025-01-01 10:00,10.00,1" for place, who in
           enumerate(("Test1@shop.example", "qa-2@shop.example", "ann@example.org", "kasse")))),
           mapping=shop('nobody: ["test*@*", "qa-*", kasse]', "customer_id: {column: customer, trim: true, lower: true, hash: true}"),
           events={"purchase": 1}, left_out=3),
    Export(name="a customer who is called 0", file="a.csv", content=table(HEAD, "1,0,2025-01-01 10:00,10.00,1"),
           mapping=shop("somebody: [0]"), events={"purchase": 1}),
    Export(name="ids that the contract does not take", file="a.csv",
           content=table(HEAD, *(f"{place},{who},2025-01-01 10:00,10.00,1" for place, who in
           enumerate(("ann+shop@example.org", "gid://shopify/Customer/77", "Müller ", "c1")))),
           mapping=shop(), events={"purchase": 1}, bad={"bad_customer_id": 3}),
    Export(name="the same ids, hashed", file="a.csv",
           content=table(HEAD, *(f"{place},{who},2025-01-01 10:00,10.00,1" for place, who in
           enumerate(("ann+shop@example.org", "gid://shopify/Customer/77", "Müller ", "c1")))),
           mapping=shop("customer_id: {column: customer, trim: true, hash: a key of ours, prefix: shop-}"), events={"purchase": 4}),
    Export(name="an optional cell that is empty", file="a.csv", content=table(f"{HEAD},channel", f"{ONE},web", f"{TWO},", "3,c3,2025-01-06 10:00,5,1,  "),
           mapping=shop().replace("items: {whole: items}", 'items: {whole: items}, channel: "{channel}"'), events={"purchase": 3}),
    Export(name="a required cell that is empty", file="a.csv", content=table(HEAD, ",c1,2025-01-01 10:00,10.00,1", ONE),
           mapping=shop(), events={"purchase": 1}, bad={"missing_field": 1}),
    Export(name="types by a table of values", file="a.csv",
           content=table(f"{HEAD},status", f"{ONE},paid", f"{TWO},Refunded", "3,c3,2025-01-06 10:00,5,1,draft"),
           mapping=shop().replace("type: purchase", "type: {column: status, lower: true, values: {paid: purchase, refunded: return}}"),
           events={"purchase": 1, "ticket": 1}, returns=1, left_out=1),
    Export(name="refunds in a column beside the order", file="a.csv",
           content=table(f"{HEAD},refunded", f"{ONE},0.00", f"{TWO},5.00", "3,c3,2025-01-06 10:00,5,1,"),
           mapping=shop() + '\n  - {type: return, also: true, when: {refunded: {sign: positive}}, data: {order_id: "{order}"}}',
           events={"purchase": 3, "ticket": 1}, returns=1),
    Export(name="a `when` of several values, a `not`, an `empty`", file="a.csv",
           content=table(f"{HEAD},status,coupon", f"{ONE},paid,", f"{TWO},shipped,X", "3,c3,2025-01-06 10:00,5,1,open,", "4,c4,2025-01-06 10:00,5,1,paid,T"),
           mapping=shop().replace("    id:", "    when: {status: [paid, shipped], coupon: {not: T}}\n    id:"), events={"purchase": 2}, left_out=2),
    Export(name="an order over several lines", file="a.csv",
           content=table(HEAD, "1,c1,2025-01-01 10:00,30.00,1", "1,,,,2", "2,c2,2025-01-05 10:00,20.00,2", "1,c1,2025-01-01 10:00,30.00,1"),
           mapping=shop("group_by: order").replace("{whole: items}", "{sum: items}"), events={"purchase": 2}, bad={"wrong_type": 1}),
    Export(name="the same id of an order and its refund", file="a.csv",
           content=table(HEAD, ONE, "1,c1,2025-01-09 10:00,-10.00,1"), mapping=shop(), events={"purchase": 1, "ticket": 1}, returns=1),
]

TABLES = [*SHAPES, *ENCODINGS, *NUMBERS, *TIMES, *PEOPLE]
