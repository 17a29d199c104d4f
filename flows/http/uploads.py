"""Receive a form as it comes: files onto the disk in pieces, so that memory stays flat, and fields into memory."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import shutil
import unicodedata
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from flows.http.errors import ApiError, refuse
from flows.http.tally import Tally

MAX_FIELDS = 1_000
MAX_FIELD_BYTES = 16_000_000
"""Of all fields together: data URLs of known speakers are among them."""
MAX_NAME_BYTES = 120
NAMELESS = "audio"


@dataclass(slots=True)
class Upload:
    """A received form: its fields, and the file with its digest if it had one, in a folder of its own."""

    folder: Path
    fields: list[tuple[str, str]] = field(default_factory=list)
    file: Path | None = None
    sha256: str = ""
    size_bytes: int = 0

    def discard(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(slots=True)
class Room:
    """The folder of uploads, its quota, and how many bytes of it are taken."""

    folder: Path
    max_bytes: int
    quota_bytes: int
    counted: Path
    """The folder whose files the quota is for."""
    tally: Tally = field(default_factory=Tally)
    """Of the bytes of uploads that are being received."""
    held: int = 0
    """Bytes of the others, when that was last measured."""

    @property
    def receiving(self) -> int:
        """Bytes of the uploads that are being received, by all processes that receive them."""
        return self.tally.total()

    def measure(self) -> int:
        """Bytes of the uploads that wait or are worked on."""
        if not self.counted.is_dir():
            return 0
        return sum(f.lstat().st_size for f in self.counted.rglob("*") if f.is_file() and not f.is_symlink())

    @asynccontextmanager
    async def reserve(self, announced: int | None) -> AsyncIterator[Callable[[int], None]]:
        """Reserve room for an upload of the announced length, None where it is not announced.

        Yields what is to be called with the number of bytes received so far. Raises ApiError: 413 for more than one
        upload may have, 503 where there is no room now.
        """
        self.held = await asyncio.to_thread(self.measure)
        reserved = 0

        def take(size: int) -> None:
            nonlocal reserved
            if size > self.max_bytes:
                raise _too_large(self.max_bytes)
            more = max(0, size - reserved)
            if reserved and not more:
                return
            with self.tally.locked():
                if self.held + self.tally.total() + more > self.quota_bytes:
                    headers = {"Retry-After": "60"}
                    raise ApiError(503, "There is no room for another upload now.", code="no_room", headers=headers)
                self.tally.add(more)
            reserved += more

        try:
            take(announced or 0)
            yield take
        finally:
            self.tally.add(-reserved)


async def receive(
    body: AsyncIterator[bytes], content_type: str, folder: Path, take: Callable[[int], None] = lambda _: None
) -> Upload:
    """Receive a form (multipart/form-data) into a folder within `folder`. Raises ApiError (400) for what is no form.

    `take` is called with the number of bytes so far; what it raises ends the upload.

    What was received of a form that fails or is cut off is removed.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise refuse("A form is wanted: Content-Type: multipart/form-data, with its boundary.")
    upload = Upload(folder / uuid.uuid4().hex)
    reader = _FormReader(upload)
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        total = 0
        async for piece in body:
            total += len(piece)
            take(total)
            parser.write(piece)
        parser.finalize()
        if not reader.ended:
            raise refuse("The form ends before its last boundary.")
    except FormParserError as error:
        upload.discard()
        raise refuse(f"The form can't be read: {error}.") from None
    except BaseException:
        upload.discard()
        raise
    finally:
        reader.close()
    return upload


class _FormReader:
    """The callbacks of the parser: they collect a part's headers, then its content."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._name, self._content = "", bytearray()
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._skips = False
        self._bytes = 0
        self.ended = False

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_header,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._add_content,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _begin(self) -> None:
        self._headers, self._content, self._name, self._skips = {}, bytearray(), "", False

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _open(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        given = options.get(b"filename")
        if self._name == "file":
            if self._upload.file is not None:
                raise refuse("The form has more than one file.", "file")
            name = make_file_name((given or b"").decode("utf-8", "replace"))
            self._upload.folder.mkdir(parents=True)
            self._upload.file = self._upload.folder / name
            self._file = open(self._upload.file, "xb")  # noqa: SIM115  # closed at the part's end, in another callback
        elif given is not None:
            self._skips = True  # an unknown file is an unknown field: ignored, and not kept

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._file is not None:
            self._file.write(piece)
            self._hash.update(piece)
            self._upload.size_bytes += len(piece)
        elif not self._skips:
            self._bytes += len(piece)
            if self._bytes > MAX_FIELD_BYTES:
                raise ApiError(413, f"The fields of the form have more than {MAX_FIELD_BYTES // 10**6} MB.")
            self._content += piece

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._upload.sha256 = self._hash.hexdigest()
        elif not self._skips:
            if len(self._upload.fields) >= MAX_FIELDS:
                raise ApiError(413, f"The form has more than {MAX_FIELDS} fields.")
            self._upload.fields.append((self._name, self._content.decode("utf-8", "replace")))

    def _finish(self) -> None:
        self.ended = True


def make_file_name(given: str) -> str:
    """Make a safe file name of the one that a client gives: no folders, no hidden or control characters, not long.

    >>> make_file_name("../../etc/passwd"), make_file_name("C:\\\\talks\\\\one.mp3"), make_file_name("..")
    ('passwd', 'one.mp3', 'audio')
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    name = "".join(c if c.isprintable() and c not in '<>:"|?*\ufffd' else "_" for c in name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > 12:
        stem, dot, suffix = name, "", ""
    while len(stem.encode()) + len(suffix.encode()) > MAX_NAME_BYTES:
        stem = stem[:-1]
    return (stem.strip() or NAMELESS) + dot + suffix


def decode_data_url(url: str, param: str) -> bytes:
    """Decode a data URL of a sound. Raises ApiError (400).

    >>> decode_data_url("data:audio/wav;base64,UklGRg==", "known_speaker_references")
    b'RIFF'
    """
    match = re.fullmatch(r"data:([\w.+/;=\" -]{0,200});base64,([\w+/=\s%-]+)", url.strip(), re.ASCII | re.IGNORECASE)
    if match is None:
        raise refuse(f"{param}: each is a data URL: data:audio/wav;base64,….", param)
    try:
        return base64.b64decode("".join(unquote(match[2]).split()), altchars=None, validate=True)
    except (binascii.Error, ValueError):
        raise refuse(f"{param}: what follows base64, is not base64.", param) from None


def _too_large(most: int) -> ApiError:
    return ApiError(
        413, f"The upload has more than {most / 1e9:g} GB, serve.max_upload_gb.", param="file", code="file_too_large"
    )
