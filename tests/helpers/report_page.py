"""A report in a real Chromium: put on the disk, opened, read, clicked and typed on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tasks.exports import render
from tasks.records import Part, Transcript
from tests.helpers.daylong_server import until


class Report:
    """A report in the browser."""

    def __init__(self, browser: Any, path: Path, waits: float = 10.0) -> None:
        self.browser = browser
        browser.set_window_size(1300, 900)
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(path.as_uri())
        self.first_view_ms = until(self._viewed, waits, 0.02)

    def _viewed(self) -> float | None:
        return self.does("return performance.getEntriesByName('first view')[0]?.startTime")

    def does(self, script: str, *values: Any) -> Any:
        return self.browser.execute_script(script, *values)

    def text(self, css: str) -> str:
        return str(self.browser.find_element("css selector", css).text)

    def all(self, css: str) -> list[Any]:
        return list(self.browser.find_elements("css selector", css))

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def word(self, said: str) -> Any:
        return next(w for w in self.all(".w") if w.text == said)

    def click(self, said: str) -> None:
        word = self.word(said)
        self.does("arguments[0].scrollIntoView({block: 'center'})", word)
        word.click()

    def at(self) -> float:
        """Where the sound is, in seconds."""
        return float(self.does("return document.getElementById('audio').currentTime"))

    def in_sight(self, element: Any) -> bool:
        box = self.does("return arguments[0].getBoundingClientRect().toJSON()", element)
        return bool(0 <= box["top"] <= box["bottom"] <= self.does("return innerHeight"))

    def complaints(self) -> list[str]:
        """What the browser's console has to say, violations of the policy among it."""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def fetched(self) -> set[str]:
        """Where the page asked for anything, itself apart."""
        asked = set()
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.add(message["params"]["request"]["url"].split("?")[0])
        return {url for url in asked if not url.endswith(".html") and not url.startswith("data:")}


def put(transcript: Transcript, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    path.write_text(render(transcript, ["report"], folder=folder)["report.html"], encoding="utf-8", newline="\n")
    return path


def with_sound(transcript: Transcript, path: Path) -> Transcript:
    """The transcript with a real file: a quiet tone as long as it says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = transcript.recording.duration_s
    tone = 0.01 * np.sin(np.arange(int(seconds * 8000)) * 0.2)
    soundfile.write(path, tone.astype(np.float32), 8000)
    part = Part(path.name, "00" * 32, 0.0, seconds, str(path))
    return dataclasses.replace(transcript, recording=dataclasses.replace(transcript.recording, parts=(part,)))
