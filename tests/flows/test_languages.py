"""A recording in several languages: every chunk has its own, the recording that of most of its speech."""

from __future__ import annotations

from flows.process_recording import find_main_language
from flows.recording.assembly import reports
from flows.recording.chunks import Worked
from tasks.intervals import Span
from tasks.records import Chunk
from tasks.step import Meter


def worked(index: int, speech_s: float, language: str | None) -> Worked:
    core = Span(600.0 * index, 600.0 * (index + 1))
    chunk = Chunk(index, core, core, (Span(core.start_s, core.start_s + speech_s),) if speech_s else ())
    facts = {"language": language, "num_words": 0, "loops_removed": 0, "silence_text_removed": 0}
    return Worked(chunk, manifests={"transcription": Meter().manifest(**facts)} if language else {})


def test_most_of_the_speech_decides_and_its_share_is_the_confidence() -> None:
    done = [worked(0, 100, "de"), worked(1, 200, "en"), worked(2, 100, "de"), worked(3, 400, "fr")]
    assert find_main_language(done) == ("fr", 0.5)


def test_a_chunk_that_failed_has_the_recordings_language_and_no_vote() -> None:
    failed = worked(1, 500, None)
    assert failed.language("en") == "en"
    assert find_main_language([worked(0, 100, "de"), failed]) == ("de", 1.0)
    assert find_main_language([failed]) == (None, None)


def test_a_chunks_own_language_stands_in_its_row() -> None:
    done = [worked(0, 100, "de"), worked(1, 100, "fr"), worked(2, 0, None)]
    seams = Meter().manifest(seams=[], wordless=[])
    assert [r.language for r in reports([w.chunk for w in done], done, "en", seams)] == ["de", "fr", None]


def test_of_a_chunk_s_channels_the_one_that_says_most_names_the_language() -> None:
    done = [worked(0, 100, "de"), worked(0, 200, "fr")]
    (row,) = reports([done[1].chunk], done, "en", Meter().manifest(seams=[], wordless=[]))
    assert row.language == "fr"
