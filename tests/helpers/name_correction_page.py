"""report.html, whose names somebody corrects: what they see, click and type."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from flows.speakers.corrections import read_changes
from tasks.records import Transcript
from tests.helpers.daylong_server import until
from tests.helpers.report_page import Report, put
from tests.helpers.sample_transcripts import make_recording_row, make_transcript

ENTER, ESCAPE, TAB, BACKSPACE = "\ue007", "\ue00c", "\ue004", "\ue003"
FILE = "meeting-0a1b2c3d.corrections.json"
MARKUP = "</script><img src=x onerror=window.pwned=1>"


def talk(*known: dict[str, Any], recording_id: str = "meeting-0a1b2c3d") -> Transcript:
    """A speaker for each of `known`, with these facts, and one nobody could tell."""
    labels = [*(f"SPEAKER_{k:02d}" for k in range(len(known))), "UNKNOWN"]
    told = make_transcript(
        [(2.0 * k, label, ["Word", str(k)]) for k, label in enumerate(labels)], of=make_recording_row(recording_id)
    )
    speakers = zip(told.speakers, (*known, {}), strict=True)
    return dataclasses.replace(told, speakers=tuple(dataclasses.replace(s, **facts) for s, facts in speakers))


ANNA: dict[str, Any] = {"name": "Anna", "voice_id": "v1", "voice_similarity": 0.87}
NOBODY: dict[str, Any] = {}
PERHAPS: dict[str, Any] = {"voice_id": "v3", "maybe_voice_id": "v9", "maybe_name": "Bert"}
PERHAPS_A_VOICE: dict[str, Any] = {"voice_id": "v4", "maybe_voice_id": "v8"}


class Page(Report):
    """The report whose names are corrected."""

    def __init__(self, browser: Any, folder: Path, *known: dict[str, Any], **of: str) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        super().__init__(browser, put(talk(*known, **of), folder / "report"))
        allowed = {"behavior": "allow", "downloadPath": str(self.downloads)}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)

    def row(self, who: int) -> str:
        return " ".join(self.all(".person")[who].text.split())

    def lines(self) -> list[str]:
        """What stands for the speaker of each line."""
        return list(self.does("return [...document.querySelectorAll('.line .name')].map((name) => name.textContent)"))

    def marked(self) -> list[str]:
        """Of which lines' names the page says that they are not saved."""
        return [str(name.text) for name in self.all(".line .name.unsaved")]

    def clicks(self, element: Any) -> None:
        self.does("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def correct(self, who: int, name: str, end: str = ENTER) -> None:
        """By mouse."""
        self.clicks(self.person(who))
        self.press(BACKSPACE, name + end)  # what is there is chosen

    def person(self, who: int) -> Any:
        return self.all(".person")[who].find_element("css selector", ".called")

    def answers(self, who: int, said: str) -> None:
        buttons = self.all(".person")[who].find_elements("css selector", ".perhaps button")
        self.clicks(next(b for b in buttons if b.text == said))

    def changes(self) -> list[str]:
        return [str(line.text).removesuffix("Undo").strip() for line in self.all("#changes li")]

    def undo(self, place: int) -> None:
        self.clicks(self.all("#changes li button")[place])

    def says(self) -> str:
        return self.text("#unsaved")

    def complaint(self) -> str:
        return self.text(".told.wrong")

    def save(self, name: str = FILE) -> Any:
        self.clicks(self.browser.find_element("id", "save"))
        path = self.downloads / name
        until(path.exists, 30, 0.05)
        found = json.loads(path.read_bytes().decode())
        assert len(read_changes(path)) == len(found["speakers"])  # the command reads it
        path.unlink()
        return found

    def asks_before_it_is_left(self) -> bool:
        return bool(self.does("return !dispatchEvent(new Event('beforeunload', {cancelable: true}))"))
