"""Real readers and meetings with the weights of profile `light`: who speaks when, and the words.

Conversations composed of real readers (`tests.simulation.conversation`) with and without overlapping speech, people
who leave and return, and music; and openings of real meetings (AMI). DAYLONG_TEST_DATA names the recordings' folder;
the turns are what the speech map finds in each utterance by itself, before it is mixed. Error rates have no collar
and score overlapping speech. `--name` picks recordings, `--engines` what finds turns, `--set` other settings.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame
from tests.simulation.conversation import RATE, Conversation, Utterance, converse, read_utterances

ENGINES = ("clustering", "segmentation")
QUICK = ("four_15", "ami_EN2005a", "ami_ES2003_ab")
RATES = (
    "der", "missed", "false_alarm", "confusion", "der_collar", "wer", "wer_normalized", "cpwer", "cpwer_normalized",
)  # fmt: skip
COLUMNS = [
    "", "speakers", "DER", "missed", "false alarm", "confusion", "collar", "WER", "normalised", "cpWER", "normalised",
]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--name", action="append", help="only this recording")
    parser.add_argument("--engines", default=",".join(ENGINES), help="of diarization.engine, with commas between")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another setting")
    given = parser.parse_args(arguments)
    wanted = given.name or (QUICK if given.quick else None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        os.environ["PREFECT_LOCAL_STORAGE_PATH"] = f"{folder}/results"
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
        found = [
            measure(path, reference, engine, given.set, folder)
            for path, reference in recordings(folder, wanted)
            for engine in given.engines.split(",")
        ]
    rows = [[f"{r['name']}, {r['engine']}", f"{r['found']} of {r['speakers']}", *_cells(r)] for r in found]
    frame.show("Real voices (error rates in percent, no collar, overlapping speech scored)", COLUMNS, rows)
    figures = {"recordings": found}
    frame.write(given.json, figures)
    return figures


def _cells(figures: dict[str, Any]) -> list[str]:
    return ["" if figures[r] is None else f"{100 * figures[r]:.1f}" for r in RATES]


def recordings(folder: Path, wanted: Sequence[str] | None = None) -> Iterator[tuple[Path, Any]]:
    """(file, reference) of each recording, made in `folder`."""
    import soundfile

    from tasks.evaluation.references import Reference, read_references
    from tasks.evaluation.utterances import Utterance as Words
    from tasks.records import Turn

    root = Path(__file__).resolve().parents[2]
    data = Path(os.environ.get("DAYLONG_TEST_DATA", root.parent / "shared" / "data"))
    if not data.is_dir():
        raise SystemExit(f"{data}: no real recordings here (DAYLONG_TEST_DATA names their folder)")
    for name, talk in conversations(data, wanted):
        path = folder / f"{name}.flac"
        soundfile.write(path, talk.samples, RATE)
        turns = tuple(Turn(a, b, who) for a, b, who in talk.turns)
        words = tuple(Words(a, b, who, text) for a, b, who, text in talk.utterances if text)
        yield path, Reference(name, turns, words if len(words) == len(talk.utterances) else ())
    for path in sorted((data / "meetings").glob("*.flac")):
        if wanted is None or path.stem in wanted:
            (reference,) = read_references([path.with_suffix(".rttm")], path.with_suffix(".uem")).values()
            yield path, reference


def conversations(data: Path, wanted: Sequence[str] | None = None) -> Iterator[tuple[str, Conversation]]:
    """The composed recordings, by name."""
    from tasks.audio.speech_map import load

    silero = load()

    def detect(samples: Any) -> list[tuple[float, float]]:
        return [(float(s.start_s), float(s.end_s)) for s in silero.find_speech(samples)]

    six = list(read_utterances(data / "readers").values())
    single = list(read_utterances(data / "voices", least_s=10).values())
    four, five = ([own[:8] for own in part] for part in (six[:4], six[1:]))

    def ten(*more: int) -> list[list[Utterance]]:
        return [*six, *(list(_thirds(single[k][0])) for k in more)]

    made: dict[str, dict[str, Any]] = {
        "two_15": {"readers": [own[:8] for own in six[4:]], "overlap": 0.15, "seed": 5},
        "four_0": {"readers": four, "seed": 1},
        "four_8": {"readers": four, "overlap": 0.08, "seed": 2},
        "four_15": {"readers": four, "overlap": 0.15, "seed": 3},
        "four_music_10": {"readers": four, "music_db": 10.0, "seed": 9},
        "five_returns": {"readers": five, "absent": (1, 3), "seed": 4},
        "six_15": {"readers": [own[:7] for own in six], "overlap": 0.15, "seed": 8},
        "ten_0": {"readers": ten(10, 60, 110, 160), "seed": 6},
        "ten_8": {"readers": ten(20, 70, 120, 170), "overlap": 0.08, "seed": 7},
        "ten_hour": {"readers": ten(10, 60, 110, 160), "minutes": 60.0, "seed": 10},
    }
    for name, how in made.items():
        if wanted is None or name in wanted:
            yield name, converse(how.pop("readers"), detect=detect, **how)


def _thirds(spoken: Utterance) -> Iterator[Utterance]:
    size = len(spoken.samples) // 3
    for i in range(3):
        yield Utterance(spoken.reader, spoken.samples[i * size : (i + 1) * size])


def measure(path: Path, reference: Any, engine: str, settings: Sequence[str], folder: Path) -> dict[str, Any]:
    """Scores of one recording with one diarizer."""
    from flows.process_recording import process_recording
    from tasks.dataset.read import read_transcript
    from tasks.evaluation.hypotheses import read_from_transcript
    from tasks.evaluation.score import score_recording
    from tasks.settings.load import as_parameters

    out = folder / engine
    plain = {
        "profile": "light", "out": str(out), "cache": {"store": str(folder / "store")},
        "transcription": {"language": "en"}, "diarization": {"engine": engine}, "voices": {"mode": "never"},
    }  # fmt: skip
    given = as_parameters(plain, settings)
    outcome: Any = process_recording(str(path), given)  # type: ignore[call-overload]
    score = score_recording(reference, read_from_transcript(read_transcript(out, outcome["recording_id"])))
    assert score.diarization is not None
    rates = ("der", "missed", "false_alarm", "confusion", "der_collar")
    return {
        "name": reference.name,
        "engine": engine,
        "speakers": score.diarization.speakers_reference,
        "found": score.diarization.speakers_found,
        **{rate: getattr(score.diarization, rate) for rate in rates},
        "wer": score.words.wer if score.words else None,
        "wer_normalized": score.normalized.wer if score.normalized else None,
        "cpwer": score.words.cpwer if score.words else None,
        "cpwer_normalized": score.normalized.cpwer if score.normalized else None,
    }


if __name__ == "__main__":
    main()
