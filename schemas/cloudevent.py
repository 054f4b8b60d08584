"""CloudEvents 1.0 as a way to write our events: structured (one JSON object) and binary (attributes in headers).

The attributes become the envelope: `id`, `source`, `time` and `subject` are id, source, event_time and customer_id;
`type` is one of our types or a dotted name that ends in one, with an optional version (`com.example.purchase.v1`).
The extension `schemaversion` gives the version too; 1 is assumed when neither does. Without `subject` the customer is
the extension `partitionkey`, else the key of the record. What is null is absent, as JSON's format of CloudEvents says.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import Final

from schemas.errors import RejectedError
from schemas.event import FEEDS, PURCHASE
from schemas.explain import parse_object

FIELD_NAMES: Final = {"customer_id": "subject", "event_time": "time", "schema_version": "schemaversion"}
"""Our names of the envelope's fields, and the attributes that carry them."""

_STRUCTURED = b"application/cloudevents+json"
_BATCH = b"application/cloudevents-batch"
_TYPE = re.compile(r"(?:.*\.)?([A-Za-z_]+?)(?:\.v(\d{1,9}))?")
_JSON_MEDIA = re.compile(r"[^/;\s]+/(?:[^/;\s]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


def is_structured(headers: Sequence[tuple[str, bytes]]) -> bool:
    """Whether the content type announces a structured CloudEvent. Raises RejectedError for a batch."""
    for name, content in headers:
        if name.lower() == "content-type" and content:
            media = content.lower()
            if media.startswith(_BATCH):
                raise RejectedError("bad_cloudevent", "batches are not accepted: one event per record", "content-type")
            if media.startswith(_STRUCTURED):
                return True
    return False


def is_binary(headers: Sequence[tuple[str, bytes]]) -> bool:
    """Whether the headers carry the attributes of a CloudEvent."""
    return any(name == "ce_specversion" and content is not None for name, content in headers)


def feed_of_type(text: str) -> int:
    """The feed of a CloudEvent's type; the first feed when it names none, for decoding then tells the fault."""
    name, _ = _type_and_version(text)
    return FEEDS.index(name) if name in FEEDS else PURCHASE


def from_structured(event: Mapping[str, object], key: bytes | None) -> dict[str, object]:
    """Our envelope, still unchecked, from the parsed object of a structured CloudEvent. Raises RejectedError."""
    event = {name: content for name, content in event.items() if content is not None}
    data = event.get("data")
    if "data_base64" in event:
        if data is not None:
            raise RejectedError("bad_cloudevent", "data and data_base64 exclude each other", "data_base64")
        data = parse_object(_unbase64(event["data_base64"]))
    return _envelope(event, data, key)


def from_binary(
    headers: Sequence[tuple[str, bytes]], data: Mapping[str, object], key: bytes | None
) -> dict[str, object]:
    """Our envelope, still unchecked, from the headers and parsed data of a binary CloudEvent. Raises RejectedError."""
    attributes: dict[str, object] = {}
    for name, content in headers:
        attribute = "datacontenttype" if name.lower() == "content-type" else name.removeprefix("ce_")
        if attribute == name or content is None:
            continue
        try:
            attributes[attribute] = content.decode()
        except UnicodeDecodeError as error:
            raise RejectedError("not_utf8", "a header is not UTF-8", f"ce_{attribute}") from error
    version = attributes.get("schemaversion")
    if isinstance(version, str) and re.fullmatch("[0-9]{1,9}", version):
        attributes["schemaversion"] = int(version)
    return _envelope(attributes, data, key)


def _envelope(attributes: Mapping[str, object], data: object, key: bytes | None) -> dict[str, object]:
    _check_attributes(attributes)
    name, version = _type_and_version(str(attributes["type"]))
    envelope: dict[str, object] = {
        "id": attributes["id"],
        "type": name,
        "source": attributes["source"],
        "schema_version": attributes.get("schemaversion", version),
        "customer_id": _customer(attributes, key),
    }
    if "time" in attributes:
        envelope["event_time"] = attributes["time"]
    if data is not None:
        envelope["data"] = data
    return envelope


def _check_attributes(attributes: Mapping[str, object]) -> None:
    if attributes.get("specversion") != "1.0":
        raise RejectedError("bad_cloudevent", "only CloudEvents 1.0 are accepted", "specversion")
    for name in ("id", "source", "type"):
        content = attributes.get(name)
        if not isinstance(content, str) or not content:
            raise RejectedError("bad_cloudevent", "a required attribute is missing, empty or no text", name)
    media = attributes.get("datacontenttype")
    if media is not None and not (isinstance(media, str) and _JSON_MEDIA.fullmatch(media.strip())):
        raise RejectedError("bad_cloudevent", "the data must be JSON", "datacontenttype")


def _customer(attributes: Mapping[str, object], key: bytes | None) -> object:
    for name in ("subject", "partitionkey"):
        if name in attributes:
            return attributes[name]
    return (key or b"").decode(errors="replace")


def _type_and_version(text: str) -> tuple[str, int]:
    found = _TYPE.fullmatch(text)
    if found is None:
        return text, 1
    return found[1], int(found[2]) if found[2] else 1


def _unbase64(content: object) -> bytes:
    if not isinstance(content, str):
        raise RejectedError("bad_cloudevent", "base64 text is expected", "data_base64")
    try:
        return b64decode(content, validate=True)
    except (Base64Error, ValueError) as error:
        raise RejectedError("bad_cloudevent", "malformed base64", "data_base64") from error
