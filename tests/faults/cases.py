"""The cases: each hurts a run in one way, has it finished, and compares what came out with an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.commands import (
    Ended,
    Place,
    completed,
    engines_of,
    exports,
    finished,
    left_over,
    records,
    run,
    started,
    stopped,
    tables,
    unfinished_files,
)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing happened to."""

    source: Path
    place: Place
    seconds: float

    @classmethod
    def of(cls, source: Path, folder: Path) -> Undisturbed:
        place = Place.under(folder)
        ended = run(source, place)
        if ended.status:
            raise SystemExit(f"the undisturbed run failed: {ended.said}")
        return cls(source, place, ended.seconds)


@dataclass(frozen=True, slots=True)
class Result:
    case: str
    outcome: str
    same: bool
    """Exports byte for byte, tables but for what is of a run."""
    redone: int
    """Results of steps that were kept again."""
    seconds: float


def compared(case: str, outcome: str, at: Place, with_: Undisturbed, seconds: float) -> Result:
    same = exports(at) == exports(with_.place) and tables(at) == tables(with_.place)
    kept = records(at)
    redone = sum(max(0, count - kept.get(step, 0)) for step, count in completed(at).items() if step in kept)
    return Result(case, outcome, same and bool(tables(at)), redone, seconds)


def killed(undisturbed: Undisturbed, folder: Path, kills: int, seed: int) -> Result:
    """kill -9 at random moments, again and again; then left to finish."""
    at, dice = Place.under(folder), random.Random(seed)
    hit = 0
    for _ in range(kills):
        hit += stopped(undisturbed.source, at, dice.uniform(2.0, undisturbed.seconds)).status == -signal.SIGKILL
    last = run(undisturbed.source, at)
    outcome = f"killed {hit} times, then status {last.status}"
    return compared(f"kill -9, seed {seed}", outcome, at, undisturbed, last.seconds)


def asked_to_end(undisturbed: Undisturbed, folder: Path, number: signal.Signals) -> Result:
    """Ctrl-C or SIGTERM in the middle of the engines' work; then started again."""
    at = Place.under(folder)
    process = started(undisturbed.source, at)
    try:
        process.wait(0.6 * undisturbed.seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    ended = _without_burying(process)
    left = left_over(process.pid)
    finished(process)
    files = unfinished_files(at)
    last = run(undisturbed.source, at)
    told = "told how to go on" if "the same command goes on from there" in ended.said else f"said {ended.said!r}"
    outcome = (
        f"status {ended.status} after {ended.seconds:.1f} s, {told}, {len(left)} processes, {len(files)} files left"
    )
    return compared(number.name, f"{outcome}; then status {last.status}", at, undisturbed, last.seconds)


def _without_burying(process: subprocess.Popen[str]) -> Ended:
    began = time.monotonic()
    _, said = process.communicate(timeout=60)
    return Ended(process.returncode, time.monotonic() - began, said)


def engines_killed(undisturbed: Undisturbed, folder: Path) -> Result:
    """The process of the engines dies while they work, as by the kernel's memory killer; the run goes on."""
    at = Place.under(folder)
    process = started(undisturbed.source, at, "models.run_in=child")
    deaths = 0
    while process.poll() is None and not deaths:
        time.sleep(0.5)
        # They are loaded before the run needs them; once the speech is mapped, they work.
        if (pid := engines_of(process)) and records(at).get("speech-map"):
            time.sleep(0.5)
            os.kill(pid, signal.SIGKILL)
            deaths += 1
    ended = finished(process)
    return compared("engines killed", f"{deaths} death, status {ended.status}", at, undisturbed, ended.seconds)


def damaged(undisturbed: Undisturbed, folder: Path, how: str) -> Result:
    """Every third value of a finished run's store is damaged; then run again."""
    at = Place.under(folder)
    run(undisturbed.source, at)
    files = sorted(f for f in (at.cache / "artifacts").rglob("*") if f.is_file())
    hurt = files[::3]
    for file, other in zip(hurt, hurt[1:] + hurt[:1], strict=True):
        HOW[how](file, other)
    last = run(undisturbed.source, at)
    said = "said so" if "the step runs again" in last.said else f"said {last.said!r}"
    result = compared(
        f"values {how}", f"{len(hurt)} of {len(files)}; {said}; status {last.status}", at, undisturbed, 0.0
    )
    return Result(result.case, result.outcome, result.same, 0, last.seconds)


def _swap(file: Path, other: Path) -> None:
    mine, its = file.read_bytes(), other.read_bytes()
    file.write_bytes(its)
    other.write_bytes(mine)


HOW: dict[str, Callable[[Path, Path], None]] = {
    "deleted": lambda file, _: file.unlink(missing_ok=True),
    "truncated": lambda file, _: os.truncate(file, file.stat().st_size // 2),
    "swapped": _swap,
}


def disk_filled(undisturbed: Undisturbed, folder: Path) -> Result:
    """The disk with results and cache fills up once the engines are at work; then there is room again."""
    at = Place.under(folder)
    with small_disk(at.home, "20m"):
        process = started(undisturbed.source, at)
        while process.poll() is None and not records(at).get("language"):
            time.sleep(0.1)
        ballast = at.home / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        first = finished(process)
        half = [t for t in tables(at) if t == "recordings"]
        ballast.unlink()
        last = run(undisturbed.source, at)
        said = next(
            (line for line in first.said.splitlines() if "disk" in line), f"nothing of a disk: {first.said!r}"
        )
        outcome = f"status {first.status}, said: {said.replace(str(at.home), '…')}; {len(half)} half-written tables"
        return compared("full disk", f"{outcome}; then status {last.status}", at, undisturbed, last.seconds)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system in memory of that size at the folder. Raises PermissionError where we may not mount."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PermissionError(done.stderr.strip() or "no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@contextmanager
def clip(seconds: float) -> Iterator[Path]:
    """The sample's beginning, as a file in a folder of its own."""
    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    with tempfile.TemporaryDirectory(prefix="daylong-faults-") as folder:
        path = Path(folder) / "clip.flac"
        soundfile.write(path, decode(sample(), Span(0.0, seconds)), 16_000)
        yield path
