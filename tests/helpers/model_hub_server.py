"""A model hub on loopback: serves folders `<owner>/<name>/` as repositories, as far as downloads need it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class HubFaults:
    """Faults that the hub simulates, and the files that it has sent."""

    status: dict[str, int] = field(default_factory=dict)
    """HTTP status with which the server answers for a repository, by the repository's name."""
    token: str | None = None
    """The token that every request must carry; None: none is needed."""
    corrupted_files: set[str] = field(default_factory=set)
    """Names of files whose bytes differ from the digest that is listed."""
    no_ranges: bool = False
    """Whether the header Range is ignored: files are always sent whole."""
    cut_after_bytes: int | None = None
    """The connection closes after so many bytes of a file, and the hub stays unreachable until this is None."""
    commits: dict[str, str] = field(default_factory=dict)
    """The commit of a repository, by the repository's name; by default a digest of its contents."""
    sent_files: list[tuple[str, str | None]] = field(default_factory=list)
    """The name of each file that was sent, with the value of the header Range."""
    unreachable: bool = False
    """Whether a connection was cut; set by the server."""


@contextmanager
def run_model_hub(root: Path, what: HubFaults | None = None) -> Iterator[str]:
    """Serve the repositories under `root`, with these faults; yields the URL."""

    class Handler(_Hub):
        folder = root
        faults = what or HubFaults()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    faults: HubFaults

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = [unquote(p) for p in urlsplit(self.path).path.strip("/").split("/")]
        api = parts[:2] == ["api", "models"]
        repository, rest = ("/".join(parts[2:4]), parts[4:]) if api else ("/".join(parts[:2]), parts[2:])
        files = self.files(repository)
        token = self.faults.token
        if self.faults.cut_after_bytes is not None and self.faults.unreachable:
            self.close_connection = True
        elif token is not None and self.headers["Authorization"] != f"Bearer {token}":
            self.answer(401, {"error": "unauthorized"})
        elif status := self.faults.status.get(repository):
            self.answer(status, {"error": "no"}, {"Retry-After": "7"} if status == 429 else None)
        elif not files:
            self.answer(404, {"error": "no such repository"}, {"X-Error-Code": "RepoNotFound"})
        elif len(rest) > 1 and rest[1] not in ("main", self.commit(repository)):
            self.answer(404, {"error": "no such revision"}, {"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["tree"]:
            self.answer(200, [self.entry(name, data) for name, data in files.items()])
        elif rest[:1] in ([], ["revision"]):
            siblings = [{"rfilename": name} for name in files]
            facts = {"_id": "0", "id": repository, "modelId": repository, "sha": self.commit(repository)}
            self.answer(200, facts | {"private": False, "tags": [], "siblings": siblings})
        elif rest[0] == "resolve" and "/".join(rest[2:]) in files:
            name = "/".join(rest[2:])
            data = files[name]
            headers = {"X-Repo-Commit": self.commit(repository), "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
            self.send(name, data[::-1] if name in self.faults.corrupted_files else data, headers)
        else:
            self.answer(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})

    def send(self, name: str, data: bytes, headers: dict[str, str]) -> None:
        asked = self.headers["Range"]
        if self.command == "HEAD":
            self.answer(200, data, headers)
            return
        self.faults.sent_files.append((name, asked))
        asked = None if self.faults.no_ranges else asked
        if asked:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            headers |= {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"}
            data = data[begin:]
        self.answer(206 if asked else 200, data, headers)

    def files(self, repository: str) -> dict[str, bytes]:
        base = self.folder / repository
        if not base.is_dir() or ".." in repository:
            return {}
        return {p.relative_to(base).as_posix(): p.read_bytes() for p in sorted(base.rglob("*")) if p.is_file()}

    @staticmethod
    def entry(name: str, data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        lfs = {"oid": digest, "size": len(data), "pointerSize": 134}
        return {"type": "file", "path": name, "size": len(data), "oid": digest[:40], "lfs": lfs}

    def commit(self, repository: str) -> str:
        contents = b"".join(k.encode() + v for k, v in self.files(repository).items())
        return self.faults.commits.get(repository) or hashlib.sha1(contents).hexdigest()

    def answer(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.faults.cut_after_bytes
        if cut is not None and len(data) > cut:
            data, self.faults.unreachable, self.close_connection = data[:cut], True, True
        self.wfile.write(data)
