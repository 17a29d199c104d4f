"""What comes out of each recording of a folder, to be read: the text as exported, and what the run said of it.

Each file is run with profile `light`; files of several channels a second time with `audio.channels = separate`; with
`--languages de,en,fr`, all a third time with a language for every stretch, of these. `--set` gives other settings.
No figures: reading shows what error rates hide.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame

ROOT = Path(__file__).resolve().parents[2]
AUDIO = {".wav", ".flac", ".mp3", ".m4a", ".opus", ".ogg", ".mkv", ".mp4", ".webm"}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("source", type=Path, nargs="+", help="a recording, or a folder of recordings")
    parser.add_argument("--languages", help="codes with commas between")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another setting")
    given = parser.parse_args(arguments)
    files = [file for source in given.source for file in list_recordings(source)]
    files = files[:2] if given.quick else files
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="daylong-read-") as folder:
        for way, chosen, settings in plan_ways(files, given.languages):
            for file in chosen:
                texts = run(file, [*settings, *given.set], Path(folder) / way.replace(" ", "-") / file.stem)
                print(f"\n=== {file.name}, {way} ===\n{texts['said']}\n{texts['text']}", flush=True)
                found.append({"file": file.name, "way": way, **texts})
    frame.write(given.json, {"recordings": found})
    return {"recordings": found}


def list_recordings(source: Path) -> list[Path]:
    """The recordings of a folder by name; a file is itself."""
    if not source.is_dir():
        return [source]
    return sorted(file for file in source.iterdir() if file.suffix.lower() in AUDIO)


def plan_ways(files: Sequence[Path], languages: str | None) -> list[tuple[str, list[Path], list[str]]]:
    """(name of the way, files, settings)."""
    from tasks.audio.probe import probe

    several = [file for file in files if probe(file).channels > 1]
    ways = [("as it is", list(files), []), ("separate channels", several, ["audio.channels=separate"])]
    if languages:
        quoted = ",".join(f'"{code}"' for code in languages.split(","))
        settings = ["transcription.language=per-segment", f"transcription.languages=[{quoted}]"]
        ways.append(("language per segment", list(files), settings))
    return [way for way in ways if way[1]]


def run(file: Path, settings: Sequence[str], out: Path) -> dict[str, str]:
    """`daylong run` of a file: the text it exports, and its output."""
    command = [sys.executable, "-c", "from flows.cli.main import main; main()", "run", str(file)]
    command += ["--profile", "light", "--out", str(out)]
    command += [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "COLUMNS": "160"}, capture_output=True, text=True, check=False
    )
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(out.rglob("transcript.txt")))
    said = "\n".join(line for line in [*done.stderr.splitlines(), *done.stdout.splitlines()] if line.strip())
    return {"said": said if done.returncode == 0 else f"status {done.returncode}: {said}", "text": text}


if __name__ == "__main__":
    main()
