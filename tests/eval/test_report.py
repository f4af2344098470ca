"""The report: self-contained, complete, and looked at in a real browser."""

import base64
import html
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade.face import Face
from protoface.cascade.layouts import find_layout
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import Measured, evaluate
from protoface.eval.page import percent
from protoface.eval.plots import contact_sheet, cut, part_bars
from protoface.eval.report import main_normaliser, write_report

from .celeba_set import offset_finder, with_68_points
from .found_faces import a_face

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
#: CED, two of each stage, two histograms, bars; and nine worst and nine random faces.
IMAGES = 6 + 2 * 9
PROBE = """<script>addEventListener("load", () => {
  const images = [...document.images], shown = images.filter(i => i.complete && i.naturalWidth > 50);
  document.title = `shown ${shown.length} of ${images.length}, height ${document.body.scrollHeight}`;
});</script>"""

# How wide the page in the frame is, how wide it would have to be, and how many boxes scroll in it.
NARROW = """<script>addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  const boxes = [...page.querySelectorAll(".scroll")].filter(one => one.scrollWidth > one.clientWidth);
  document.title = `${root.scrollWidth} of ${root.clientWidth}, ${boxes.length} boxes scroll`;
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
    assert re.search(r"<td>other 1.0 \(MIT\)</td><td>9</td><td>0</td><td>6.67</td>", text)
    assert "differences of a few percent between them are no ranking" in text
    assert text.count("data:image/") == text.count("<img") == IMAGES
    assert not re.search(r"(src|href)=\"(?!data:)", text)


def test_the_answer_comes_first_then_faces_then_groups_and_the_rest_is_folded(page):
    """Nine faces 3 of 30 pixels off: 10 %. What other stages and normalisers say is folded up."""
    text = page.read_text()
    places = ["<dl", "CED over inter_ocular", "Worst faces", "Random faces", "Groups", "<details>"]
    assert [text.index(place) for place in places] == sorted(text.index(place) for place in places)
    shown, folded = text[: text.index("<details>")], text[text.index("<details>") :]
    boxes = re.findall(r"<dt>(.*?)</dt><dd class=\"figure\">(.*?)</dd><dd class=\"note\">(.*?)<", shown)
    assert [name for name, *_ in boxes] == [
        "mean error / inter_ocular", "failures", "pictures (n)", "per picture",
    ]  # fmt: skip
    assert boxes[0][1:] == ("10.00 %", "95 % interval 10.00 to 10.00 %, median 10.00 %")
    assert boxes[2][1:] == ("9", "1 skipped")
    assert re.fullmatch(r"[\d.]+ ms", boxes[3][1])
    assert shown.count("data:image/png") == 1  # one CED
    for hidden in ("image_diagonal", "crop_diagonal", "<td>level_1</td>"):
        assert hidden in folded
        assert hidden not in shown
    assert "<details open" not in text


def test_names_are_text_whatever_they_hold(celeba, tmp_path):
    """Markup, control characters and formulas in the names of stages, sets, finders and files."""
    name, evil = "<script>alert(1)</script>", "$x_\x1b[31m$^\x00"
    data = replace(read_dataset(celeba), name=f"{name}\x1b]0;title\x07")
    measured = evaluate(offset_finder(6, 3), data, names=(name, evil))
    peers = {f"peer {name}{evil}": evaluate(offset_finder(2, 2), data)}
    path = tmp_path / "index.html"
    write_report(path, measured, f"setting {name}", f"protoface '{evil}' \udcff", peers)
    text = path.read_text("utf-8")
    assert "<script" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert r"$x_\x1b[31m$^\x00" in text
    assert html.escape(name) in text
    assert r"\xff" in text


def test_the_answer_without_eyes_is_over_the_next_normaliser(celeba):
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    assert main_normaliser(measured) == "inter_ocular"
    data = replace(measured.dataset, truth=measured.dataset.truth * np.zeros((1, 5, 1)))
    assert main_normaliser(replace(measured, dataset=data)) == "box"
    bare = replace(measured, dataset=replace(data, boxes=None))
    assert main_normaliser(bare) == "image_diagonal"


def test_faces_without_any_normaliser_make_a_page_all_the_same(celeba, tmp_path):
    """Eyes that coincide have no eye distance: the error is over the face boxes."""
    measured = evaluate(offset_finder(6, 3), read_dataset(celeba))
    data = replace(measured.dataset, truth=measured.dataset.truth * np.zeros((1, 5, 1)))
    write_report(tmp_path / "index.html", replace(measured, dataset=data), "", "", {})
    assert "mean error / box" in (tmp_path / "index.html").read_text()


@pytest.fixture
def many(celeba: Path) -> Measured:
    """Faces with 68 points: the first level is 6 pixels off, the second 3, both eyes 9 more."""
    layout = find_layout("ibug68")
    data = read_dataset(celeba)
    truth = with_68_points(data.truth)
    moved = np.zeros((68, 2))
    moved[list(layout.groups["eyes"])] = (0, 9)

    def find(images: list[np.ndarray]) -> list[list[Face]]:
        faces = [truth[image[0, 0, 0]] + moved for image in images]
        return [[a_face(face + (0, 6), face + (0, 3), diagonals=(100, 50))] for face in faces]

    return evaluate(find, replace(data, layout=layout, truth=truth))


def cells(text: str, first: str) -> list[str]:
    """The row of a table that begins with a cell."""
    row = re.search(rf"<tr><td>{re.escape(first)}</td>(.*?)</tr>", text)
    return re.findall("<td>(.*?)</td>", row[1])


def test_many_points_are_told_by_parts_of_the_face_then_one_by_one(many, tmp_path):
    write_report(tmp_path / "index.html", many, "68 points", "protoface eval", {})
    text = (tmp_path / "index.html").read_text()
    start = text.index("<caption>Mean error of the points of each part of the face")
    parts, points = text[start:].split("<caption>Mean error of each point", 1)
    heads = re.findall("<th>(.*?)</th>", parts)
    assert heads[:3] == ["stage", "contour (17)", "left_brow (5)"]
    values = dict(zip(heads[1:], map(float, cells(parts, "cascade")), strict=True))
    length = many.lengths("inter_ocular", 1)
    assert values["left_eye (6)"] == pytest.approx(100 * np.mean(12 / length), abs=0.01)
    assert values["contour (17)"] == pytest.approx(100 * np.mean(3 / length), abs=0.01)
    assert points.count("<tr>") > 68
    row = [float(cell) for cell in cells(points, "36 left_eye_0")]
    assert row == pytest.approx([100 * np.mean(moved / length) for moved in (15, 12)], abs=0.01)
    assert text.count("data:image/") == text.count("<img") == 6 + 2 * 10
    assert text.count('class="chart scroll wide"') == 1


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


@pytest.mark.slow
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
    assert shown == images == IMAGES
    assert height > 1000
    assert "CONSOLE" not in result.stderr


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
@pytest.mark.parametrize("opened", [False, True])
def test_a_page_400_pixels_wide_does_not_scroll_sideways(many, tmp_path, opened):
    """Wide tables and charts scroll in their own boxes, with everything unfolded too."""
    write_report(tmp_path / "index.html", many, "a setting", "protoface " + 40 * "long_word", {})
    text = (tmp_path / "index.html").read_text()
    text = text.replace("<details>", "<details open>") if opened else text
    frame = f'<iframe width="400" height="3000" srcdoc="{html.escape(text)}"></iframe>'
    (tmp_path / "narrow.html").write_text(f"<title>x</title>{frame}{NARROW}")
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=5000"]
    result = subprocess.run(
        [*command, "--dump-dom", (tmp_path / "narrow.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(\d+) of (\d+), (\d+) boxes scroll", result.stdout)
    assert title is not None, result.stdout[:500]
    needed, width, boxes = map(int, title.groups())
    assert needed <= width <= 400
    assert boxes > 0 or not opened  # 68 points, 11 columns


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


@pytest.mark.parametrize("place", [(-30.4, -20.6, 90.5), (200.2, 150.7, 60), (1000, 1000, 50)])
def test_a_tile_is_what_opencvcuts_of_the_whole_picture(place):
    noise = np.random.default_rng(0).integers(0, 256, (200, 250, 3), np.uint8)
    image, (left, top, side) = cv2.GaussianBlur(noise, (0, 0), 2), place
    scale = 60 / side
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    expected = cv2.warpAffine(image, matrix, (60, 60), borderValue=(160,) * 3)
    np.testing.assert_allclose(cut(image, left, top, side, 60), expected, atol=3)


@pytest.mark.parametrize("shape", [(40, 100_000), (100_000, 40)])
def test_a_tile_of_a_picture_that_opencv_cannot_sample(shape):
    image = np.full((*shape, 3), 90, np.uint8)
    rows, columns = shape
    assert (cut(image, columns - 50, rows - 50, 30, 60)[-20:, -20:] == 90).all()
    assert cut(image, 0, 0, 90_000, 60).shape == (60, 60, 3)
