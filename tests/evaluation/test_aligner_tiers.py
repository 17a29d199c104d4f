"""TextGrids of forced aligners: the words' tier is the speaker's, phones are nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.evaluation.aligner_tiers import choose_tiers
from tasks.evaluation.references import read_references


@pytest.mark.parametrize(
    ("tiers", "speakers", "left_out"),
    [
        (["ana - words", "ana - phones", "ben - words", "ben - phones"], ["ana", "ben"], 2),
        (["Mary Ann - word", "Mary Ann - phone"], ["Mary Ann"], 1),
        (["ana_words", "ana_phones"], ["ana"], 1),
        (["ana", "ana - words", "ana - phones"], ["ana"], 2),
        (["ana - utterances", "ana - words", "ana - phones"], ["ana"], 2),
        (["words", "phones"], [""], 1),
        (["phones", "syll", "words", "ortho"], [""], 3),
        (["ORT-MAU", "KAN-MAU", "MAU", "TRN"], [""], 3),
        (["TokensAlign", "PhonAlign"], [""], 1),
        (["ana", "ben", "Mau"], ["ana", "ben", "Mau"], 0),
        (["ana", "sentences"], ["ana", "sentences"], 0),
    ],
)
def test_words_are_taken_and_phones_left_out(tiers: list[str], speakers: list[str], left_out: int) -> None:
    chosen, dropped = choose_tiers(tiers)
    assert list(chosen.values()) == speakers
    assert len(dropped) == left_out
    assert sorted([*chosen, *dropped]) == sorted(tiers)


def write_grid(path: Path, tiers: dict[str, list[tuple[float, float, str]]]) -> Path:
    parts = ['File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n4\n<exists>\n', f"{len(tiers)}\n"]
    for name, entries in tiers.items():
        parts.append(f'"IntervalTier"\n"{name}"\n0\n4\n{len(entries)}\n')
        parts += [f'{start}\n{end}\n"{label}"\n' for start, end, label in entries]
    path.write_text("".join(parts))
    return path


def test_a_grid_of_an_aligner_tells_words_by_speaker_and_what_was_left_out(tmp_path: Path) -> None:
    tiers = {
        "ana - words": [(0.0, 1.0, "hello"), (1.0, 1.5, "sp"), (1.5, 2.0, "spn"), (2.0, 4.0, "")],
        "ana - phones": [(0.0, 0.5, "HH"), (0.5, 1.0, "AH0"), (1.0, 4.0, "")],
        "ben - words": [(0.0, 2.0, ""), (2.0, 4.0, "yes")],
        "ben - phones": [(0.0, 2.0, ""), (2.0, 4.0, "Y")],
    }
    reference = read_references([write_grid(tmp_path / "talk.TextGrid", tiers)])["talk"]
    assert [(u.speaker, u.text) for u in reference.utterances] == [("ana", "hello"), ("ben", "yes")]
    assert [(t.speaker, t.start_s, t.end_s) for t in reference.turns] == [
        ("ana", 0, 1),
        ("ana", 1.5, 2),
        ("ben", 2, 4),
    ]
    (remark,) = reference.remarks
    assert "2 tiers are left out: ana - phones, ben - phones" in remark
