"""References in structured files: SegLST and Praat's TextGrid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import UsageError
from tasks.evaluation.aligner_tiers import choose_tiers, clean_label
from tasks.evaluation.line_formats import parse_interval, read_text
from tasks.evaluation.utterances import Remark, Utterance
from tasks.paths import suggest_path


def read_seglst(path: Path) -> Iterator[tuple[str, Utterance]]:
    """Each segment with its session's name: a JSON list of session_id, speaker, start_time, end_time, words (the form
    of the CHiME challenges and of MeetEval)."""
    try:
        segments = json.loads(read_text(path))
        if not isinstance(segments, list):
            raise ValueError("not a list")
        for number, segment in enumerate(segments, start=1):
            where = f"{path}, segment {number}"
            start, end = parse_interval(segment["start_time"], segment["end_time"], where)
            yield (
                str(segment["session_id"]),
                Utterance(start, end, str(segment["speaker"]), str(segment.get("words", "")).strip()),
            )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: not a list of SegLST segments ({error!r}).") from None


def read_textgrid(path: Path) -> Iterator[tuple[str, Utterance | Remark]]:
    """Each labelled interval, with the file's stem; a tier is a speaker (Praat's manual, "TextGrid file formats");
    `aligner_tiers` tells those of forced aligners."""
    from praatio import textgrid
    from praatio.utilities.errors import PraatioException

    try:
        with path.open("rb"):
            grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False, duplicateNamesMode="rename")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file. {suggest_path(path)}") from None
    except (OSError, PraatioException, ValueError, IndexError, KeyError, TypeError, AssertionError) as error:
        raise UsageError(f"{path}: cannot be read as a TextGrid ({type(error).__name__}: {error}).") from None
    # Points have no length, so nobody speaks in them.
    tiers = {tier.name: tier for tier in grid.tiers if isinstance(tier, textgrid.IntervalTier)}
    speakers, left_out = choose_tiers(list(tiers))
    for name, speaker in speakers.items():
        for start, end, label in tiers[name].entries:
            text = label.strip() if name == speaker else clean_label(label)
            if text is not None:
                yield path.stem, Utterance(*parse_interval(start, end, str(path)), speaker, text)
    if left_out:
        tiers_are = "tier is" if len(left_out) == 1 else "tiers are"
        yield path.stem, Remark(f"{path}: {len(left_out)} {tiers_are} left out: {', '.join(left_out)}.")
