"""Help desks and mailing tools, nested JSON, and a sample for each system that the product has a mapping for."""

# ruff: noqa: E501 - a row of the table a line
# fmt: off

from __future__ import annotations

import msgspec

from support.exports import Export, lines, packed, table

DESK = """
source: desk
format: json
customer_id: "{ticket.requester.external_id}"
time: {column: ticket.created_at, format: iso}
events:
  - type: ticket
    id: "desk-{ticket.id}"
    data:
      ticket_id: "{ticket.id}"
      action: {column: ticket.status, values: {open: opened, solved: resolved}, else: leave out}
      category: {column: ticket.tags, values: {refund: return, delivery: delivery}, else: other, default: other}
"""

MAIL = """
source: mail
customer_id: "{profile}"
time: {column: ts, format: [epoch_s, epoch_ms]}
events:
  - type: email
    data:
      action: {column: event, values: {Opened Email: opened, Clicked Email: clicked, Unsubscribed: unsubscribed}, else: leave out}
      campaign_id: "{campaign}"
"""

ITEMS = """
source: shop
format: json
for_each: line_items
customer_id: "{customer.id}"
time: {column: created_at, format: iso}
events:
  - type: purchase
    id: "shop-{id}-{line_items.sku}"
    data: {order_id: "{id}", amount: {number: line_items.price}, currency: "{currency}", items: {whole: line_items.quantity}}
"""

WHOLE_ORDER = """
source: shop
format: json
customer_id: {column: [customer.id, email], lower: true}
time: {column: created_at, format: iso}
events:
  - type: purchase
    id: "shop-{id}"
    data: {order_id: "{id}", amount: {number: total}, currency: EUR, items: {sum: "line_items[].quantity"}}
"""

LOGINS = """
source: app
format: json
customer_id: {column: user.id, prefix: u-}
time: {column: at, format: epoch_ms}
events: [{type: login, when: {kind: [login, refresh], user.bot: {not: "true"}}, data: {channel: "{device.os}"}}]
"""


def ticket(number: int, status: str, *tags: str, customer: object = "c1", at: str = "2025-01-05T10:00:00Z") -> dict[str, object]:
    """A ticket as a help desk gives it."""
    return {"ticket": {"id": number, "requester": {"external_id": customer}, "created_at": at, "status": status, "tags": list(tags)}}


def order(number: int, *items: dict[str, object], **more: object) -> dict[str, object]:
    """An order as a shop's API gives it."""
    return {"id": number, "customer": {"id": 77}, "created_at": "2025-01-05T10:00:00+01:00", "currency": "EUR",
            "total": "30.00", "line_items": list(items)} | more  # fmt: skip


SKU_A = {"sku": "a", "price": "10.00", "quantity": 1}
SKU_B = {"sku": "b", "price": 20.0, "quantity": 2}

NESTED = [
    Export(name="nested tickets", file="t.jsonl", mapping=DESK, events={"ticket": 3}, returns=1, left_out=2,
           content=lines(ticket(1, "open", "refund"), ticket(2, "solved", "vip", "delivery"), ticket(3, "open"), ticket(4, "pending"),
                         ticket(5, "open", customer=None))),
    Export(name="bad JSON among tickets", file="t.jsonl", mapping=DESK, events={"ticket": 1}, blank=1,
           content=lines(ticket(1, "open")) + b'{"ticket": \n\n[1]\n"x"\n' + b"[" * 5000 + b"\n" + lines(ticket(2, "open", at="soon"))
           + lines({"ticket": {"id": 3, "requester": {"external_id": [1]}, "created_at": "2025-01-05", "status": "open"}}),
           bad={"not_json": 2, "not_an_object": 2, "bad_time": 1, "wrong_type": 1}),
    Export(name="a customer nobody wrote down", file="t.jsonl", mapping=DESK, events={}, left_out=1, content=lines({"ticket": {"id": 1, "status": "open"}})),
    Export(name="tickets with a byte order mark, gzip, CR LF", file="t.jsonl.gz", mapping=DESK, events={"ticket": 2},
           content=packed(b"\xef\xbb\xbf" + lines(ticket(1, "open"), ticket(2, "open")).replace(b"\n", b"\r\n"))),
    Export(name="an array", file="t.json", mapping=DESK, events={"ticket": 2}, content=msgspec.json.encode([ticket(1, "open"), ticket(2, "solved")])),
    Export(name="an array over many lines, with no object in it", file="t.json", mapping=DESK, events={"ticket": 1},
           content=msgspec.json.format(msgspec.json.encode([ticket(1, "open"), 7]), indent=2), bad={"not_an_object": 1}),
    Export(name="keys with dots, as they stand", file="t.jsonl", mapping=DESK, events={"ticket": 1},
           content=lines({"ticket.id": 1, "ticket": {"requester.external_id": "c1"}, "ticket.created_at": "2025-01-05", "ticket.status": "open"})),
    Export(name="for each item of an order", file="o.jsonl", mapping=ITEMS, events={"purchase": 3}, left_out=2, bad={"wrong_type": 1},
           content=lines(order(1, SKU_A, SKU_B), order(2), order(3, SKU_A), order(4, line_items=None), order(5, line_items="none"))),
    Export(name="the items of an order, added", file="o.jsonl", mapping=WHOLE_ORDER, events={"purchase": 2}, bad={"missing_field": 1},
           content=lines(order(1, SKU_A, SKU_B), order(2), order(3, SKU_A, customer=None, email="Ann@example.org"))),
    Export(name="logins of people", file="l.ndjson", mapping=LOGINS, events={"login": 2}, left_out=2,
           content=lines(*({"user": {"id": 5, "bot": bot}, "at": 1736071200000 + at, "kind": kind, "device": {"os": os}} for at, (bot, kind, os)
                         in enumerate(((False, "login", "ios"), (None, "refresh", None), (True, "login", "x"), (False, "logout", "ios")))))),
    Export(name="large and odd numbers", file="l.ndjson", mapping=LOGINS, events={"login": 1}, bad={"bad_time": 2, "not_utf8": 1},
           content=lines({"user": {"id": 12345678901234567890123}, "at": 1736071200000, "kind": "login"},
                         {"user": {"id": 1}, "at": 1e300, "kind": "login"}, {"user": {"id": 1}, "at": -1, "kind": "login"})
           + b'{"user": {"id": "\xff"}, "at": 1736071200000, "kind": "login"}\n'),
    Export(name="mails by seconds", file="m.csv", mapping=MAIL, events={"email": 4}, left_out=1, bad={"missing_field": 1},
           content=table("profile,event,ts,campaign", "c1,Opened Email,1736071200,jan", "c1,Clicked Email,1736071260,jan",
                         "c2,Unsubscribed,1736071300,", "c2,Placed Order,1736071300,jan", "c3,Opened Email,,jan", "c3,Opened Email,1736071200000,jan")),
    Export(name="mails of nobody we know by name", file="m.csv", mapping=MAIL.replace("else: leave out", "default: sent"), events={"email": 1},
           bad={"unknown_value": 1}, content=table("profile,event,ts,campaign", "c1,Forwarded,1736071200,jan", "c1,,1736071200,jan")),
]

_SHOPIFY_HEAD = ("Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,"
                 "Created at,Lineitem quantity,Lineitem name,Refunded Amount,Id,Source")

_ZENDESK = {"created_at": "2025-01-05T10:00:00Z", "requester": {"email": "Ann@Example.org"}, "via": {"channel": "email"}, "type": "problem", "priority": "urgent"}
_INTERCOM = {"created_at": 1736071200, "state": "closed", "statistics": {"last_close_at": 1736074800},
             "source": {"type": "email", "delivered_as": "customer_initiated", "author": {"type": "user", "email": "ann@example.org"}}}


def klaviyo(number: int, metric: str, **properties: object) -> dict[str, object]:
    """An event of Klaviyo with its metric and profile."""
    return {"id": f"e{number}", "attributes": {"datetime": "2025-01-05T10:00:00+00:00", "event_properties": {"$message": "M1"} | properties},
            "metric": {"attributes": {"name": metric}}, "profile": {"attributes": {"email": "ann@example.org"}}}


SYSTEMS = [
    Export(name="shopify", file="orders_export.csv", mapping="shopify", events={"purchase": 2, "ticket": 1}, returns=1, left_out=2,
           content=table(
               _SHOPIFY_HEAD,
               "#1001,Ann@example.org,paid,2025-01-05 10:00:00 +0100,fulfilled,,yes,EUR,30.00,0,5,35.00,2025-01-05 09:59:00 +0100,1,Tea,0.00,91,web",
               "#1001,Ann@example.org,,,,,,,,,,,2025-01-05 09:59:00 +0100,2,Cup,,,",
               "#1002,bob@example.org,partially_refunded,2025-01-06 10:00:00 +0100,,,no,EUR,20,0,0,20.00,2025-01-06 09:59:00 +0100,1,Tea,5.00,92,pos",
               "#1003,cid@example.org,pending,,,,no,EUR,20,0,0,20.00,2025-01-07 09:59:00 +0100,1,Tea,0.00,93,web",
               "#1004,,paid,2025-01-07 10:00:00 +0100,,,no,EUR,9,0,0,9.00,2025-01-07 09:59:00 +0100,1,Tea,0.00,94,pos")),
    Export(name="woocommerce", file="orders.csv", mapping="woocommerce", events={"purchase": 2, "ticket": 1}, returns=1, left_out=1,
           content=table(
               "order_id,order_number,date,status,order_total,order_currency,payment_method,customer_id,billing_email",
               "11,11,2025-01-05 10:00:00,completed,35.00,EUR,stripe,7,Ann@example.org",
               "12,12,2025-01-06 10:00:00,refunded,20.00,EUR,stripe,0,bob@example.org",
               "13,13,2025-01-07 10:00:00,cancelled,9.00,EUR,bacs,0,cid@example.org")),
    Export(name="woocommerce-api", file="orders.json", mapping="woocommerce-api", events={"purchase": 2, "ticket": 1}, returns=1, left_out=1,
           content=msgspec.json.encode([
               {"id": 11, "status": "completed", "currency": "EUR", "date_created_gmt": "2025-01-05T10:00:00", "date_paid_gmt": "2025-01-05T10:01:00",
                "total": "35.00", "customer_id": 7, "billing": {"email": "Ann@example.org"}, "line_items": [{"quantity": 2}, {"quantity": 1}], "refunds": []},
               {"id": 12, "status": "refunded", "currency": "EUR", "date_created_gmt": "2025-01-06T10:00:00", "date_paid_gmt": None, "total": "20.00",
                "customer_id": 0, "billing": {"email": "bob@example.org"}, "line_items": [{"quantity": 1}], "refunds": [{"id": 3, "total": "-20.00"}]},
               {"id": 13, "status": "on-hold", "billing": {"email": "x@example.org"}}])),
    Export(name="magento", file="export.csv", mapping="base: magento\ncurrency: EUR\nzone: Europe/Berlin", events={"purchase": 2, "ticket": 1},
           returns=1, left_out=1, content=table(
               'ID,"Purchase Point","Purchase Date","Bill-to Name","Ship-to Name","Grand Total (Base)","Grand Total (Purchased)",Status,'
               '"Customer Email","Customer Group",Subtotal,"Total Refunded"',
               '000000001,"Main Website\n  Main Store","Jan 5, 2025 10:00:00 AM",Ann,Ann,"1,035.0000","1,035.0000",Complete,ann@example.org,General,30,',
               "000000002,Main,2025-01-06 10:00:00,Bob,Bob,20.0000,20.0000,closed,bob@example.org,General,20,20.0000",
               "000000003,Main,2025-01-06 10:00:00,Bob,Bob,20.0000,20.0000,Canceled,bob@example.org,General,20,")),
    Export(name="zendesk", file="tickets.json", mapping="zendesk", events={"ticket": 3}, left_out=1,
           content=lines({"id": 1, "status": "solved", "metric_set": {"solved_at": "2025-01-06T10:00:00Z"}} | _ZENDESK,
                         {"id": 2, "status": "open", "metric_set": {"solved_at": None}} | _ZENDESK | {"priority": None, "type": "question"},
                         {"id": 3, "status": "deleted"} | _ZENDESK)),
    Export(name="intercom", file="conversations.jsonl", mapping="intercom", events={"ticket": 3}, left_out=1,
           content=lines({"id": "1"} | _INTERCOM, {"id": "2"} | _INTERCOM | {"statistics": {"last_close_at": None}},
                         {"id": "3"} | _INTERCOM | {"source": {"type": "email", "delivered_as": "admin_initiated"}})),
    Export(name="klaviyo", file="events.jsonl", mapping="klaviyo", events={"email": 3}, left_out=1,
           content=lines(klaviyo(1, "Received Email"), klaviyo(2, "Opened Email", machine_open=True), klaviyo(3, "Marked Email as Spam"),
                         klaviyo(4, "Placed Order"))),
    Export(name="mailchimp", file="activity.json", mapping="mailchimp", events={"email": 3}, left_out=1,
           content=msgspec.json.encode({"campaign_id": "42694e9e57", "total_items": 2, "emails": [
               {"campaign_id": "42694e9e57", "email_id": "x", "email_address": "Ann@Example.org", "activity": [
                   {"action": "open", "timestamp": "2025-01-05T10:00:00+00:00", "ip": "192.0.2.1"},
                   {"action": "click", "timestamp": "2025-01-05T10:01:00+00:00", "url": "https://shop.example"},
                   {"action": "ecomm", "timestamp": "2025-01-05T10:02:00+00:00"}]},
               {"campaign_id": "42694e9e57", "email_address": "bob@example.org", "activity": [{"action": "bounce", "timestamp": "2025-01-05T10:00:00+00:00"}]},
               {"campaign_id": "42694e9e57", "email_address": "cid@example.org", "activity": []}]})),
    Export(name="stripe", file="unified_payments.csv", mapping="stripe", events={"purchase": 3, "ticket": 1}, returns=1, left_out=1,
           content=table(
               "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Description,Status,Customer ID,Customer Email",
               "ch_1,2025-01-05 10:00:00,35.00,0.00,eur,true,Tea,Paid,cus_1,Ann@example.org",
               "ch_2,2025-01-06 10:00:00,20.00,20.00,eur,true,Tea,Refunded,cus_2,bob@example.org",
               "ch_3,2025-01-07 10:00,9.00,0.00,usd,true,Tea,succeeded,cus_2,bob@example.org",
               "ch_4,2025-01-07 10:00:00,9.00,0.00,usd,false,Tea,Failed,cus_2,bob@example.org")),
]
