"""What it costs that freed memory returns to the system at once, in a process of engines: processor time by user and
kernel, and peak memory, of the recogniser and the speaker model on the bundled sample. Linux with glibc only.

--quick: its first two minutes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame

WAYS = {"returned at once": "limit_heap_growth", "kept within a call": "keep_heap_within_calls"}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--whisper", type=Path, help="folder with a CTranslate2 model (default: the bundled one)")
    given = parser.parse_args(arguments)
    seconds = 120 if given.quick else 600
    figures = {name: _measure(way, seconds, given.whisper) for name, way in WAYS.items()}
    base = figures["returned at once"]
    frame.show(
        f"the first {seconds} s of the sample, both engines, in a process of its own",
        ["freed memory is", "user s", "ratio", "kernel s", "ratio", "peak MB", "ratio"],
        [
            [name, *(v for key in ("user_s", "kernel_s", "peak_mb") for v in (one[key], one[key] / base[key]))]
            for name, one in figures.items()
        ],
    )
    frame.write(given.json, figures)
    return figures


def _measure(way: str, seconds: int, whisper: Path | None) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.heap", "child", way]
    done = subprocess.run(
        [*command, str(seconds), str(whisper or "")], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _run_engines(way: str, seconds: int, whisper: str) -> dict[str, float]:
    from tasks.audio.decode import decode
    from tasks.diarization import speaker_model
    from tasks.diarization.windows import cut_windows
    from tasks.engines import memory
    from tasks.intervals import Span
    from tasks.settings.home import demo_models, sample
    from tasks.transcription.whisper import load
    from tests.benchmarks.processes import peak_mb

    getattr(memory, way)()
    samples = decode(sample(), Span(0.0, float(seconds)))
    recogniser = load(whisper or str(demo_models() / "whisper"), compute_type="int8" if whisper else "float32")
    speakers = speaker_model.load(str(demo_models() / "speaker.nemo"))
    before = resource.getrusage(resource.RUSAGE_SELF)
    stretches = [(float(start), min(start + 28.0, seconds)) for start in range(0, seconds, 28)]
    recogniser.transcribe(samples, stretches, "en", {"batch_size": 8, "beam_size": 5})
    speakers.embed(samples, cut_windows([Span(0.0, float(seconds))]))
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "user_s": after.ru_utime - before.ru_utime,
        "kernel_s": after.ru_stime - before.ru_stime,
        "peak_mb": peak_mb(),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(_run_engines(sys.argv[2], int(sys.argv[3]), sys.argv[4])))
    else:
        main()
