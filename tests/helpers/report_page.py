"""A report (report.html) written to disk and opened in a real Chromium: reading, clicking and typing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tasks.exports import render
from tasks.records import Part, Transcript
from tests.helpers.waiting import wait_until


class ReportPage:
    """A report that is open in the browser."""

    def __init__(self, browser: Any, path: Path, limit_s: float = 10.0) -> None:
        self.browser = browser
        browser.set_window_size(1300, 900)
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(path.as_uri())
        self.first_view_ms = wait_until(self._read_first_view_ms, limit_s, 0.02)

    def _read_first_view_ms(self) -> float | None:
        return self.run_script("return performance.getEntriesByName('first view')[0]?.startTime")

    def run_script(self, script: str, *values: Any) -> Any:
        return self.browser.execute_script(script, *values)

    def read_text(self, css: str) -> str:
        return str(self.browser.find_element("css selector", css).text)

    def find_all(self, css: str) -> list[Any]:
        return list(self.browser.find_elements("css selector", css))

    def press_keys(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def find_word(self, text: str) -> Any:
        return next(w for w in self.find_all(".w") if w.text == text)

    def click_word(self, text: str) -> None:
        word = self.find_word(text)
        self.run_script("arguments[0].scrollIntoView({block: 'center'})", word)
        word.click()

    def position_s(self) -> float:
        """The playback position of the audio element, in seconds."""
        return float(self.run_script("return document.getElementById('audio').currentTime"))

    def is_visible(self, element: Any) -> bool:
        box = self.run_script("return arguments[0].getBoundingClientRect().toJSON()", element)
        return bool(0 <= box["top"] <= box["bottom"] <= self.run_script("return innerHeight"))

    def read_console(self) -> list[str]:
        """The messages of the browser's console, violations of the Content-Security-Policy among them."""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def list_requests(self) -> set[str]:
        """The URLs that the page requested, without the page itself and data: URLs."""
        urls = set()
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.add(message["params"]["request"]["url"].split("?")[0])
        return {url for url in urls if not url.endswith(".html") and not url.startswith("data:")}


def write_report(transcript: Transcript, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    path.write_text(render(transcript, ["report"], folder=folder)["report.html"], encoding="utf-8", newline="\n")
    return path


def add_sound_file(transcript: Transcript, path: Path) -> Transcript:
    """Write a quiet tone of the recording's length to `path`; returns the transcript with that file as its source."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = transcript.recording.duration_s
    tone = 0.01 * np.sin(np.arange(int(seconds * 8000)) * 0.2)
    soundfile.write(path, tone.astype(np.float32), 8000)
    part = Part(path.name, "00" * 32, 0.0, seconds, str(path))
    return dataclasses.replace(transcript, recording=dataclasses.replace(transcript.recording, parts=(part,)))
