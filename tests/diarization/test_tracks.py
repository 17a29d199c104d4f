"""Windows' speakers become tracks, tracks become windows of one voice, and labels of these become local turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.diarization.stitch import list_spans, select_speakers, stitch
from tasks.diarization.tracks import Tracks, tile_tracks
from tasks.intervals import Span

STEP_S = 270 / 16_000
FRAMES, HOP = 589, 118


Turns = list[tuple[float, float, int]]


def activity(turns: Turns, duration_s: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What a perfect model would find, its speakers numbered at random in every window: (W, F, 3), first frames."""
    rng = np.random.default_rng(seed)
    firsts = np.arange(0, max(1, int(duration_s / STEP_S) - FRAMES + 1), HOP)
    out = np.zeros((len(firsts), FRAMES, 3), np.float16)
    for window, first in zip(out, firsts, strict=True):
        times = (first + np.arange(FRAMES)) * STEP_S + 0.031
        order = rng.permutation(3)
        for a, b, who in turns:
            inside = (times >= a) & (times < b)
            if inside.any():
                window[inside, order[who]] = 1.0
    return out, firsts


TALK = [(0.5, 6.0, 0), (5.0, 12.0, 1), (13.0, 20.0, 0), (18.0, 24.0, 1)]


def found(turns: Turns = TALK, duration_s: float = 26.0, seed: int = 0) -> Tracks:
    weights, speakers, apart = stitch(*activity(turns, duration_s, seed))
    return Tracks.find(weights, speakers, apart, [Span(a, b) for a, b, _ in turns], duration_s)


@given(st.integers(0, 10_000))
def test_tracks_do_not_depend_on_how_windows_number_their_speakers(seed: int) -> None:
    tracks = found(seed=seed)
    assert len(np.unique(tracks.owners)) == 2
    for start, end, who in TALK:
        near = [s for s in tracks.spans.tolist() if abs(s[0] - start) < 0.05 and abs(s[1] - end) < 0.05]
        assert len(near) == 1, (start, end, who, tracks.spans)
    assert tracks.apart.tolist() == [[0, 1]]


def test_windows_lie_where_one_speaks_alone() -> None:
    tracks = found()
    for start, end in tracks.windows:
        speaking = [who for a, b, who in TALK if min(b, end) - max(a, start) > 0.05]
        assert len(speaking) == 1


def test_speech_of_the_map_that_no_window_finds_is_the_nearest_tracks() -> None:
    weights, speakers, _ = stitch(*activity([(1.0, 4.0, 0)], 10.0))
    assert list_spans(select_speakers(weights, speakers, [Span(0.5, 4.5)])[0])[0].start_s == pytest.approx(
        0.5, abs=0.03
    )
    assert select_speakers(weights, speakers, []).sum() * STEP_S == pytest.approx(3.0, abs=0.05)


def test_where_nobody_is_found_all_speech_is_one_track() -> None:
    weights, speakers, apart = stitch(np.zeros((1, FRAMES, 3), np.float16), np.array([0]))
    tracks = Tracks.find(weights, speakers, apart, [Span(1.0, 4.0)], 10.0)
    assert tracks.spans.tolist() == [[1.0, 4.0, 0.0]]
    assert tile_tracks(tracks, np.zeros(len(tracks.windows), int)).tolist() == [[1.0, 4.0, 0.0]]


def test_local_turns_overlap_where_tracks_do() -> None:
    tracks = found()
    turns = tile_tracks(tracks, tracks.owners).tolist()
    assert [t[2] == turns[0][2] for t in turns] == [True, False, True, False]
    assert turns[1][0] < turns[0][1] - 0.9
    assert turns[3][0] < turns[2][1] - 1.9


SPEECH = [Span(0.0, 12.0), Span(20.0, 24.0)]


def test_a_diarizers_turns_are_tracks_and_its_windows_lie_where_one_speaks_alone() -> None:
    turns = [(0.0, 4.0, 2), (3.0, 7.0, 0), (6.8, 12.0, 2), (20.0, 20.3, 0)]
    tracks = Tracks.of_turns(turns, SPEECH)
    assert tracks.spans.tolist() == [list(map(float, turn)) for turn in turns]
    assert tracks.apart.tolist() == [[0, 2]]
    assert tracks.windows[tracks.owners == 0].tolist() == [[4.0, 5.5], [4.75, 6.25], [pytest.approx(5.3), 6.8]]
    assert tracks.windows[tracks.owners == 2][-1].tolist() == [10.5, 12.0]
    assert tracks.windows[:, 0].tolist() == sorted(tracks.windows[:, 0])


@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.floats(0.1, 6), st.integers(0, 3)).map(lambda t: (t[0], t[0] + t[1], t[2])),
        max_size=10,
    )
)
def test_no_window_of_a_diarizer_lies_over_anybody_else(turns: Turns) -> None:
    tracks = Tracks.of_turns(turns, SPEECH)
    for (start, end), owner in zip(tracks.windows.tolist(), tracks.owners.tolist(), strict=True):
        assert all(k == owner or b <= start + 1e-9 or a >= end - 1e-9 for a, b, k in turns) or owner == -1
    assert len(tracks.owners) == len(tracks.windows) > 0


def test_where_nobody_speaks_alone_the_windows_are_nobodys() -> None:
    for turns in ([], [(0.0, 5.0, 0), (0.0, 5.0, 1)]):
        tracks = Tracks.of_turns(turns, SPEECH)
        assert set(tracks.owners.tolist()) == {-1}
        assert tracks.windows[0].tolist() == [0.0, 1.5]
        assert len(tracks.spans) == len(turns)
