"""A recording in several languages: each chunk has its own, the recording that of most of its speech."""

from __future__ import annotations

from flows.process_recording import find_main_language
from flows.recording.assembly import report_chunks
from flows.recording.chunks import ChunkResult
from tasks.intervals import Span
from tasks.records import Chunk
from tasks.step import Meter


def make_result(index: int, speech_s: float, language: str | None) -> ChunkResult:
    core = Span(600.0 * index, 600.0 * (index + 1))
    chunk = Chunk(index, core, core, (Span(core.start_s, core.start_s + speech_s),) if speech_s else ())
    facts = {"language": language, "num_words": 0, "loops_removed": 0, "silence_text_removed": 0}
    return ChunkResult(chunk, manifests={"transcription": Meter().manifest(**facts)} if language else {})


def test_the_recordings_language_is_that_of_most_speech_and_its_share_the_confidence() -> None:
    done = [
        make_result(0, 100, "de"),
        make_result(1, 200, "en"),
        make_result(2, 100, "de"),
        make_result(3, 400, "fr"),
    ]
    assert find_main_language(done) == ("fr", 0.5)


def test_a_chunk_that_failed_has_the_recordings_language_and_no_vote() -> None:
    failed = make_result(1, 500, None)
    assert failed.get_language("en") == "en"
    assert find_main_language([make_result(0, 100, "de"), failed]) == ("de", 1.0)
    assert find_main_language([failed]) == (None, None)


def test_a_chunks_row_has_its_own_language() -> None:
    done = [make_result(0, 100, "de"), make_result(1, 100, "fr"), make_result(2, 0, None)]
    seams = Meter().manifest(seams=[], wordless=[])
    assert [r.language for r in report_chunks([w.chunk for w in done], done, "en", seams)] == ["de", "fr", None]


def test_a_chunk_has_the_language_of_its_channel_with_most_speech() -> None:
    done = [make_result(0, 100, "de"), make_result(0, 200, "fr")]
    (row,) = report_chunks([done[1].chunk], done, "en", Meter().manifest(seams=[], wordless=[]))
    assert row.language == "fr"
