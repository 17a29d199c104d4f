"""Webhooks on a real receiver on this machine; signatures as openai-python checks them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import openai
import pytest

from flows.http import webhooks
from flows.http.errors import ApiError
from flows.http.webhooks import check_url, deliver, find_address, find_secret

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


class Receiver:
    """A server that answers with the given statuses, one after another, and keeps what it got."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(received.statuses.pop(0) if received.statuses else 200)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        received.url = f"http://127.0.0.1:{server.server_port}/hook?a=b"  # type: ignore[attr-defined]
        yield received
        server.shutdown()
        thread.join()


def send(receiver: Receiver, allowed: tuple[str, ...] = ("127.0.0.1",)) -> tuple[bool, list[str]]:
    results: list[str] = []
    url: str = receiver.url  # type: ignore[attr-defined]
    event, data = "transcription.job.completed", {"id": "job_1"}
    sent = deliver(url, event, data, secret=SECRET, allowed=allowed, pauses_s=(0, 0), count=results.append)
    return asyncio.run(sent), results


def test_the_message_is_signed_as_openai_python_checks_it(receiver: Receiver) -> None:
    assert send(receiver) == (True, ["delivered"])
    ((headers, body),) = receiver.got
    client = openai.OpenAI(api_key="none", webhook_secret=SECRET)
    client.webhooks.verify_signature(body, headers)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.verify_signature(body + b" ", headers)
    message = json.loads(body)
    assert message["id"] == headers["webhook-id"]
    assert (message["type"], message["data"]) == ("transcription.job.completed", {"id": "job_1"})


def test_it_is_sent_again_until_somebody_takes_it(receiver: Receiver) -> None:
    receiver.statuses = [500, 503]
    assert send(receiver) == (True, ["refused", "refused", "delivered"])
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_it_is_given_up_in_the_end_and_redirections_are_not_followed(receiver: Receiver) -> None:
    receiver.statuses = [500, 302, 404]
    assert send(receiver) == (False, ["refused"] * 3)


def test_private_addresses_are_asked_only_where_allowed(receiver: Receiver) -> None:
    assert send(receiver, allowed=()) == (False, ["forbidden"])
    assert receiver.got == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "file:///etc/passwd",
        "ftp://example.org",
        "https://",
        "https://name:word@example.org/",
        "http://example.org:99999/",
        "javascript:alert(1)",
    ],
)
def test_urls_of_other_kinds_and_private_ones_are_refused_when_given(url: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_url(url, ())
    assert caught.value.param == "webhook_url"


def test_public_urls_and_allowed_hosts_are_taken() -> None:
    check_url("https://example.org/hook?x=1", ())
    check_url("http://10.0.0.1:8080/", ("10.0.0.1",))


def test_a_public_name_of_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("93.184.216.34", port)), (2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(webhooks.socket, "getaddrinfo", resolve)
    with pytest.raises(PermissionError, match=r"127\.0\.0\.1"):
        find_address("rebound.example.org", 80, ())
    assert find_address("rebound.example.org", 80, ("rebound.example.org",)) == "93.184.216.34"


def test_the_secret_is_made_once_and_is_the_owner_s(tmp_path: Path) -> None:
    secret = find_secret(tmp_path / "serve" / "secret")
    assert secret.startswith("whsec_")
    assert find_secret(tmp_path / "serve" / "secret") == secret
    assert (tmp_path / "serve" / "secret").stat().st_mode & 0o077 == 0
