"""Side files that are spelled, shaped and filled as people's are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasks.evaluation.aligner_tiers import choose_tiers
from tasks.evaluation.recording_names import RecordingName
from tasks.evaluation.references import join_references, read_references, read_side_files
from tests.operators.case import Case

DAY = RecordingName("round-table-0123abcd", "Round Table.opus")
THREE = [RecordingName(f"rec001-{digest}", "REC001.WAV") for digest in ("0000aaaa", "1111bbbb", "2222cccc")]
TURN = "SPEAKER {} 1 0 5 <NA> <NA> ana <NA> <NA>\n"


def joined(recordings: list[RecordingName], uem: str | None = None, **texts: str) -> Callable[[Path], str]:
    """What is scored of which recording."""

    def act(folder: Path) -> str:
        paths = [folder / f"side.{suffix}" for suffix in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text)
        if uem is not None:
            (folder / "side.uem").write_text(uem)
        side = read_side_files(paths, folder / "side.uem" if uem is not None else None)
        return "; ".join(
            f"{recording}: {len(reference.turns)} turns, {len(reference.utterances)} utterances, "
            f"regions {[(s.start_s, s.end_s) for s in reference.regions or ()]}"
            for recording, reference in join_references(side, recordings, folder)
        )

    return act


def read(name: str, text: str) -> Callable[[Path], str]:
    """Who says how many words."""

    def act(folder: Path) -> str:
        (folder / name).write_text(text)
        return "; ".join(
            f"{reference}: {sorted({u.speaker for u in found.utterances})} say {[u.text for u in found.utterances]}"
            for reference, found in read_references([folder / name]).items()
        )

    return act


def split_tiers(*tiers: str) -> Callable[[Path], str]:
    def act(_: Path) -> str:
        chosen, dropped = choose_tiers(list(tiers))
        return f"speakers {list(chosen.values())}, left out {list(dropped)}"

    return act


CASES = (
    Case(
        "references",
        "a UEM that spells the recording otherwise",
        "round-table-0123abcd: 1 turns, 0 utterances, regions [(0.0, 60.0)]",
        joined([DAY], "ROUND-TABLE.flac 1 0 60\n", rttm=TURN.format("round_table")),
    ),
    Case(
        "references",
        "an RTTM and an STM with two spellings",
        "round-table-0123abcd: 1 turns, 1 utterances",
        joined([DAY], rttm=TURN.format("Round_Table.wav"), stm="round-table 1 ana 0 5 <o> good morning\n"),
    ),
    Case(
        "references",
        "a UEM with a name that nothing has",
        "regions of rond-table",
        joined([DAY], "round-table 1 0 60\nrond-table 1 60 90\n", rttm=TURN.format("round-table")),
    ),
    Case(
        "references",
        "a name that three recordings have",
        "rec001-1111bbbb",
        joined(THREE, rttm=TURN.format("REC001")),
    ),
    Case(
        "references",
        "the full id of one of the three",
        "rec001-1111bbbb: 1 turns",
        joined(THREE, rttm=TURN.format("rec001-1111bbbb")),
    ),
    Case(
        "references",
        "an RTTM with a blank in a name",
        "side.rttm, line 1: ",
        joined([DAY], rttm="SPEAKER round-table 1 0 5 <NA> <NA> Mary Ann <NA> <NA>\n"),
    ),
    Case(
        "references",
        "a gap between an STM's segments",
        "a: ['ana'] say ['good morning']",
        read("a.stm", "a 1 inter_segment_gap 0 2 <o>\na 1 ana 2 5 <o> good morning\n"),
    ),
    Case("references", "alternatives in an STM", "a.stm, line 1: ", read("a.stm", "a 1 ana 2 5 <o> { a / b } day\n")),
    Case(
        "references",
        "tiers of a forced aligner",
        "speakers ['ana'], left out ['ana - phones']",
        split_tiers("ana - words", "ana - phones"),
    ),
)
