"""report.html as it is read: in a real Chromium, from disk, without a network."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.report_audio import embed_audio_in_report
from tasks.intervals import Span
from tasks.records import Part, Transcript
from tests.helpers.browser import open_chromium
from tests.helpers.report_page import ReportPage, add_sound_file, write_report
from tests.helpers.sample_transcripts import HOSTILE, make_meeting, make_recording_row, make_transcript
from tests.helpers.synthetic_day import make_synthetic_day
from tests.helpers.waiting import wait_until

ATTACKS = [
    *HOSTILE,
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "<!--<script>",
    "]]>",
    "javascript:window.pwned=1",
    "${window.pwned=1}",
    "{{ pwned }}",
    "'\"><svg onload=window.pwned=1>",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium("--autoplay-policy=no-user-gesture-required", "--mute-audio") as opened:
        yield opened


@pytest.fixture
def report(browser: Any, tmp_path: Path) -> ReportPage:
    transcript = add_sound_file(make_meeting(), tmp_path / "recordings" / "the meeting #1.wav")
    return ReportPage(browser, write_report(transcript, tmp_path / "out" / "exports" / "meeting"))


@pytest.fixture(scope="module")
def whole_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Transcript, Path]:
    transcript = make_synthetic_day()
    return transcript, write_report(transcript, tmp_path_factory.mktemp("day"))


def test_a_word_that_is_clicked_is_played_and_followed(report: ReportPage) -> None:
    wait_until(lambda: report.read_text("#state") == "the meeting #1.wav", 30)
    report.click_word("quite")
    wait_until(lambda: report.position_s() >= 7.4, 30, 0.05)
    assert report.position_s() < 9.0
    wait_until(lambda: report.run_script("return document.body.classList.contains('playing')"), 30, 0.05)
    first = wait_until(lambda: (found := report.find_all(".w.now")) and found[0].text, 30, 0.05)
    wait_until(lambda: (found := report.find_all(".w.now")) and found[0].text not in ("", first), 30, 0.05)
    report.press_keys(" ")
    wait_until(lambda: report.run_script("return document.getElementById('audio').paused"), 30, 0.05)
    stood = report.position_s()
    report.press_keys("\ue012")  # left
    wait_until(lambda: abs(report.position_s() - (stood - 5)) < 0.1, 30, 0.05)
    report.press_keys("\ue014")  # right
    wait_until(lambda: abs(report.position_s() - stood) < 0.1, 30, 0.05)
    assert report.read_text("#now") == f"00:00:{int(stood):02d}"
    assert report.read_console() == []


def test_a_report_that_carries_its_sound_needs_no_file(browser: Any, tmp_path: Path) -> None:
    transcript = embed_audio_in_report(add_sound_file(make_meeting(), tmp_path / "meeting.wav"))
    path = write_report(transcript, tmp_path / "mail")
    (tmp_path / "meeting.wav").unlink()
    report = ReportPage(browser, path)
    report.click_word("quite")
    wait_until(
        lambda: (
            7.4 <= report.position_s() < 9.5 and report.run_script("return !document.getElementById('audio').paused")
        ),
        10,
        0.05,
    )
    length = report.run_script("return document.getElementById('audio').duration")
    assert length == pytest.approx(transcript.recording.duration_s, abs=0.1)
    assert report.read_console() == []
    assert {url.split(":")[0] for url in report.list_requests()} <= {"blob"}


def test_lines_are_gone_through_by_arrows(report: ReportPage) -> None:
    report.press_keys("\ue015")  # down
    assert report.read_text(".line:has(.now) .name") == "SPEAKER_00"
    report.press_keys("\ue015")
    assert report.read_text(".line:has(.now) .name") == "SPEAKER_01"
    report.press_keys("\ue013")  # up
    assert report.read_text(".line:has(.now) .name") == "SPEAKER_00"


def test_without_its_sound_one_chooses_it_by_hand(browser: Any, tmp_path: Path) -> None:
    add_sound_file(make_meeting(), tmp_path / "elsewhere" / "meeting.wav")
    report = ReportPage(browser, write_report(make_meeting(), tmp_path / "report"))
    assert report.read_text("#state") == "Choose the recording (meeting.flac)"
    report.click_word("quite")
    assert report.read_text("#now") == "00:00:07"
    assert report.read_text(".w.now") == "quite"
    report.browser.find_element("id", "file").send_keys(str(tmp_path / "elsewhere" / "meeting.wav"))
    wait_until(lambda: 7.39 < report.position_s() < 7.41, 30, 0.05)
    assert report.read_console() == []


def test_a_sound_that_has_been_moved_is_asked_for(browser: Any, tmp_path: Path) -> None:
    transcript = add_sound_file(make_meeting(), tmp_path / "gone.wav")
    (tmp_path / "gone.wav").unlink()
    report = ReportPage(browser, write_report(transcript, tmp_path / "report"))
    wait_until(lambda: report.read_text("#state") == "Choose the recording (gone.wav)", 30)


def test_a_recording_in_two_files_is_played_from_the_right_one(browser: Any, tmp_path: Path) -> None:
    one = add_sound_file(make_meeting(duration_s=30.0), tmp_path / "1.wav").recording.parts[0]
    two = add_sound_file(make_meeting(duration_s=30.0), tmp_path / "2.wav").recording.parts[0]
    transcript = make_meeting(parts=(one, dataclasses.replace(two, start_s=30.0)))
    report = ReportPage(browser, write_report(transcript, tmp_path / "report"))
    wait_until(lambda: report.read_text("#state") == "1.wav", 30)
    report.click_word("Hm.")
    wait_until(lambda: report.read_text("#state") == "2.wav", 30)
    wait_until(lambda: 20.0 <= report.position_s() < 21.0, 30, 0.05)


def test_what_is_not_sure_is_marked_by_more_than_colour(browser: Any, tmp_path: Path) -> None:
    transcript = make_meeting()
    words = tuple(dataclasses.replace(w, confidence=0.3 if w.text == "quite" else 0.9) for w in transcript.words)
    segments = tuple(
        dataclasses.replace(s, speaker_confidence=0.2 if s.index == 0 else 0.9) for s in transcript.segments
    )
    transcript = dataclasses.replace(transcript, words=words, segments=segments)
    report = ReportPage(browser, write_report(transcript, tmp_path))
    assert {w.text for w in report.find_all(".w.low")} == {"quite"}
    style = "return getComputedStyle(arguments[0]).textDecorationStyle"
    assert report.run_script(style, report.find_word("quite")) == "dotted"
    assert report.find_word("quite").get_attribute("title") == "00:00:07 · confidence 30 %"
    assert report.read_text(".line[data-row='0'] .asks") == "?"
    assert report.read_text(".line.stranger .name") == "Unknown"


def test_seams_and_failed_chunks_stand_where_they_are(browser: Any, tmp_path: Path) -> None:
    transcript = make_meeting(duration_s=240.0)
    (chunk,) = transcript.chunks
    cores = [Span(0.0, 30.0), Span(30.0, 120.0), Span(120.0, 240.0)]
    chunks = [dataclasses.replace(chunk, index=k, core=core) for k, core in enumerate(cores)]
    chunks[1] = dataclasses.replace(chunks[1], seam_kept=3, seam_dropped=4, seam_redecoded_s=1.25, loops_removed=1)
    chunks[2] = dataclasses.replace(chunks[2], status="failed", error="<b>no memory</b>")
    report = ReportPage(browser, write_report(dataclasses.replace(transcript, chunks=tuple(chunks)), tmp_path))
    seam, failed = (n.text for n in report.find_all(".note"))
    assert seam.split("\n") == [
        "00:00:30",
        "seam, chunk 2 · 3 kept · 4 dropped · 1.3 s decoded again · 1 loop taken out",
    ]
    assert failed.split("\n") == ["00:02:00", "✕ Not transcribed until 00:04:00. <b>no memory</b>"]
    order = [e.get_attribute("class") for e in report.find_all(".line, .note")]
    assert order == ["line", "line", "line", "note", "line stranger", "note failed"]
    report.run_script("document.querySelector('#chunks summary').click()")
    assert "✕ failed <b>no memory</b>" in report.read_text("#chunks table")


def test_it_is_light_or_dark_as_the_system_and_as_one_likes(report: ReportPage) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = report.run_script(paper)
    report.press_keys("t")
    dark = report.run_script(paper)
    assert sum(map(int, dark[4:-1].split(","))) < 150 < 600 < sum(map(int, light[4:-1].split(",")))
    report.press_keys("t")
    assert report.run_script(paper) == light
    report.run_script("try { localStorage.clear() } catch {}; delete document.documentElement.dataset.theme")
    system = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    report.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", system)
    assert report.run_script(paper) == dark
    report.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_help_opens_and_closes_by_key(report: ReportPage) -> None:
    report.press_keys("?")
    assert report.browser.find_element("id", "help").is_displayed()
    report.press_keys("\ue00c")
    assert not report.browser.find_element("id", "help").is_displayed()


def test_search_finds_moves_and_counts(report: ReportPage) -> None:
    report.press_keys("/")
    report.press_keys("GOOD mor")
    assert report.read_text("#hits") == "1 of 1"
    assert [w.text for w in report.find_all(".w.current")] == ["Good", "morning,"]
    report.press_keys("\ue00c")
    assert report.read_text("#hits") == ""
    report.press_keys("/")
    report.press_keys("some")
    assert report.read_text("#hits") == "1 of 2"
    report.press_keys("\ue007")
    assert report.read_text("#hits") == "2 of 2"
    report.press_keys("\ue007")
    assert report.read_text("#hits") == "1 of 2"
    report.press_keys("xyz")
    assert report.read_text("#hits") == "nothing"
    assert report.find_all(".w.hit") == []


def test_words_join_as_the_recogniser_wrote_them_to_read_and_to_search(browser: Any, tmp_path: Path) -> None:
    texts = [("我", False), ("用", False), ("Python", True), ("写。", False), ("3.5%", True), ("more", True)]
    told = make_transcript([(1.0, "SPEAKER_00", [text for text, _ in texts])])
    words = tuple(dataclasses.replace(w, space_before=blank) for w, (_, blank) in zip(told.words, texts, strict=True))
    report = ReportPage(browser, write_report(dataclasses.replace(told, words=words), tmp_path))
    assert report.read_text(".said") == "我用 Python写。 3.5% more"
    report.press_keys("/")
    report.press_keys("用 python写")
    assert report.read_text("#hits") == "1 of 1"
    assert [w.text for w in report.find_all(".w.current")] == ["用", "Python", "写。"]


def test_no_script_of_a_hostile_transcript_runs(browser: Any, tmp_path: Path) -> None:
    said = [(k * 2.0, attack.replace("\ud800", "") or "_", [attack, "word"]) for k, attack in enumerate(ATTACKS)]
    of = make_recording_row(
        source_name=ATTACKS[-1], duration_s=600.0, parts=(Part(ATTACKS[-2], "00" * 32, 0.0, 600.0),)
    )
    transcript = make_transcript(said, of=of)
    (chunk,) = transcript.chunks
    transcript = dataclasses.replace(
        transcript,
        chunks=tuple(dataclasses.replace(chunk, index=k, status="failed", error=ATTACKS[-k]) for k in range(3)),
    )
    report = ReportPage(browser, write_report(transcript, tmp_path))
    report.run_script("document.querySelectorAll('details').forEach((d) => d.open = true)")
    assert report.run_script("return typeof window.pwned") == "undefined"
    assert report.run_script("return document.querySelectorAll('script').length") == 2
    assert report.run_script("return document.querySelectorAll('#transcript img, #transcript svg, h1 *').length") == 0
    assert ATTACKS[-1] in report.read_text("h1")
    report.run_script("document.getElementById('transcript').scrollIntoView()")
    wait_until(lambda: "<img src=x onerror=window.pwned=1>" in [w.text for w in report.find_all(".w")], 30)
    assert (report.read_console(), report.list_requests()) == ([], set())


def test_markup_that_got_in_could_not_run_either(report: ReportPage) -> None:
    report.run_script("window.got = document.createElement('script'); got.textContent = 'window.pwned = 1'")
    report.run_script("document.body.append(got)")
    report.run_script("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned = 1\">')")
    time.sleep(0.3)
    assert report.run_script("return typeof window.pwned") == "undefined"
    assert any("Content Security Policy" in line for line in report.read_console())


def test_printing_shows_all_of_it(browser: Any, tmp_path: Path) -> None:
    transcript = make_synthetic_day(3_000, hours=1.0, speakers=4)
    report = ReportPage(browser, write_report(transcript, tmp_path))
    lines = "return document.querySelectorAll('.line').length"
    assert report.run_script(lines) < len(transcript.segments)
    report.run_script(
        "addEventListener('beforeprint', () => (window.printed = document.querySelectorAll('.line').length))"
    )
    assert report.browser.print_page()
    assert report.run_script("return window.printed") == len(transcript.segments)
    wait_until(lambda: report.run_script(lines) < len(transcript.segments), 30)
    report.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wait_until(lambda: report.run_script(lines) == len(transcript.segments), 30)
    said = report.run_script("return document.getElementById('transcript').textContent")
    assert all(segment.text in said for segment in transcript.segments)
    assert not report.browser.find_element("css selector", ".player").is_displayed()
    report.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    wait_until(lambda: report.run_script(lines) < len(transcript.segments), 30)


def test_silence_has_a_page(browser: Any, tmp_path: Path) -> None:
    report = ReportPage(browser, write_report(make_transcript([]), tmp_path))
    assert report.read_text("#transcript") == "Nothing was said."
    for key in (" ", "\ue014", "\ue015", "+", "/", "a"):
        report.press_keys(key)
    assert report.read_console() == []


def test_a_whole_day_is_read_searched_and_scrolled(browser: Any, whole_day: tuple[Transcript, Path]) -> None:
    transcript, path = whole_day
    report = ReportPage(browser, path, 30)
    print(f"24 h, 200,000 words: {path.stat().st_size / 1e6:.1f} MB, first view {report.first_view_ms:.0f} ms")
    assert report.run_script("return document.querySelectorAll('.w').length") < 10_000
    report.press_keys("/")
    report.press_keys("number3795")
    said = sum(word == "number3795" for segment in transcript.segments for word in segment.text.split())
    assert report.read_text("#hits") == f"1 of {said}"
    (hit,) = report.find_all(".w.current")
    assert hit.text == "number3795"
    for _ in range(3):
        report.press_keys("\ue007")
        wait_until(lambda: len(found := report.find_all(".w.current")) == 1 and report.is_visible(found[0]), 30, 0.05)
    report.press_keys("\ue00c")
    report.run_script("document.getElementById('seek').value = 990; "
                "document.getElementById('seek').dispatchEvent(new Event('input'))")  # fmt: skip
    wait_until(lambda: any(report.is_visible(line) for line in report.find_all(".line:has(.now)")), 30)
    for _ in range(12):
        report.press_keys("+")
    begins, ends = report.read_text("#range").split(" – ")
    assert begins[:2] == ends[:2] == "23"
    report.press_keys("0")
    wait_until(lambda: report.read_text("#range") == "00:00:00 – 24:00:00", 30, 0.05)
    assert report.read_console() == []
    assert report.list_requests() == set()
