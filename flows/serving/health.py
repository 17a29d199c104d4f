"""The checks of `daylong doctor`: this machine first, then Prefect's database and server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.inbox import check_inbox, resolve_inbox
from flows.locations import resolve_device, resolve_out, resolve_store
from flows.recording.preparation import check_engines
from flows.serving.finding import Finding, missing, ok, warning
from flows.serving.inspection import inspect_database, inspect_server
from tasks.errors import DaylongError, UsageError
from tasks.intake.ledger import read_only
from tasks.intake.names import CLAIMED, LEDGER, may_be_entered, may_be_taken
from tasks.intake.scan import is_stopped
from tasks.settings.home import sample
from tasks.settings.schema import Settings
from tasks.storage.disk_space import CACHE_BYTES_S, OUT_BYTES_S
from tasks.weights import names, requirements, resolve
from tasks.weights.catalogue import Kind

MIN_BYTES_S = 3_000
"""Bytes per second of the smallest usual recordings (Opus, 24 kbit/s), to bound the recorded time in the inbox."""
MIN_FREE = 2_000_000_000
"""Free bytes on a disk below which there is a warning."""
MIN_MEMORY = {"cpu": 4_000_000_000, "cuda": 4_000_000_000}
"""Bytes of memory, by device; a day took 1.9 GB with the demo weights."""

Check = Callable[[Settings], Iterator[Finding]]


def run_checks(settings: Settings) -> Iterator[Finding]:
    """Yield all findings, in the order in which a run would meet them. A check that raises is a finding, too."""
    for inspect in (
        inspect_decoder,
        inspect_device,
        inspect_weights,
        inspect_inbox,
        inspect_room,
        inspect_database,
        inspect_server,
    ):
        try:
            yield from inspect(settings)
        except Exception as error:
            yield missing(inspect.__name__.removeprefix("inspect_"), f"could not be looked at: {error}")


def inspect_decoder(settings: Settings) -> Iterator[Finding]:
    """Check FFmpeg's libraries by decoding a second of the bundled sample."""
    import av

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.records import SAMPLE_RATE_HZ

    version = ".".join(map(str, av.library_versions["libavcodec"]))
    samples = decode(sample(), Span(60.0, 61.0))
    if len(samples) != SAMPLE_RATE_HZ or not abs(samples).max() > 0:
        yield missing("decoder", f"libavcodec {version} does not decode the bundled sample: reinstall the package av")
        return
    yield ok("decoder", f"libavcodec {version}, with PyAV {av.__version__}")


def inspect_device(settings: Settings) -> Iterator[Finding]:
    """Check the device of the engines, and its memory."""
    try:
        found = resolve_device(settings)
    except UsageError as error:
        yield missing("device", str(error))
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = f"{cores} CPU core{'' if cores == 1 else 's'}, {total / 1e9:.1f} GB of memory"
    least = MIN_MEMORY[found]
    hint = (
        f": less than {least / 1e9:.0f} GB; set models.keep = one and chunks_in_flight = 1" if total < least else ""
    )
    yield (warning if hint else ok)("device", text + hint)
    if found == "cuda":
        import torch

        for index in range(torch.cuda.device_count()):
            free, whole = torch.cuda.mem_get_info(index)
            name = torch.cuda.get_device_name(index)
            yield ok("device", f"{name}: {free / 1e9:.1f} of {whole / 1e9:.1f} GB free")


def inspect_weights(settings: Settings) -> Iterator[Finding]:
    """Check the weights of the profile: present, to be fetched, or unavailable."""
    found = resolve_device(settings)
    try:
        check_engines(settings, found)
    except UsageError as error:
        yield missing("engines", str(error))
    command = requirements.format_fetch_command(settings, found)
    for kind, name in requirements.list_required(settings, found):
        problem = resolve.find_problem(kind, name, command)
        if problem:
            yield missing("weights", problem)
        elif _is_local(kind, name):
            yield ok("weights", f"{kind}: {name}")
        else:
            yield warning("weights", f"{kind}: {name} is fetched when it is first needed; ahead of that: {command}")
    for kind, name in requirements.list_deferred(settings):
        when = "" if _is_local(kind, name) else " is not here; it is fetched if text comes without punctuation"
        yield ok("weights", f"{kind}: {name}{when}")


def _is_local(kind: Kind, name: str) -> bool:
    return names.find_local_path(name) is not None or resolve.find_here(kind, name) is not None


def inspect_inbox(settings: Settings) -> Iterator[Finding]:
    """Check the watched folder: present, writable, and not stopped."""
    folder = resolve_inbox(settings)
    try:
        check_inbox(settings)
    except DaylongError as error:
        yield missing("inbox", str(error))
        return
    if not folder.is_dir():
        yield ok("inbox", f"{folder}: is made when it is first watched")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield missing("inbox", f"{folder}: may not be read and written; what is processed is moved out of it")
    elif is_stopped(folder):
        yield warning("inbox", f"{folder}: a file STOP lies in it; nothing is taken until it is removed")
    else:
        yield ok("inbox", str(folder))


def inspect_room(settings: Settings) -> Iterator[Finding]:
    """Check the free space of results and cache against what the recordings in the inbox need."""
    recordings = _list_waiting(settings)
    size = sum(f.stat().st_size for f in recordings)
    need = size / MIN_BYTES_S * (CACHE_BYTES_S + OUT_BYTES_S)
    store = resolve_store(settings).root
    folders = [resolve_out(settings), *([] if "://" in store else [Path(store)])]
    waits = f"{len(recordings):,} file{'' if len(recordings) == 1 else 's'} of {size / 1e9:.1f} GB in the inbox"
    for folder in {_find_existing(f).stat().st_dev: _find_existing(f) for f in folders}.values():
        free = shutil.disk_usage(folder).free
        text = f"{folder}: {free / 1e9:.1f} GB free; {waits}, whose results take {need / 1e9:.1f} GB at most"
        if not os.access(folder, os.W_OK):
            yield missing("disk", f"{folder}: may not be written to")
        elif free < need:
            yield missing("disk", f"{text}. Make room: daylong cache prune --older-than 30d")
        else:
            yield (warning if free < MIN_FREE else ok)("disk", text)


def _list_waiting(settings: Settings) -> list[Path]:
    """List the recordings in the inbox that are still to be processed, by their names and the ledger."""
    folder = resolve_inbox(settings)
    if not folder.is_dir():
        return []
    ledger = read_only(folder / LEDGER) if settings.inbox.after == "keep" else None
    kept: dict[Path, str] = {}
    if ledger is not None:
        with ledger as opened:
            kept = opened.read_kept(settings.digest())
    files = (f.relative_to(folder) for f in folder.rglob("*") if f.is_file() and not f.is_symlink())
    waiting = (f for f in files if may_be_taken(f.name) and all(map(_is_looked_into, f.parts[:-1])))
    return [folder / f for f in waiting if not {f, *f.parents} & kept.keys()]


def _is_looked_into(name: str) -> bool:
    return name == CLAIMED or may_be_entered(name)  # what is under way still takes room


def _find_existing(folder: Path) -> Path:
    return next(f for f in (folder, *folder.parents) if f.exists())
