"""Words edited in report.html, by keyboard alone and by mouse, saved as the file that a command applies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.corrections.enter import apply_rows, read_corrections
from flows.report_audio import set_audio_paths
from tasks.dataset.read import read_transcript
from tasks.exports import render
from tests.helpers.browser import open_chromium
from tests.helpers.corrected_recording import RECORDING, CorrectedRecording
from tests.helpers.report_page import ReportPage
from tests.helpers.sample_voices import own_home  # noqa: F401
from tests.helpers.waiting import wait_until

ENTER, ESCAPE, TAB, DOWN, CONTROL, HOME, RIGHT = "\ue007", "\ue00c", "\ue004", "\ue015", "\ue009", "\ue011", "\ue014"
MARKUP = "</script><img src=x onerror=window.pwned=1> \u202egnirts"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as opened:
        yield opened


class EditedReport(ReportPage):
    """The report of a published recording, open in the browser."""

    def __init__(self, browser: Any, place: CorrectedRecording) -> None:
        self.place = place
        self.downloads = place.home.parent / "downloads"
        self.downloads.mkdir(exist_ok=True)
        folder = place.out / "exports" / RECORDING
        transcript = set_audio_paths(read_transcript(place.out, RECORDING), place.sound)
        report = render(transcript, ["report"], folder=folder)["report.html"]
        (folder / "report.html").write_bytes(report.encode() if isinstance(report, str) else report)
        super().__init__(browser, folder / "report.html")
        allowed = {"behavior": "allow", "downloadPath": str(self.downloads)}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
        wait_until(lambda: len(self.find_all(".line")) >= 3, 30, 0.05)

    def replace_text(self, text: str, end: str = ENTER) -> None:
        """Type over the text of the line that is being edited, and press `end`."""
        field = self.browser.find_element("css selector", "textarea.editing")
        field.clear()
        field.send_keys(text)
        self.press_keys(end)

    def press_with_control(self, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).key_down(CONTROL).send_keys(key).key_up(CONTROL).perform()

    def save(self) -> Path:
        self.run_script("document.getElementById('keep').click()")
        path = self.downloads / f"{RECORDING}.corrections.json"
        wait_until(path.exists, 30, 0.05)
        return path

    def asks_before_leaving(self) -> bool:
        return bool(self.run_script("return !dispatchEvent(new Event('beforeunload', {cancelable: true}))"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[CorrectedRecording]:
    with pytest.MonkeyPatch.context() as patch:
        made = CorrectedRecording(tmp_path, patch)
        made.run("run-1")
        yield made


@pytest.fixture
def report(browser: Any, place: CorrectedRecording) -> Iterator[EditedReport]:
    opened = EditedReport(browser, place)
    yield opened
    assert opened.read_console() == []


def test_a_line_is_edited_by_keyboard_alone_saved_and_applied(report: EditedReport, browser: Any) -> None:
    report.press_keys(DOWN, ENTER)
    assert report.run_script("return document.activeElement.value") == "So it is, all day."
    report.press_with_control("a")
    report.press_keys("So it was." + ENTER)
    assert report.read_text(".line.corrected .said").startswith("So it was. corrected")
    assert report.read_text("#unsaved") == "1 correction, not saved"
    assert report.read_text("#command") == f"daylong corrections apply {RECORDING}.corrections.json"
    assert report.asks_before_leaving()
    assert "said" in report.run_script("return document.activeElement.className")
    path = report.save()
    assert not report.asks_before_leaving()
    (row,) = json.loads(path.read_bytes())["edits"]
    assert (row["start_s"], row["end_s"], row["was"], row["now"]) == (0.0, 4.5, "So it is, all day.", "So it was.")
    assert row["was_speaker"]["spans"] == [[0.0, 4.5], [10.0, 14.5]]
    place = report.place
    apply_rows(read_corrections(path, place.out).rows, place.out)
    assert place.read_texts()[0] == "So it was."
    place.run("run-2")
    assert place.read_texts()[0] == "So it was."
    again = EditedReport(browser, place)
    assert [w.text for w in again.find_all(".w.edited")] == ["was."]


def test_a_double_click_edits_and_the_sound_goes_round_in_the_line(report: EditedReport) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    line = report.find_all(".line .said")[1]
    report.run_script("arguments[0].scrollIntoView({block: 'center'})", line)
    ActionChains(report.browser).double_click(line).perform()
    wait_until(lambda: report.find_all("textarea.editing"), 10, 0.05)
    wait_until(lambda: report.run_script("return !document.getElementById('audio').paused"), 30, 0.05)
    report.run_script("document.getElementById('audio').currentTime = 9.4")
    wait_until(lambda: 5.0 <= report.position_s() < 9.0, 30, 0.05)
    report.replace_text("Left alone.", ESCAPE)
    assert report.find_all(".line.corrected") == []
    assert report.find_all("textarea") == []


def test_hostile_text_stays_in_its_place(report: EditedReport, browser: Any) -> None:
    report.press_keys(DOWN, ENTER)
    report.replace_text(MARKUP)
    assert report.find_all(".said img, #changes img") == []
    path = report.save()
    place = report.place
    apply_rows(read_corrections(path, place.out).rows, place.out)
    assert place.read_texts()[0] == MARKUP.replace("\u202e", "")
    again = EditedReport(browser, place)
    assert again.find_all(".said img") == []
    assert again.run_script("return window.pwned") is None


def test_not_speech_another_speaker_split_join_and_restore_are_saved(report: EditedReport, browser: Any) -> None:
    def press(line: int, called: str) -> None:
        report.run_script("document.querySelectorAll('.line .said')[arguments[0]].focus()", line)
        report.press_keys(ENTER)
        (tool,) = [b for b in report.find_all(".editor button") if b.text == called]
        report.run_script("arguments[0].click()", tool)

    report.run_script("document.querySelectorAll('.line .said')[0].focus()")
    report.press_keys(ENTER)
    report.run_script("document.querySelector('.editor select').value = '1'")
    report.press_keys(ENTER)
    press(1, "Not speech")
    report.run_script("document.querySelectorAll('.line .said')[2].focus()")
    report.press_keys(ENTER, HOME, *[RIGHT] * 6)
    report.press_with_control(ENTER)
    press(3, "Join")
    assert report.read_text("#unsaved") == "4 corrections, not saved"
    path = report.save()
    rows = json.loads(path.read_bytes())["edits"]
    assert [(r["action"], r.get("now")) for r in rows] == [
        ("words", None),
        ("words", ""),
        ("split", None),
        ("join", None),
    ]
    assert rows[0]["speaker"]["label"] == "SPEAKER_01"
    assert rows[2]["was"] == "it is,"
    place = report.place
    apply_rows(read_corrections(path, place.out).rows, place.out)
    assert place.read_texts() == ["So it is, all day.", "So it", "is, all day.", "So it is, all day."]
    path.unlink()
    report = EditedReport(browser, place)
    press(0, "Restore")
    apply_rows(read_corrections(report.save(), place.out).rows, place.out)
    assert {s.speaker for s in read_transcript(place.out, RECORDING).segments[:1]} == {"SPEAKER_00"}


def test_a_correction_is_undone_in_the_list(report: EditedReport) -> None:
    report.press_keys(DOWN, ENTER)
    report.replace_text("Other words.")
    report.run_script("document.querySelector('#changes button').click()")
    assert report.find_all(".line.corrected") == []
    assert not report.asks_before_leaving()
    assert not report.browser.find_element("id", "corrections").is_displayed()
