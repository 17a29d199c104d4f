"""Real readers and meetings with the weights of profile `light`: who speaks when, and the words.

Conversations composed of real readers, with and without overlapping speech, with people who leave and return, with
music, over a telephone, from the other end of a room; openings of real meetings (AMI); and clips of five languages.
Beside Daylong with each diarizer, on the same sound and with the same weights: faster-whisper by itself, in order and
batched, and NeMo's spectral clustering of the whole recording. Each way in a fresh process, one after the other.

DAYLONG_TEST_DATA names the recordings' folder. Error rates have no collar and score overlapping speech; WER and cpWER
are after Whisper's normaliser. Seconds of Daylong are those of the whole run; of the others, without loading.
`--name` picks recordings, `--ways` what is measured, `--set` other settings. --quick: three short recordings. Linux
only: memory is read from /proc.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.benchmarks.real_voices.measures import measure_daylong, measure_other
from tests.benchmarks.real_voices.recordings import Recording, make_recordings
from tests.benchmarks.real_voices.ways import SPEAKERS, WORDS

ENGINES = ("segmentation", "clustering")
DAYLONG = "Daylong, "
ALL = (*(DAYLONG + engine for engine in ENGINES), *WORDS, *SPEAKERS)
QUICK = ("four_15", "ami_EN2005a", "ami_ES2003_ab")
COLUMNS = [
    "", "speakers", "DER", "missed", "false alarm", "confusion", "WER", "cpWER", "seconds", "x real time",
    "engines, MB", "peak, MB", "",
]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--name", action="append", help="only this recording")
    parser.add_argument(
        "--ways", default="; ".join(ALL), help=f"of these, with semicolons between [{'; '.join(ALL)}]"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another setting")
    given = parser.parse_args(arguments)
    ways = [way.strip() for way in given.ways.split(";")]
    if unknown := [way for way in ways if way not in ALL]:
        parser.error(f"{', '.join(unknown)}: there is {'; '.join(ALL)}")
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="daylong-voices-") as folder:
        for recording in make_recordings(Path(folder), given.name or (QUICK if given.quick else None)):
            for way in ways:
                if not _applies(recording, way):
                    continue
                figures = measure(recording, way, given.set, Path(folder))
                found.append(
                    {"name": recording.reference.name, "way": way, "minutes": recording.duration_s / 60} | figures
                )
                print(f"{recording.reference.name}, {way}: {figures.get('error') or 'done'}", flush=True)
                frame.write(given.json, {"recordings": found})
    show(found)
    return {"recordings": found}


def _applies(recording: Recording, way: str) -> bool:
    """Whether the reference has what this way finds: words or turns."""
    if way.startswith(DAYLONG):
        return bool(recording.reference.turns) or way == ALL[0]
    return bool(recording.reference.utterances if way in WORDS else recording.reference.turns)


def measure(recording: Recording, way: str, settings: Sequence[str], folder: Path) -> dict[str, Any]:
    """Figures of one recording one way."""
    if way.startswith(DAYLONG):
        return measure_daylong(recording, way.removeprefix(DAYLONG), settings, folder)
    return measure_other(recording, way, folder)


def show(found: Sequence[dict[str, Any]]) -> None:
    """The table; error rates in percent."""
    rows = [
        [
            f"{one['name']} ({one['minutes']:.1f} min), {one['way']}",
            f"{one['found']} of {one['speakers']}" if "found" in one else "",
            *(_format_percent(one.get(rate)) for rate in ("der", "missed", "false_alarm", "confusion")),
            *(_format_percent(one.get(rate)) for rate in ("wer_normalized", "cpwer_normalized")),
            *(_format_number(one.get(name), digits) for name, digits in NUMBERS),
            one.get("error", ""),
        ]
        for one in found
    ]
    what = "error rates in percent; DER without a collar, overlapping speech scored; WER and cpWER normalised"
    frame.show(f"Real voices ({what}, of characters for zh, ja, th, lo, my, km, yue)", COLUMNS, rows)


NUMBERS = (("seconds", 0), ("times_real_time", 1), ("engines_peak_mb", 0), ("peak_mb", 0))


def _format_percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _format_number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
