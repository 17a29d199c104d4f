"""An OpenAI-compatible chat service on loopback that translates by turning words around, and misbehaves as a test
tells it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

Lines = list[dict[str, Any]]
MARKS = ".,;:!?\"'“”-…"


@dataclass(frozen=True)
class Asked:
    """A request: its number from 0, its body, and what stands in its last message."""

    number: int
    key: str | None
    body: dict[str, Any]

    @property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.body["messages"][-1]["content"]))

    @property
    def lines(self) -> Lines:
        return list(self.content["sentences"])


@dataclass
class Reply:
    """What is answered. `silent`: nothing, until the service ends."""

    content: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish: str = "stop"
    silent: bool = False
    body: str | None = None
    """Instead of a completion."""


def translate_word(word: str) -> str:
    """A word of the test's language: its letters the other way round, in capitals where it began with one.

    >>> translate_word("Morning,"), translate_word("25")
    ('Gninrom,', '25')
    """
    letters = [c for c in word if c.isalpha()]
    if not letters or len(letters) != len(word.strip(MARKS)):
        return word
    turned = "".join(reversed(letters)).lower()
    turned = turned.capitalize() if letters[0].isupper() else turned
    begin = word.index(letters[0])
    return word[:begin] + turned + word[begin + len(letters) :]


def translate_text(text: str) -> str:
    return " ".join(map(translate_word, text.split()))


def translate_lines(lines: Lines) -> Lines:
    return [{"id": line["id"], "text": translate_text(line["text"])} for line in lines]


def reply(lines: Lines) -> Reply:
    return Reply(json.dumps({"translations": lines}, ensure_ascii=False))


def obey(asked: Asked) -> Reply:
    """As it should be."""
    return reply(translate_lines(asked.lines))


@dataclass
class ChatService:
    """What the service answers, and what it was asked."""

    answer: Callable[[Asked], Reply]
    models: list[str] = field(default_factory=lambda: ["some-model"])
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    closing: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    def receive(self, key: str | None, body: dict[str, Any]) -> Reply:
        with self._lock:
            asked = Asked(len(self.asked), key, body)
            self.asked.append(asked)
            return self.answer(asked)


@contextmanager
def run_chat_service(
    answer: Callable[[Asked], Reply] = obey, models: list[str] | None = None
) -> Iterator[ChatService]:
    """Run the service; `url` of what is yielded ends in /v1."""
    service = ChatService(answer, ["some-model"] if models is None else models)

    class Handler(_Handler):
        served = service

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield service
    finally:
        service.closing.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: ChatService

    def do_GET(self) -> None:
        assert self.path == "/v1/models"
        self._send(200, {}, json.dumps({"object": "list", "data": [{"id": name} for name in self.served.models]}))

    def do_POST(self) -> None:
        assert self.path == "/v1/chat/completions"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = self.served.receive(self.headers.get("Authorization"), body)
        if found.silent:
            self.served.closing.wait(60)
            self.close_connection = True
            return
        message = {"role": "assistant", "content": found.content}
        choices = [{"index": 0, "message": message, "finish_reason": found.finish}]
        content = json.dumps({"object": "chat.completion", "choices": choices}) if found.body is None else found.body
        self._send(found.status, found.headers, content)

    def _send(self, status: int, headers: dict[str, str], content: str) -> None:
        data = content.encode()
        with suppress(OSError):  # who asked has gone
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass
