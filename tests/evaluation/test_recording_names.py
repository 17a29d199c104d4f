"""Which recording a name means: one way for references, UEM and recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.evaluation.recording_names import RecordingName, find_recordings, join_names
from tasks.evaluation.references import SideFiles, join_references, join_single, read_references, read_side_files
from tasks.intervals import Span

ROUND = RecordingName("round-table-0123abcd", "Round Table.opus")
SAME_NAME = [RecordingName(f"rec001-{digest}", "REC001.WAV") for digest in ("0000aaaa", "1111bbbb", "2222cccc")]


@pytest.mark.parametrize(
    "name",
    [
        "Round Table",
        "ROUND_TABLE.WAV",
        "round-table.sph",
        "round-table-0123abcd",
        "Round-Table-0123ABCD.rttm",
        "/corpus/audio/Round Table.opus",
        "C:\\audio\\round table",
    ],
)
def test_endings_capitals_folders_and_the_id_do_not_matter(name: str) -> None:
    assert find_recordings(name, [ROUND, RecordingName("other-99887766", "other.flac")]) == [ROUND.recording_id]


def test_accents_are_compared_as_they_look() -> None:
    decomposed = "re\u0301union"
    assert find_recordings(decomposed, [RecordingName("x-01234567", "Réunion.m4a")]) == ["x-01234567"]


@pytest.mark.parametrize("name", ["round", "round-table-2", "round-table-ffff0000", "table"])
def test_part_of_a_name_or_another_digest_is_another_recording(name: str) -> None:
    assert find_recordings(name, [ROUND]) == []


def test_a_name_of_several_recordings_is_refused_with_their_ids_and_a_full_id_means_one() -> None:
    with pytest.raises(UsageError, match="fits 3 recordings: rec001-0000aaaa, rec001-1111bbbb, rec001-2222cccc"):
        join_names(["REC001"], SAME_NAME)
    assert join_names(["Rec001-1111BBBB"], SAME_NAME) == ({"rec001-1111bbbb": ["Rec001-1111BBBB"]}, [])


def test_a_whole_file_name_tells_two_endings_apart() -> None:
    both = [RecordingName("talk-0123abcd", "talk.wav"), RecordingName("talk-4567cdef", "talk.mp3")]
    assert join_names(["Talk.mp3"], both) == ({"talk-4567cdef": ["Talk.mp3"]}, [])
    with pytest.raises(UsageError, match="fits 2 recordings"):
        join_names(["talk"], both)


def read(folder: Path, *, uem: str | None = None, **files: str) -> SideFiles:
    paths = []
    for suffix, text in files.items():
        paths.append(folder / f"side.{suffix}")
        paths[-1].write_text(text)
    if uem is not None:
        (folder / "side.uem").write_text(uem)
    return read_side_files(paths, None if uem is None else folder / "side.uem")


TURN = "SPEAKER {} 1 0 5 <NA> <NA> ana <NA> <NA>\n"


@pytest.mark.parametrize("name", ["Round_Table", "round table", "ROUND-TABLE.flac", "round-table-0123abcd"])
def test_a_uem_joins_however_it_spells_the_recording(tmp_path: Path, name: str) -> None:
    side = read(tmp_path, rttm=TURN.format("round-table"), uem=f"{name.replace(' ', '-')} 1 0 60\n")
    ((recording, reference),) = join_references(side, [ROUND], tmp_path)
    assert (recording, reference.regions) == (ROUND.recording_id, (Span(0, 60),))
    assert join_single(side, ROUND, tmp_path) == reference


def test_two_spellings_make_one_reference(tmp_path: Path) -> None:
    side = read(
        tmp_path,
        rttm=TURN.format("Round_Table.wav"),
        stm="round-table 1 ana 0 5 <o> good morning\nROUND-TABLE 1 x 5 9 <o> ignore_time_segment_in_scoring\n",
    )
    ((_, reference),) = join_references(side, [ROUND], tmp_path)
    assert (len(reference.turns), len(reference.utterances), reference.ignored) == (1, 1, (Span(5, 9),))
    (alone,) = read_references([tmp_path / "side.rttm", tmp_path / "side.stm"]).values()
    assert (len(alone.turns), len(alone.utterances)) == (1, 1)


def test_what_a_uem_has_beside_is_refused_with_both_sides_names(tmp_path: Path) -> None:
    side = read(tmp_path, rttm=TURN.format("round-table"), uem="round-table 1 0 60\nrond-table 1 60 90\n")
    for join in (lambda: join_references(side, [ROUND], tmp_path), lambda: join_single(side, ROUND, tmp_path)):
        with pytest.raises(UsageError, match="regions of rond-table") as caught:
            join()
        assert "round-table" in str(caught.value)
        assert ROUND.recording_id in str(caught.value)
    with pytest.raises(UsageError, match="regions of rond-table; the references name round-table"):
        read_references([tmp_path / "side.rttm"], tmp_path / "side.uem")


def test_a_uem_may_name_recordings_without_a_reference(tmp_path: Path) -> None:
    other = RecordingName("other-99887766", "other.flac")
    side = read(tmp_path, rttm=TURN.format("round-table"), uem="other.wav 1 0 9\nround-table 1 0 60\n")
    ((recording, reference),) = join_references(side, [ROUND, other], tmp_path)
    assert (recording, reference.regions) == (ROUND.recording_id, (Span(0, 60),))


def test_the_only_reference_of_an_exports_folder_belongs_to_it_with_its_uem(tmp_path: Path) -> None:
    side = read(tmp_path, rttm=TURN.format("truth"), stm="Truth.wav 1 ana 0 5 hello\n", uem="TRUTH 1 0 60\n")
    reference = join_single(side, ROUND, tmp_path)
    assert (len(reference.turns), len(reference.utterances), reference.regions) == (1, 1, (Span(0, 60),))


def test_references_of_the_same_name_belong_to_the_recordings_whose_ids_they_give(tmp_path: Path) -> None:
    names = [one.recording_id for one in SAME_NAME[:2]]
    uem = f"{names[1]} 1 0 7\n"
    side = read(tmp_path, rttm="".join(map(TURN.format, names)), uem=uem)
    joined = join_references(side, SAME_NAME, tmp_path)
    assert [(one, reference.regions) for one, reference in joined] == [(names[0], None), (names[1], (Span(0, 7),))]


def test_a_recording_that_the_uem_leaves_out_is_scored_as_a_whole_and_that_is_said(tmp_path: Path) -> None:
    other = RecordingName("other-99887766", "other.flac")
    side = read(tmp_path, rttm=TURN.format("round-table") + TURN.format("other"), uem="round-table 1 0 60\n")
    joined = dict(join_references(side, [ROUND, other], tmp_path))
    assert joined[ROUND.recording_id].remarks == ()
    assert joined[other.recording_id].regions is None
    assert "has no regions of other: scored as a whole" in joined[other.recording_id].remarks[0]


def test_a_uem_without_regions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"side\.uem: holds no regions"):
        read(tmp_path, rttm=TURN.format("round-table"), uem=";; to be filled in\n")
