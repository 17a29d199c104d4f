"""Resumable downloads of large files from the hub; a file gets its final name once its digest has been verified.

huggingface_hub resumes within one process, but discards partial files when the process ends; a model of 2 GB over a
poor line would never arrive. The layout of its cache is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import lock_descriptor

Advance = Callable[[int], object]
"""Called with the number of bytes that arrived; negative for bytes that had to be discarded."""


class WrongChecksum(Exception):
    """A complete download whose SHA-256 differs from the hub's."""


def download_file(url: str, blob: Path, size: int, sha256: str, advance: Advance) -> None:
    """Download `url` into the file `blob`, resuming from `<blob>.incomplete` if it exists.

    Raises `WrongChecksum`, and what huggingface_hub raises where the network or the hub fails.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # it is exported lazily

    blob.parent.mkdir(parents=True, exist_ok=True)
    partial = blob.with_name(f"{blob.name}.incomplete")
    with open(partial, "ab") as file:
        # Without working locks (some network file systems), two processes may mix bytes: the digest reveals it.
        lock_descriptor(file.fileno())
        if blob.is_file() and blob.stat().st_size == size:  # another process was faster
            if partial.exists() and not os.path.samefile(partial, blob):
                partial.unlink()
            return
        while True:
            begun = file.seek(0, os.SEEK_END)
            if begun > size:
                begun = file.truncate(0)
            http_get(
                url,
                file,
                resume_size=begun,
                headers=build_hf_headers(),
                expected_size=size,
                tqdm_class=_make_progress_class(advance, begun),
            )
            file.flush()
            if compute_file_digest(partial) == sha256:
                os.fsync(file.fileno())
                os.replace(partial, blob)
                return
            file.truncate(0)
            advance(-size)
            if not begun:
                partial.unlink()
                raise WrongChecksum(url)


def compute_file_digest(file: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _make_progress_class(advance: Advance, begun: int) -> Any:
    """A replacement for the tqdm class of huggingface_hub that reports newly arrived bytes to `advance`."""

    class Bar:
        def __init__(self, *_: Any, initial: int = 0, **__: Any) -> None:
            advance(initial - begun)  # less than 0 where the server sends it all again

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, n: float | None = 1) -> None:
            advance(int(n or 0))

    return Bar


def explain_failure(error: BaseException) -> str:
    """Explain in one line why a download failed and what to do."""
    chain = list(_iterate_causes(error))
    for cause in chain:
        response = getattr(cause, "response", None)
        if response is not None:
            return _explain_status(int(response.status_code), response.headers)
    for cause in chain:
        kinds = {kind.__name__ for kind in type(cause).__mro__}
        if isinstance(cause, WrongChecksum):
            return (
                f"{str(cause).rsplit('/', 1)[-1]} arrived with a wrong checksum and was thrown away; try again, "
                f"and if it stays so, ask who runs {hub_host()} or the proxy before it"
            )
        if "OfflineModeIsEnabled" in kinds:
            return "HF_HUB_OFFLINE is set; unset it to fetch"
        if "TransportError" in kinds or isinstance(cause, ConnectionError | TimeoutError):
            said = next(iter(str(cause).splitlines()), "") or type(cause).__name__
            return (
                f"{hub_host()} cannot be reached or went away ({said}); check the network, proxies and HF_ENDPOINT, "
                "then try again: it goes on where it stopped"
            )
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return f"{cause.filename or 'the cache'}: {cause.strerror}"
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _iterate_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _explain_status(status: int, headers: Any) -> str:
    if status in (401, 403):
        return (
            f"{hub_host()} refuses access ({status}): private, gated or not there; set HF_TOKEN to a token that may "
            "read it (and accept its terms on its page, if it has any)"
        )
    if status == 404:
        return f"{hub_host()} has no such repository or file (404); check the name, and HF_ENDPOINT if it is set"
    if status == 429:
        after = str(headers.get("Retry-After") or "")
        wait = f"{after} s" if after.isdigit() else "a few minutes"
        return (
            f"{hub_host()} has had too many requests (429); wait {wait}, then try again "
            "(a token, HF_TOKEN, allows more)"
        )
    return f"{hub_host()} answers {status}; try again later"


def hub_host() -> str:
    """Host name of the hub in use, without credentials that its address may hold."""
    from huggingface_hub import constants

    return str(constants.ENDPOINT).split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]
