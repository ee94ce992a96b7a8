"""Make docs/report.png, the README's picture, from a real report in Chromium.

    python scripts/picture_report.py build/report.html docs/report.png

Two parts of the page side by side: its head, and what it shows of the training.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1040, 1240
SECOND = "How the training went"


def parts(page: Path) -> list[Image.Image]:
    """Return the two parts of the page, each WIDTH × HEIGHT."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(page.resolve().as_uri())
        second = tab.get_by_role("heading", name=SECOND).bounding_box()
        if second is None:
            raise RuntimeError(f"the page has no heading “{SECOND}”")
        pictures = [
            tab.screenshot(
                full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": HEIGHT}
            )
            for top in (0.0, second["y"] - 24)
        ]
        browser.close()
    return [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]


def main() -> None:
    """Put the parts side by side."""
    source, target = map(Path, sys.argv[1:])
    picture = Image.new("RGB", (2 * WIDTH, HEIGHT))
    for number, part in enumerate(parts(source)):
        picture.paste(part, (number * WIDTH, 0))
    small = picture.resize(
        (picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS
    )
    small.save(target, optimize=True)
    print(f"wrote {target}: {small.width} × {small.height}, {target.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
