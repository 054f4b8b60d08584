"""`churn-signals produce` on a broker that grants a user little."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from kafka.cluster import Cluster
from kafka.properties import ADMIN, Credentials
from support.builders import line, login
from support.program import run

RIGHTS_WITHIN_S: Final = 10.0


def test_a_user_who_may_only_write_posts_and_is_told_what_is_not_known(tmp_path: Path) -> None:
    rights = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:admin",
    }
    users = [Credentials("shop", "secret")]
    with Cluster(security="SASL_PLAINTEXT", users=users, extra=rights) as cluster:
        settings = {
            "bootstrap": cluster.bootstrap, "security_protocol": "SASL_PLAINTEXT", "sasl_username": ADMIN.username,
            "sasl_password": ADMIN.password, "partitions": "2",
        }  # fmt: skip
        assert run("topics", "create", **settings).code == 0
        admin = AdminClient(
            {
                "bootstrap.servers": cluster.bootstrap, "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": ADMIN.username, "sasl.password": ADMIN.password,
            }
        )  # fmt: skip
        right = AclBinding(
            ResourceType.TOPIC, "churn.events.", ResourcePatternType.PREFIXED, "User:shop", "*",
            AclOperation.WRITE, AclPermissionType.ALLOW,
        )  # fmt: skip
        for future in admin.create_acls([right]).values():
            future.result(10)
        file = tmp_path / "events.jsonl"
        file.write_bytes(line(login()))
        seller = settings | {"sasl_username": "shop", "sasl_password": "secret"}
        deadline = time.monotonic() + RIGHTS_WITHIN_S
        while (outcome := run("produce", str(file), **seller)).code and time.monotonic() < deadline:
            assert "missing" in outcome.err  # the right is not known to the broker yet
        assert outcome.code == 0, outcome.err
        assert "posted 1 event" in outcome.out
        assert "whether the events lie right and are in time is not known to this user" in outcome.err
