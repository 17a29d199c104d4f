"""Objects that machines share: the same contract in a bucket and in a folder, and one clear line for each failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.errors import DaylongError, MachineFault, NoRoom, TransientError, UsageError
from tasks.sharing.bucket import Bucket
from tasks.sharing.connect import check_objects, open_objects
from tasks.sharing.folder import Folder
from tasks.sharing.objects import OTHER, Conflict, Objects
from tests.helpers.s3_server import run_s3_bucket


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with run_s3_bucket() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return Folder(f"file://{tmp_path}")
    return Bucket(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")


def test_what_is_written_is_read(objects: Objects) -> None:
    assert objects.get("a/b.json") is None
    assert objects.find("a/b.json") is None
    tag = objects.put("a/b.json", b"one")
    held = objects.get("a/b.json")
    assert held is not None
    assert (held.data, held.tag) == (b"one", tag)
    assert abs(held.modified_at - time.time()) < 60
    facts = objects.find("a/b.json")
    assert facts is not None
    assert (facts.name, facts.size) == ("a/b.json", 3)
    assert objects.put("a/b.json", b"two") != tag


def test_names_may_be_any_text(objects: Objects) -> None:
    name = "exports/Bücher & [1] 50%+?-3f/transcript.srt"
    objects.put(name, b"x")
    assert [facts.name for facts in objects.list("exports/")] == [name]
    held = objects.get(name)
    assert held is not None
    assert held.data == b"x"


def test_a_listing_has_what_begins_so(objects: Objects) -> None:
    for name in ("a/1", "a/2", "ab/3", "b"):
        objects.put(name, b"")
    assert [f.name for f in objects.list("a")] == ["a/1", "a/2", "ab/3"]
    assert [f.name for f in objects.list("a/")] == ["a/1", "a/2"]
    assert list(objects.list("nothing/")) == []
    objects.delete("a/1")
    objects.delete("a/1")
    assert [f.name for f in objects.list("")] == ["a/2", "ab/3", "b"]


def test_of_several_who_write_a_new_object_one_succeeds(objects: Objects) -> None:
    assert count_winners(lambda n: objects.put_new("lease", str(n).encode())) == 1
    held = objects.get("lease")
    assert held is not None
    assert held.data.decode().isdecimal()


def test_of_several_who_replace_the_same_content_one_succeeds(objects: Objects) -> None:
    tag = objects.put_new("state", b"before")
    assert count_winners(lambda n: objects.replace("state", str(n).encode(), tag)) == 1


def test_nothing_is_replaced_that_is_not_there(objects: Objects) -> None:
    with pytest.raises(Conflict):
        objects.replace("gone", b"x", OTHER)
    assert objects.get("gone") is None


def test_a_storage_is_checked_with_its_conditions(objects: Objects) -> None:
    check_objects.cache_clear()
    check_objects(objects.url)
    assert list(objects.list("")) == []


def count_winners(write: Callable[[int], object]) -> int:
    won = []

    def compete(number: int) -> None:
        try:
            write(number)
            won.append(number)
        except Conflict:
            pass

    threads = [threading.Thread(target=compete, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(won)


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "http://x/y", "file://x", "bucket/prefix"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="write s3://bucket/prefix, or file:///folder"):
        open_objects(url)


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(UsageError, match=r"^storage = s3://mistyped/x: there is no bucket mistyped\. Make it"):
        check_objects("s3://mistyped/x")


ONCE = {"total_max_attempts": 1}


class FailingServer(ThreadingHTTPServer):
    """Answers each request by a status and an error code of S3's, or, with None, not at all."""

    answer: tuple[int, str] | None = None
    over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # clients wait a second for "100 Continue"
    server: FailingServer

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.answer is None:
            self.server.over.wait(10)
            self.close_connection = True
            return
        status, code = self.server.answer
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no more</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


Failing = tuple[FailingServer, Bucket, Bucket]


@pytest.fixture(scope="module")
def failing() -> Iterator[Failing]:
    """The server, a client that waits for its answers, and one that soon gives up."""
    server = FailingServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        patch.setenv("AWS_ACCESS_KEY_ID", "tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server.answer = (500, "InternalError")
        patient, hasty = (Bucket("s3://recordings/x", retries=ONCE, read_timeout=s) for s in (60, 0.2))
        for objects in (patient, hasty):
            with pytest.raises(TransientError):
                objects.get("a")  # connected
    yield server, patient, hasty
    server.over.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((500, "InternalError"), TransientError, "the store fails now"),
        ((503, "SlowDown"), TransientError, "the store fails now"),
        ((507, "XMinioStorageFull"), NoRoom, "the bucket is full"),
        ((403, "XMinioAdminBucketQuotaExceeded"), NoRoom, "the bucket is full"),
        ((403, "AccessDenied"), MachineFault, "access is refused (AccessDenied)"),
        ((403, "SignatureDoesNotMatch"), MachineFault, "See to its credentials"),
        ((404, "NoSuchBucket"), MachineFault, "there is no bucket"),
        ((501, "NotImplemented"), MachineFault, "doesn't know what is asked for"),
        (None, TransientError, "can't be reached now"),
    ],
)
def test_each_failure_of_a_store_is_one_line(
    failing: Failing,
    answer: tuple[int, str] | None,
    error: type[DaylongError],
    said: str,
) -> None:
    server, patient, hasty = failing
    server.answer = answer
    objects = patient if answer else hasty
    for write in (lambda: objects.put("a", b"1"), lambda: objects.put_new("a", b"1"), lambda: objects.get("a")):
        with pytest.raises(DaylongError) as raised:
            write()
        assert type(raised.value) is error
        assert said in str(raised.value)
        assert str(raised.value).startswith("s3://recordings/x: ")
        assert "\n" not in str(raised.value)


def test_a_store_without_conditions_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Folder, "put_new", Folder.put)
    check_objects.cache_clear()
    open_objects.cache_clear()
    with pytest.raises(UsageError, match="ignores conditions"):
        check_objects(f"file://{tmp_path}")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TransientError, match="fails now"):
        Folder(f"file://{tmp_path}/file").put("a/b", b"1")
