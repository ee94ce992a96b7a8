"""A real browser for the tests of the pages: the system's Chromium, driven through Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def chromium_path() -> Path:
    """The browser of this machine; without one a test is skipped, but fails where CI runs it."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    missing = "No Chromium here. The pages are tested in one: run `apt-get install chromium`."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless browser; root must do without Chromium's own sandbox."""
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(FLAGS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium_path()), args=flags)
        try:
            yield browser
        finally:
            browser.close()
