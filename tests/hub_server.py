"""A model hub on loopback: serves folders `<owner>/<name>/` as repositories, as far as downloading needs it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit


@contextmanager
def hub(root: Path) -> Iterator[str]:
    """The address of a hub that serves the repositories under `root`."""

    class Handler(_Hub):
        folder = root

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

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = [unquote(p) for p in urlsplit(self.path).path.strip("/").split("/")]
        api = parts[:2] == ["api", "models"]
        repository, rest = ("/".join(parts[2:4]), parts[4:]) if api else ("/".join(parts[:2]), parts[2:])
        files = self.files(repository)
        if not files:
            self.answer(404, {"error": "no such repository"}, {"X-Error-Code": "RepoNotFound"})
        elif rest[:1] == ["tree"]:
            self.answer(200, [self.entry(name, data) for name, data in files.items()])
        elif rest[:1] in ([], ["revision"]):
            siblings = [{"rfilename": name} for name in files]
            facts = {"_id": "0", "id": repository, "modelId": repository, "sha": self.commit(files)}
            self.answer(200, facts | {"private": False, "tags": [], "siblings": siblings})
        elif rest[0] == "resolve" and "/".join(rest[2:]) in files:
            data = files["/".join(rest[2:])]
            headers = {"X-Repo-Commit": self.commit(files), "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
            self.answer(200, data, headers)
        else:
            self.answer(404, {"error": "no such file"}, {"X-Error-Code": "EntryNotFound"})

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

    @staticmethod
    def commit(files: dict[str, bytes]) -> str:
        return hashlib.sha1(b"".join(k.encode() + v for k, v in files.items())).hexdigest()

    def answer(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
