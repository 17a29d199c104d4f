"""Forms as they come over the wire: in pieces, cut off, huge, hostile."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.http import uploads
from flows.http.errors import ApiError
from flows.http.uploads import Room, Upload, decode_data_url, make_file_name, receive

BOUNDARY = "----boundary"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
SOUND = b"RIFF\r\n--\r\n----bound" + bytes(range(256)) * 40


def part(disposition: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


WHOLE = form(
    part('name="model"', b"whisper-1"), part('name="file"; filename="a b.wav"', SOUND), part('name="x[]"', b"1")
)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "uploads", 1_000_000, 2_000_000, tmp_path)


def take(body: bytes, room: Room, size: int = 65_536, content_type: str = CONTENT_TYPE) -> Upload:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), size):
            yield body[at : at + size]

    async def take_in() -> Upload:
        async with room.reserve(None) as count:
            return await receive(pieces(), content_type, room.folder, count)

    return asyncio.run(take_in())


@pytest.mark.parametrize("size", [1, 7, 1000, 65_536])
def test_a_form_is_the_same_in_pieces_of_any_size(room: Room, size: int) -> None:
    upload = take(WHOLE, room, size)
    assert upload.fields == [("model", "whisper-1"), ("x[]", "1")]
    assert upload.file is not None
    assert upload.file.name == "a b.wav"
    assert upload.file.read_bytes() == SOUND
    assert upload.sha256 == hashlib.sha256(SOUND).hexdigest()
    assert upload.size_bytes == len(SOUND)
    upload.discard()
    assert list(room.folder.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        WHOLE[:-4],
        WHOLE[: len(WHOLE) // 2],
        form(part('name="file"; filename="a"', b"1"), part('name="file"; filename="b"', b"2")),
        WHOLE.replace(b"Content-Disposition", b"Content Disposition"),
    ],
)
def test_what_is_no_whole_form_is_refused_and_nothing_of_it_is_left(room: Room, body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        take(body, room)
    assert caught.value.status == 400
    assert not room.folder.exists() or list(room.folder.iterdir()) == []


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data", "text/plain; boundary=x"])
def test_other_content_types_are_refused(room: Room, content_type: str) -> None:
    with pytest.raises(ApiError, match="form is wanted"):
        take(WHOLE, room, content_type=content_type)


def test_too_large_uploads_and_too_many_fields_are_refused(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApiError) as caught:
        take(form(part('name="file"; filename="a"', bytes(1_100_000))), room)
    assert caught.value.status == 413
    with pytest.raises(ApiError) as caught:
        take(form(*(part(f'name="f{i}"', b"") for i in range(uploads.MAX_FIELDS + 1))), room)
    assert caught.value.status == 413
    monkeypatch.setattr(uploads, "MAX_FIELD_BYTES", 1000)
    with pytest.raises(ApiError) as caught:
        take(form(part('name="prompt"', bytes(2000))), room)
    assert caught.value.status == 413
    assert list(room.folder.iterdir()) == []


def test_uploads_beyond_the_quota_are_refused_before_they_come(room: Room) -> None:
    room.folder.mkdir()
    (room.folder / "waiting").write_bytes(bytes(1_500_000))

    async def reserve(*sizes: int | None) -> None:
        async with AsyncExitStack() as stack:
            for size in sizes:
                await stack.enter_async_context(room.reserve(size))

    def refused(*sizes: int | None) -> ApiError:
        with pytest.raises(ApiError) as caught:
            asyncio.run(reserve(*sizes))
        assert room.receiving == 0
        return caught.value

    assert refused(600_000).status == 503
    assert "Retry-After" in refused(600_000).headers
    assert refused(300_000, 300_000).status == 503
    assert refused(1_000_001).status == 413
    asyncio.run(reserve(250_000, 250_000, None))


def test_an_upload_of_unknown_length_ends_at_the_quota(room: Room) -> None:
    room.folder.mkdir()
    (room.folder / "waiting").write_bytes(bytes(1_500_000))
    with pytest.raises(ApiError) as caught:
        take(form(part('name="file"; filename="a"', bytes(600_000))), room)
    assert caught.value.status == 503
    assert [f.name for f in room.folder.iterdir()] == ["waiting"]


def test_files_of_other_names_are_ignored(room: Room) -> None:
    upload = take(form(part('name="cover"; filename="c.png"', b"png"), part('name="model"', b"x")), room)
    assert upload.file is None
    assert upload.fields == [("model", "x")]


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "..\\..\\x.wav", "job.json", ".hidden", "a\x00b\n.wav", "~/x.mp3"]
)
def test_hostile_names_stay_in_the_folder(room: Room, name: str) -> None:
    upload = take(form(part(f'name="file"; filename="{name}"', b"x")), room)
    assert upload.file is not None
    assert upload.file.parent == upload.folder
    assert upload.folder.parent == room.folder
    assert not upload.file.name.startswith(".")


@given(st.text())
def test_any_name_becomes_one_that_the_file_system_takes(name: str) -> None:
    made = make_file_name(name.encode("utf-8", "replace").decode())
    assert 0 < len(made.encode()) <= 140
    assert "/" not in made
    assert made.isprintable()
    assert not made.startswith(".")
    assert make_file_name(made) == made


@pytest.mark.parametrize("start", ["data:audio/wav;base64,", "DATA:Audio/WAV;BASE64,", "data:;base64,"])
def test_data_urls_are_read_in_any_letter_case(start: str) -> None:
    assert decode_data_url(f" {start}UklG\nRg%3D%3D ", "known_speaker_references") == b"RIFF"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data:",
        "data:audio/wav;base64,",
        "http://x",
        "data:audio/wav;base64,%",
        "data:audio/wav,abc",
        "data:a;base64,A",
    ],
)
def test_what_is_no_data_url_is_refused(url: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_data_url(url, "known_speaker_references")
    assert caught.value.param == "known_speaker_references"
