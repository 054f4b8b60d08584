"""The page for machines answers every request as HTTP wants it, and no reader can make it fail or fill the log."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from streams.errors import SetupError
from streams.health import serve_health
from streams.settings import Settings
from streams.transport.status import Status


def at_work() -> Status:
    """Of a worker that a broker has just confirmed."""
    return Status(is_restoring=False, is_rebalancing=False, confirmed_at=time.monotonic(), session_s=600.0)


@pytest.fixture
def port() -> Iterator[int]:
    with serve_health(Settings(metrics_port=0), at_work()) as served:
        yield int(served.address.rpartition(":")[2])


def ask(port: int, method: str, path: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200), ("GET", "/livez?x=1", 200), ("GET", "/readyz?verbose", 200),
        ("GET", "/metrics?a=b", 200), ("HEAD", "/livez", 200), ("HEAD", "/metrics", 200), ("HEAD", "/nothing", 404),
        ("GET", "/", 404), ("GET", "/metrics/", 404), ("GET", "/livezz", 404), ("GET", "/%2e%2e/etc/passwd", 404),
        ("POST", "/metrics", 405), ("PUT", "/livez", 405), ("DELETE", "/livez", 405), ("PATCH", "/", 405),
        ("OPTIONS", "/metrics", 405), ("BREW", "/metrics", 405),
    ],
)  # fmt: skip
def test_every_request_has_its_status(port: int, method: str, path: str, status: int) -> None:
    answer, body = ask(port, method, path)
    assert answer.status == status
    assert (body == b"") == (method == "HEAD")
    assert int(answer.headers["Content-Length"]) > 0
    assert "Python" not in answer.headers["Server"]
    if status == 405:
        assert answer.headers["Allow"] == "GET, HEAD"


def test_a_token_that_is_set_is_asked_for() -> None:
    with serve_health(Settings(metrics_port=0, metrics_token="secret"), Status()) as served:
        own = int(served.address.rpartition(":")[2])
        refused, _ = ask(own, "GET", "/metrics")
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert ask(own, "HEAD", "/metrics", Authorization="Bearer wr\xf6ng")[0].status == 401
        assert ask(own, "HEAD", "/metrics", Authorization="Bearer secret")[0].status == 200


def test_a_reader_that_goes_away_leaves_no_trace(
    port: int, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for sent in (b"", b"GET /metrics HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n"):
            reader = socket.create_connection(("127.0.0.1", port), timeout=5)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            reader.sendall(sent)
            reader.close()  # with a reset: what is being written fails
        time.sleep(0.2)
        assert ask(port, "GET", "/livez")[0].status == 200
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_addresses_of_the_sixth_version_are_served() -> None:
    try:
        with serve_health(Settings(metrics_host="::1", metrics_port=0), Status()) as served:
            assert served.address.startswith("http://[::1]:")
    except SetupError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_a_port_that_is_taken_and_a_host_that_is_none_are_told_apart(port: int) -> None:
    with pytest.raises(SetupError) as caught, serve_health(Settings(metrics_port=port), Status()):
        pass
    assert caught.value.thing == "CHURN_METRICS_PORT"
    with pytest.raises(SetupError) as caught, serve_health(Settings(metrics_host="192.0.2.1"), Status()):
        pass
    assert caught.value.thing == "CHURN_METRICS_HOST"
