"""The Chromium of the system, driven by selenium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


@contextmanager
def open_chromium(*switches: str) -> Iterator[Any]:
    """Open a window of Chromium; skips the test where the system has none."""
    pytest.importorskip("selenium", reason="selenium drives the browser: pip install -e '.[test]'")
    from selenium import webdriver

    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no browser here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    for switch in (*SWITCHES, *switches):
        options.add_argument(switch)
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    opened.set_window_size(1400, 1300)
    try:
        yield opened
    finally:
        opened.quit()
