"""A recording processed by somebody who never sees a command line: the form, the run, its artifacts, in Chromium."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from tests.helpers.browser import open_chromium
from tests.helpers.daylong_server import ROOT, DaylongServer
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.server

KEPT = ROOT / ".pytest_cache" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as opened:
        yield opened


class Page:
    """What somebody does with the page: look for words, click on them, fill in fields."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def find(self, css: str, text: str = "", *, exact: bool = True) -> Any:
        """The first visible element that says `text`."""

        def there() -> Any:
            from selenium.common.exceptions import StaleElementReferenceException

            try:
                for element in self.browser.find_elements("css selector", css):
                    said = element.text.strip()
                    if element.is_displayed() and (said == text if exact else said.startswith(text)):
                        return element
            except StaleElementReferenceException:
                return None
            return None

        return wait_until(there, 60)

    def click(self, css: str, text: str = "", *, exact: bool = True) -> None:
        self.browser.execute_script("arguments[0].click()", self.find(css, text, exact=exact))

    def field(self, name: str) -> Any:
        """The form's field of this name, with its label."""
        found = self.find(".schema-form-property", name, exact=False)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        return found

    def submit(self) -> None:
        """Press Submit, until the form has gone: a server that is busy refuses now and then, and the form says so."""
        form = urlparse(self.browser.current_url).path
        for _ in range(4):
            self.click("button", "Submit")
            ends = time.monotonic() + 20
            while time.monotonic() < ends:
                if urlparse(self.browser.current_url).path != form:
                    return
                time.sleep(0.3)
        self.keep("refused")
        raise AssertionError(f"the form stays: {KEPT / 'refused.png'}")

    def says(self, text: str, limit_s: float = 60) -> None:
        wait_until(lambda: text in self.browser.find_element("tag name", "body").text, limit_s)

    def keep(self, name: str) -> None:
        KEPT.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(KEPT / f"{name}.png"))

    def hosts(self) -> set[str]:
        """Where the browser has asked for anything."""
        asked = set()
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                url = urlparse(message["params"].get("request", message["params"])["url"])
                if url.scheme in ("http", "https", "ws", "wss"):
                    asked.add(url.netloc)
        return asked


def test_a_recording_from_the_form_to_the_transcript(up: DaylongServer, meeting: Path, browser: Any) -> None:
    from selenium.webdriver.support.ui import Select

    page = Page(browser)
    browser.get(up.url)
    page.click("a", "Deployments")
    page.click("a[href*='/deployments/deployment/']", "process-recording")
    page.click("button", "Run")
    page.click("a", "Custom run")

    page.field("source").find_element("css selector", "textarea").send_keys(str(meeting))
    chooser = page.field("profile").find_element("css selector", ".p-select__native select")
    Select(chooser).select_by_visible_text("demo")
    for about in ("chunks_in_flight", "chunking", "transcription", "punctuation"):
        page.says(f"{about} (Optional)")
    page.says("openai/whisper-medium is not")  # what is a model's name for this engine, and what isn't
    browser.execute_script("window.scrollTo(0, 0)")
    page.keep("form")
    page.submit()

    ours = {"name": {"any_": ["process-recording"]}}
    run = wait_until(lambda: next(iter(up.request("/flow_runs/filter", flows=ours, limit=1)), None), 30)
    sent = run["parameters"]
    assert sent["source"] == str(meeting)
    assert _without_empty(sent) == {"source": str(meeting), "settings": {"profile": "demo"}}

    browser.get(f"{up.url}/runs/flow-run/{run['id']}")
    page.says("roundtable-2026-11-20 · 00:00:40", 240)
    page.says("Completed", 240)
    page.says("Done: ")
    page.keep("run")
    ended = up.wait_for_end(run["id"])
    assert ended["state_type"] == "COMPLETED"

    page.click(".p-tab", "Artifacts")
    page.says("daylong-progress")
    page.click("a", "MARKDOWN\ntranscript-roundtable-2026-11-20-", exact=False)
    page.says("Who spoke")
    page.says("SPEAKER_00")
    page.says("import pandas")
    picture = wait_until(lambda: browser.find_elements("css selector", "img[src^='data:image/svg+xml']"))[0]
    wait_until(lambda: browser.execute_script("return arguments[0].naturalWidth", picture) == 960)
    page.keep("transcript")

    assert page.hosts() == {urlparse(up.url).netloc}, "the UI works offline"
    (settings,) = _column(up.home, "recordings", "settings")
    assert json.loads(settings)["transcription"]["beam_size"] == 1, "what the form leaves alone, daylong.toml says"


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in (None, {}, [])}
    return value


def _column(home: Path, table: str, column: str) -> list[Any]:
    import pyarrow.parquet as pq

    files = sorted((home / "data" / "transcripts" / table).glob("*/*.parquet"))
    return [value for file in files for value in pq.read_table(file, partitioning=None)[column].to_pylist()]
