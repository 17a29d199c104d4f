"""An OpenAI-compatible transcription service on loopback that checks every field of a request, and answers what a
test tells it to."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

KNOWN_FIELDS = {
    "model",
    "temperature",
    "response_format",
    "language",
    "prompt",
    "timestamp_granularities[]",
}
Answer = tuple[int, dict[str, str], dict[str, Any] | str]
"""Status, headers and body."""


@dataclass(frozen=True)
class Upload:
    """A request as the service received it."""

    path: str
    key: str | None
    fields: dict[str, list[str]]
    samples: NDArray[np.float32]
    rate: int
    size: int


@dataclass
class Service:
    """What the service answers, and what it was asked."""

    answer: Callable[[Upload], Answer]
    uploads: list[Upload] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    url: str = ""
    _lock: Lock = field(default_factory=Lock)

    def receive(self, upload: Upload, problems: list[str]) -> Answer:
        with self._lock:
            self.uploads.append(upload)
            self.problems += problems
            return self.answer(upload)


@contextmanager
def run_transcription_service(answer: Callable[[Upload], Answer]) -> Iterator[Service]:
    """Run the service; `url` of what is yielded ends in /v1."""
    service = Service(answer)

    class Handler(_Handler):
        asked = service

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        upload, problems = _read(self.path, self.headers.get("Authorization"), self.headers["Content-Type"], body)
        status, headers, content = self.asked.receive(upload, problems)
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def _read(path: str, key: str | None, kind: str, body: bytes) -> tuple[Upload, list[str]]:
    """A request, and what is wrong with it."""
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields: dict[str, list[str]] = {}
    problems, sound = [], b""
    for part in message.get_payload():
        name = str(part.get_param("name", header="content-disposition"))  # type: ignore[union-attr]
        content: bytes = part.get_payload(decode=True)  # type: ignore[union-attr, assignment]
        if name == "file":
            sound = content
            if not str(part.get_filename()).endswith(".flac") or part.get_content_type() != "audio/flac":  # type: ignore[union-attr]
                problems.append("the file's name or type is not FLAC's")
        else:
            fields.setdefault(name, []).append(content.decode())
    problems += [f"unknown field {name}" for name in fields.keys() - KNOWN_FIELDS]
    problems += [f"{n} comes twice" for n, v in fields.items() if len(v) > 1 and not n.endswith("[]")]
    problems += [f"no {name}" for name in ("model", "response_format", "temperature") if name not in fields]
    if fields.get("temperature") != ["0"]:
        problems.append("temperature is not 0")
    if "timestamp_granularities[]" in fields and fields["response_format"] != ["verbose_json"]:
        problems.append("times are asked for without verbose_json")
    samples, rate = soundfile.read(io.BytesIO(sound), dtype="float32")
    if samples.ndim != 1 or rate != 16_000:
        problems.append(f"{rate} Hz, shape {samples.shape}")
    return Upload(path, key, fields, samples, rate, len(sound)), problems
