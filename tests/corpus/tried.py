"""One file at a time through everything of `tasks/audio`, as the flow calls it, in a process that is watched.

The process answers a line of JSON with a line of JSON. Its peak of memory is set back before each file, so that no
file hides another; one that hangs or dies is replaced. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.audio.resample import Samples
from tasks.intervals import Span
from tasks.records import Part
from tests.corpus import KINDS
from tests.corpus.kinds import TALK_S

LIMIT_S = 30.0
"""So long may a file of six seconds take."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a file. `outcome`: success, refused, or broken: an exception that nobody foresaw, a hang."""

    outcome: str
    message: str = ""
    took_s: float = 0.0
    peak_mb: float = 0.0
    grown_mb: float = 0.0
    duration_s: float = 0.0
    speech_s: float = 0.0
    off_ms: float = 0.0
    """How far a span decoded by itself lies from that span of the whole."""
    likeness: float = 1.0
    """Of those two, 1.0 where they are the same but for that."""
    odd: str = ""
    """Samples that no engine should be given."""


class Trier:
    """A process that tries files. Close it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Trier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._process is not None:
            self.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    if pipe is not None:
                        pipe.close()
            self._process = None

    def kill(self) -> None:
        """End the process as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __call__(self, path: Path, kind: str | None = None) -> Tried:
        """Try the file at `path`; with a kind's name, what happens to that one meanwhile happens."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.corpus.tried"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, bufsize=1, cwd=Path(__file__).parents[2],
            )  # fmt: skip
            self._answer()  # it is ready
        asked = time.monotonic()
        self._say({"path": str(path), "kind": kind})
        answer = self._answer()
        took_s = time.monotonic() - asked
        if answer is None:
            ended = self._process.poll()
            self.close()
            what = f"no answer in {LIMIT_S:.0f} s" if ended is None else f"the process died ({ended})"
            return Tried("broken", what, took_s)
        return Tried(took_s=took_s, **answer)

    def _say(self, question: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None  # noqa: PT018
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()

    def _answer(self) -> dict[str, Any] | None:
        assert self._process is not None and self._process.stdout is not None  # noqa: PT018
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(LIMIT_S):
                return None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


def main(arguments: Sequence[str] | None = None) -> None:
    """The watched process."""
    import warnings

    from tasks.audio.speech_map import load

    warnings.simplefilter("error")
    detect = load().find_speech
    print("{}", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        before_mb = _peak_mb(fresh=True)
        try:
            answer = {"outcome": "success"} | through(Path(asked["path"]), asked["kind"], detect)
        except Exception as error:
            answer = {
                "outcome": _outcome(error),
                "message": str(error) if _outcome(error) == "refused" else repr(error),
            }
        peak_mb = _peak_mb()
        print(json.dumps(answer | {"peak_mb": peak_mb, "grown_mb": peak_mb - before_mb}), flush=True)


def through(path: Path, kind: str | None, detect: Any) -> dict[str, Any]:
    """Probe, speech map, plan, and every chunk decoded. Raises what they raise."""
    from tasks.audio.combine import probe_files
    from tasks.audio.decode import clear_cache, decode, load, reference_audio, stream
    from tasks.audio.plan import plan
    from tasks.audio.speech_map import build_speech_map
    from tasks.settings.schema import ChunkingSettings
    from tests.helpers.sound_files import measure_lag_s, measure_similarity

    clear_cache()
    recording = probe_files([path])
    meanwhile = KINDS[kind].meanwhile if kind else None
    if meanwhile is not None:
        meanwhile(path)
    audio = reference_audio(recording)
    mapped = build_speech_map(stream(audio.parts), detect, recording.duration_s)
    off_ms, alike, odd = 0.0, 1.0, ""
    for chunk in plan(recording.duration_s, mapped.speech, mapped.energy_db, ChunkingSettings()):
        if not chunk.speech:
            continue
        heard = load(audio, chunk.span)
        loudest = float(np.abs(heard).max(initial=0.0))
        if not loudest < 1e5:
            odd = f"samples of {loudest:g}"
        # The later half by itself: it has to be sought.
        later = Span(max(chunk.span.middle_s, chunk.span.end_s - TALK_S), chunk.span.end_s)
        alone = decode(audio.parts, later)
        whole = streamed(audio.parts, later)
        if whole.any() or alone.any():
            off_ms = max(off_ms, 1000 * abs(measure_lag_s(alone, whole)))
            alike = min(alike, measure_similarity(alone, whole))
    return {
        "duration_s": recording.duration_s,
        "speech_s": mapped.speech_s,
        "off_ms": off_ms,
        "likeness": alike,
        "odd": odd,
    }


def streamed(parts: Sequence[Part], span: Span) -> Samples:
    """`span` as it comes by when the whole is read."""
    from tasks.audio.decode import stream
    from tasks.records import SAMPLE_RATE_HZ

    size = round(span.duration_s * SAMPLE_RATE_HZ)
    out, at = np.zeros(size, np.float32), -round(span.start_s * SAMPLE_RATE_HZ)
    for block in stream(parts):
        part = block[max(0, -at) : max(0, size - at)]
        if len(part):
            out[max(0, at) :][: len(part)] = part
        at += len(block)
    return out


def _outcome(error: Exception) -> str:
    from tasks.errors import DaylongError

    return "refused" if isinstance(error, DaylongError) else "broken"


def _peak_mb(*, fresh: bool = False) -> float:
    """The process's peak of resident memory since it was last asked afresh; 0 where the system doesn't tell."""
    try:
        if fresh:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main()
