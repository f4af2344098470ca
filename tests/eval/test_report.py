"""The report: self-contained, complete, and looked at in a real browser."""

import base64
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade.layouts import find_layout
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import Found, Measured, evaluate
from protoface.eval.plots import contact_sheet, part_bars
from protoface.eval.report import percent, write_report

from .celeba_set import offset_finder, with_68_points

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


@pytest.fixture
def many(celeba: Path) -> Measured:
    """Faces with 68 points: the first level is 6 pixels off, the second 3, both eyes 9 more."""
    layout = find_layout("ibug68")
    data = read_dataset(celeba)
    truth = with_68_points(data.truth)
    moved = np.zeros((68, 2))
    moved[list(layout.groups["eyes"])] = (0, 9)

    def find(images: list[np.ndarray]) -> list[Found]:
        faces = [truth[image[0, 0, 0]] + moved for image in images]
        return [Found((face + (0, 6), face + (0, 3)), (100.0, 50.0)) for face in faces]

    return evaluate(find, replace(data, layout=layout, truth=truth))


def cells(text: str, first: str) -> list[str]:
    """The row of a table that begins with a cell."""
    row = re.search(rf"<tr><td>{re.escape(first)}</td>(.*?)</tr>", text)
    return re.findall("<td>(.*?)</td>", row[1])


def test_many_points_are_told_by_parts_of_the_face_then_one_by_one(many, tmp_path):
    write_report(tmp_path / "index.html", many, "68 points", "protoface eval", {})
    text = (tmp_path / "index.html").read_text()
    parts, points = text[text.index("each part of the face") :].split("<details>", 1)
    heads = re.findall("<th>(.*?)</th>", parts)
    assert heads[:3] == ["level", "contour (17)", "left_brow (5)"]
    values = dict(zip(heads[1:], map(float, cells(parts, "cascade")), strict=True))
    length = many.lengths("inter_ocular", 1)
    assert values["left_eye (6)"] == pytest.approx(100 * np.mean(12 / length), abs=0.01)
    assert values["contour (17)"] == pytest.approx(100 * np.mean(3 / length), abs=0.01)
    assert points.count("<tr>") > 68
    row = [float(cell) for cell in cells(points, "36 left_eye_0")]
    assert row == pytest.approx([100 * np.mean(moved / length) for moved in (15, 12)], abs=0.01)
    assert text.count("data:image/") == text.count("<img") == 7
    assert text.count('class="wide"') == 1


def test_bars_of_many_points_have_a_colour_for_each_part(many):
    image = cv2.imdecode(np.frombuffer(part_bars(many, "inter_ocular"), np.uint8), 1)
    assert image.shape[1] > 2 * image.shape[0]
    pixels = image.reshape(-1, 3).astype(int)
    strong = pixels[np.ptp(pixels, axis=1) > 60]
    _, counts = np.unique(strong, axis=0, return_counts=True)
    assert (counts > 300).sum() >= len(many.layout.parts) - 1  # one of matplotlib's colours is grey


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
