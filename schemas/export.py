"""The contract for other languages: JSON Schemas (draft 2020-12) and an AsyncAPI 3.0 document, made from the types.

The files checked in under `schemas/json` and `schemas/asyncapi.yaml` are what `churn-signals schemas export` writes;
a test compares them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from schemas.alert import AlertV1
from schemas.command import ACTIONS
from schemas.dead_letter import PREFIX
from schemas.digest import DigestV1
from schemas.envelope import ENVELOPES
from schemas.erasure import ErasureV1
from schemas.event import FEEDS
from schemas.example import LessonV1, ProgressV1
from schemas.limits import MAX_BYTES, MAX_DEPTH, MAX_KEYS, MAX_STRING
from schemas.outcome import OutcomeV1
from schemas.receipt import ReceiptV1
from schemas.reviewed import ReviewedV1
from schemas.stage import StageChangeV1
from schemas.suppressed import SuppressedV1
from schemas.tick import TickV1
from schemas.topics import TopicSpec, topic_table

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_SIZES: Final = (
    f"At most {MAX_BYTES} bytes, {MAX_DEPTH} levels, {MAX_KEYS} keys and {MAX_STRING} characters a string. Unknown "
    "fields are ignored. "
)
_FUTURE: Final = "At most five minutes in the future; the key is the customer id."
_LIMITS: Final = (
    f"{_SIZES}Instead of plain JSON a CloudEvent 1.0 (structured or binary) or JSON behind the five bytes of a "
    f"Confluent serializer is accepted. {_FUTURE}"
)

Schema = dict[str, Any]


def json_schemas() -> dict[str, Schema]:
    """Every message's schema, by file name without ending (`event.purchase.v1`)."""
    types: dict[str, type] = {f"event.{feed}.v1": ENVELOPES[number] for number, feed in enumerate(FEEDS)}
    types |= {f"command.{action}.v1": kind for action, kind in ACTIONS.items()} | {"receipt.v1": ReceiptV1}
    types |= {"suppressed.v1": SuppressedV1, "outcome.v1": OutcomeV1, "erasure.v1": ErasureV1}
    types |= {"tick.v1": TickV1, "alert.v1": AlertV1, "stage-change.v1": StageChangeV1}
    types |= {"digest.v1": DigestV1, "reviewed.v1": ReviewedV1}
    types |= {"labels.v1": LessonV1, "progress.v1": ProgressV1}
    return {name: _schema(name, kind) for name, kind in types.items()}


def asyncapi(prefix: str = "churn") -> Schema:
    """The AsyncAPI 3.0 document of all topics; payloads refer to the files of `json_schemas`."""
    channels, operations, messages = {}, {}, {}
    for topic in topic_table(prefix):
        name = topic.name.removeprefix(prefix + ".")
        channels[name] = _channel(topic, name)
        operations[name] = {
            "action": "receive" if name.startswith("events.") or name == "commands" else "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": topic.content,
        }
        messages[name] = _message(topic, name)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "churn-signals",
            "version": "1.0.0",
            "description": "Events of customers and commands in; alerts, stages, receipts and what could not be "
            "applied out. " + _LIMITS,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _schema(name: str, kind: type) -> Schema:
    (reference,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        for rules in definition.get("properties", {}).values():
            if "pattern" in rules:
                rules.pop("format", None)  # validators that assert it refuse more than we do
    own = reference["$ref"].removeprefix("#/$defs/")
    schema: Schema = {"$schema": _DIALECT, "$id": f"urn:churn-signals:{name}", **definitions.pop(own)}
    if definitions:
        schema["$defs"] = definitions
    if name.startswith("event."):
        schema["$comment"] = _LIMITS
    elif name.startswith("command."):
        schema["$comment"] = _SIZES + _FUTURE
    return schema


def _channel(topic: TopicSpec, name: str) -> Schema:
    configuration: Schema = {"cleanup.policy": topic.config["cleanup.policy"].split(",")}
    configuration |= {key: int(text) for key, text in topic.config.items() if key.endswith(".ms")}
    return {
        "address": topic.name,
        "description": f"{topic.content}; key: {topic.key}",
        "messages": {"record": {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "replicas": topic.replication,
                "topicConfiguration": configuration,
                "bindingVersion": "0.5.0",
            }
        },
    }


_PAYLOADS: Final = {
    "ticks": "tick.v1",
    "receipts": "receipt.v1",
    "alerts": "alert.v1",
    "alerts.open": "alert.v1",
    "stages": "stage-change.v1",
    "suppressed": "suppressed.v1",
    "outcomes": "outcome.v1",
    "erased": "erasure.v1",
    "digests": "digest.v1",
    **{f"events.{feed}": f"event.{feed}.v1" for feed in FEEDS},
}


_SEVERAL: Final = {
    "commands": [f"command.{action}.v1" for action in ACTIONS],
    "attention": ["alert.v1", "reviewed.v1"],
}
"""Topics whose records are of several kinds."""


def _message(topic: TopicSpec, name: str) -> Schema:
    message: Schema = {"name": name, "summary": topic.content}
    if name in _PAYLOADS:
        message |= {"contentType": "application/json", "payload": {"$ref": f"json/{_PAYLOADS[name]}.json"}}
    elif name in _SEVERAL:
        one_of = [{"$ref": f"json/{kind}.json"} for kind in _SEVERAL[name]]
        message |= {"contentType": "application/json", "payload": {"oneOf": one_of}}
    else:
        message["contentType"] = "application/octet-stream"
    if name in {"late", "dead-letters"}:
        ours = ("headers", "topic", "partition", "offset", "timestamp", "stage", "reason", "error")
        message["headers"] = {
            "type": "object",
            "description": "the original headers, then these",
            "properties": {PREFIX + header: {"type": "string"} for header in ours},
            "required": [PREFIX + header for header in ours],
        }
    return message
