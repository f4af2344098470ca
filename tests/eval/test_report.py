"""The report: self-contained, complete, and looked at in a real browser."""

import base64
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluate import evaluate
from protoface.eval.plots import contact_sheet
from protoface.eval.report import percent, write_report

from .celeba_set import offset_finder

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
]
# Run by the page itself: what a person would see of its pictures ends up in its title.
PROBE = """<script>addEventListener("load", () => {
  const images = [...document.images], shown = images.filter(i => i.complete && i.naturalWidth > 50);
  document.title = `shown ${shown.length} of ${images.length}, height ${document.body.scrollHeight}`;
});</script>"""


@pytest.fixture
def page(celeba: Path, tmp_path: Path) -> Path:
    (celeba / "images" / "004.png").write_bytes(b"no picture")
    dataset = read_dataset(celeba)
    measured = evaluate(offset_finder(6, 3), dataset)
    peers = {"other 1.0 (MIT)": evaluate(offset_finder(2, 2), dataset)}
    path = tmp_path / "report" / "index.html"
    write_report(path, measured, "constant, backend <none>", "protoface eval --data <set>", peers)
    return path


def test_the_page_tells_everything_and_needs_nothing_else(page):
    text = page.read_text()
    assert "9 pictures measured, 1 skipped" in text
    assert "protoface eval --data &lt;set&gt;" in text
    assert "004.png: not a picture" in text
    assert re.search(r"<td>cascade</td><td>inter_ocular</td><td>9</td><td>10.00</td>", text)
    assert re.search(r"<td>other 1.0 \(MIT\)</td><td>9</td><td>1</td><td>6.67</td>", text)
    assert "differences of a few percent between them are no ranking" in text
    assert text.count("data:image/") == text.count("<img") == 7
    assert not re.search(r"(src|href)=\"(?!data:)", text)


def test_a_contact_sheet_shows_truth_and_answers(celeba):
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    sheet = cv2.imdecode(np.frombuffer(contact_sheet(measured, [0, 1, 2, 3, 4, 5, 6]), np.uint8), 1)
    assert sheet.shape == (2 * 180, 6 * 180, 3)
    blue, green, red = sheet.reshape(-1, 3).max(axis=0).astype(int)
    assert min(blue, green, red) > 200
    assert (sheet[180:, 180:] > 240).all()  # the rest of the second row is empty


def test_percentages():
    assert percent(0.12345) == "12.35"


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium (Debian: apt-get install chromium)")
def test_a_browser_shows_every_picture_and_reports_no_error(page, tmp_path):
    page.write_text(page.read_text().replace("</head>", f"{PROBE}</head>"))
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=5000"]
    result = subprocess.run(
        [*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    title = re.search(r"<title>shown (\d+) of (\d+), height (\d+)</title>", result.stdout)
    assert title is not None, result.stdout[:500]
    shown, images, height = map(int, title.groups())
    assert shown == images == 7
    assert height > 1000
    assert "CONSOLE" not in result.stderr


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_the_browser_would_report_a_broken_page(tmp_path):
    """The test above can fail: a missing picture and a script error are seen."""
    page = tmp_path / "broken.html"
    script = "<script>console.error('broken')</script>"
    page.write_text(
        f"<html><head><title>x</title>{PROBE}</head><img src='data:image/png;base64,xx'>{script}"
    )
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=5000"]
    result = subprocess.run(
        [*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "shown 0 of 1" in result.stdout
    assert "CONSOLE" in result.stderr


def test_pictures_in_the_page_are_pictures(page):
    for kind, data in re.findall(r'src="data:image/(\w+);base64,([^"]+)"', page.read_text()):
        image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert kind in ("png", "jpeg")
        assert image.shape[0] > 100
