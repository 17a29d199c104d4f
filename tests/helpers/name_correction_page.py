"""The correction of speakers' names in report.html, in a browser: reading, clicking and typing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from flows.speakers.corrections_file import read_changes
from tasks.records import Transcript
from tests.helpers.report_page import ReportPage, write_report
from tests.helpers.sample_transcripts import make_recording_row, make_transcript
from tests.helpers.waiting import wait_until

ENTER, ESCAPE, TAB, BACKSPACE = "\ue007", "\ue00c", "\ue004", "\ue003"
FILE = "meeting-0a1b2c3d.corrections.json"
MARKUP = "</script><img src=x onerror=window.pwned=1>"


def make_transcript_with_names(*known: dict[str, Any], recording_id: str = "meeting-0a1b2c3d") -> Transcript:
    """A transcript with a speaker for each of `known`, who has these facts, and the speaker UNKNOWN."""
    labels = [*(f"SPEAKER_{k:02d}" for k in range(len(known))), "UNKNOWN"]
    transcript = make_transcript(
        [(2.0 * k, label, ["Word", str(k)]) for k, label in enumerate(labels)], of=make_recording_row(recording_id)
    )
    speakers = zip(transcript.speakers, (*known, {}), strict=True)
    return dataclasses.replace(transcript, speakers=tuple(dataclasses.replace(s, **facts) for s, facts in speakers))


ANNA: dict[str, Any] = {"name": "Anna", "voice_id": "v1", "voice_similarity": 0.87}
NOBODY: dict[str, Any] = {}
PERHAPS: dict[str, Any] = {"voice_id": "v3", "maybe_voice_id": "v9", "maybe_name": "Bert"}
PERHAPS_A_VOICE: dict[str, Any] = {"voice_id": "v4", "maybe_voice_id": "v8"}


class NameCorrectionPage(ReportPage):
    """A report in which names are corrected."""

    def __init__(self, browser: Any, folder: Path, *known: dict[str, Any], **of: str) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        super().__init__(browser, write_report(make_transcript_with_names(*known, **of), folder / "report"))
        allowed = {"behavior": "allow", "downloadPath": str(self.downloads)}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)

    def read_speaker_row(self, index: int) -> str:
        return " ".join(self.find_all(".person")[index].text.split())

    def read_line_names(self) -> list[str]:
        """The name or label that each line shows for its speaker."""
        return list(
            self.run_script("return [...document.querySelectorAll('.line .name')].map((name) => name.textContent)")
        )

    def read_unsaved_names(self) -> list[str]:
        """The names that are marked as not saved, by line."""
        return [str(name.text) for name in self.find_all(".line .name.unsaved")]

    def click_element(self, element: Any) -> None:
        self.run_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def correct_name(self, index: int, name: str, end: str = ENTER) -> None:
        """Click a speaker's name in the list, type another one and press `end`."""
        self.click_element(self.find_name_field(index))
        self.press_keys(BACKSPACE, name + end)  # what is there is chosen

    def find_name_field(self, index: int) -> Any:
        return self.find_all(".person")[index].find_element("css selector", ".called")

    def answer_suggestion(self, index: int, answer: str) -> None:
        buttons = self.find_all(".person")[index].find_elements("css selector", ".perhaps button")
        self.click_element(next(b for b in buttons if b.text == answer))

    def list_changes(self) -> list[str]:
        return [str(line.text).removesuffix("Undo").strip() for line in self.find_all("#changes li")]

    def undo_change(self, place: int) -> None:
        self.click_element(self.find_all("#changes li button")[place])

    def read_unsaved_message(self) -> str:
        return self.read_text("#unsaved")

    def read_error(self) -> str:
        return self.read_text(".told.wrong")

    def save_corrections(self, name: str = FILE) -> Any:
        self.click_element(self.browser.find_element("id", "save"))
        path = self.downloads / name
        wait_until(path.exists, 30, 0.05)
        found = json.loads(path.read_bytes().decode())
        assert len(read_changes(path)) == len(found["speakers"])  # the command reads it
        path.unlink()
        return found

    def asks_before_leaving(self) -> bool:
        return bool(self.run_script("return !dispatchEvent(new Event('beforeunload', {cancelable: true}))"))
