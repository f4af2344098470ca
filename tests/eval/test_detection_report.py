"""The page of a detection: complete, self-contained, and its pictures show what they should."""

import base64
import re

import cv2
import numpy as np
import pytest

from protoface.eval.datasets.dataset import read_set
from protoface.eval.detection import LEAST, evaluate_boxes
from protoface.eval.detection_plots import box_tile
from protoface.eval.detection_report import size_row, write_detection_report

from .datasets.wider_set import INVALID, write_wider
from .found_faces import a_box

FACES = {
    "e/a.png": [(5, 5, 30, 30), (40, 40, 16, 20, *INVALID)],
    "e/b.png": [(8, 8, 40, 48)],
    "e/c.png": [],
}
#: In the first picture the face, in the last one a false alarm; that of the second is missed.
FOUND = {0: [(6, 6, 30, 30, 0.9)], 1: [], 2: [(10, 12, 40, 30, 0.8)]}


def detected(folder, found):
    return evaluate_boxes(
        lambda images: [[a_box(*row) for row in found[image[0, 0, 0]]] for image in images],
        read_set(folder),
    )


@pytest.fixture
def folder(tmp_path):
    return write_wider(tmp_path / "set <b>", val=FACES)


@pytest.fixture
def page(folder, tmp_path):
    finders = {
        "ours <i>": detected(folder, FOUND),
        "peer 1.0 (MIT)": detected(folder, {**FOUND, 2: []}),
    }
    write_detection_report(tmp_path / "index.html", finders, "setting", "protoface eval --data <set>")
    return (tmp_path / "index.html").read_text()


def test_the_page_tells_everything_and_needs_nothing_else(page):
    assert "3 pictures measured, 0 skipped" in page
    for said in ("ours &lt;i&gt;", "peer 1.0 (MIT)", "--data &lt;set&gt;", "set &lt;b&gt;"):
        assert said in page
    assert "<i>" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    boxes = re.findall(r"<dt>(.*?)</dt><dd class=\"figure\">(.*?)</dd>", page)
    assert boxes[:2] == [
        ("AP, faces of 12 px and more", "50.00 %"),
        ("AP, faces of 30 px and more", "50.00 %"),
    ]
    assert ("pictures without a false alarm", "66.67 %") in boxes
    assert ("recall at 0.1 false alarms a picture", "50.00 %") in boxes


def test_false_alarms_and_misses_are_pictures(page):
    alarms, misses = page.split("<h2>False alarms</h2>")[1].split("<h2>Misses</h2>")
    misses = misses.split("<details>")[0]
    assert re.findall(r"<figcaption>(.*?)</figcaption>", alarms) == [
        "score 0.800, WIDER_val/images/e/c.png"
    ]
    assert re.findall(r"<figcaption>(.*?)</figcaption>", misses) == ["48 px, WIDER_val/images/e/b.png"]
    for data in re.findall(r'src="data:image/\w+;base64,([^"]+)"', page):
        assert cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1).shape[0] > 100


def test_a_set_without_faces_has_a_page_too(tmp_path):
    folder = write_wider(tmp_path / "none", val={"e/a.png": [], "e/b.png": []})
    found = detected(folder, {0: [(1, 1, 20, 20, 0.9)], 1: []})
    write_detection_report(tmp_path / "index.html", {"ours": found}, "", "")
    page = (tmp_path / "index.html").read_text()
    assert "50.00 %" in page
    assert "<h2>Misses" not in page
    assert "AP, faces" not in page


def test_colours_of_a_tile(folder):
    """Green where a face is, blue where one was found, red where none is, grey where it is ignored."""

    def colours(tile):
        pixels = cv2.imdecode(np.frombuffer(tile, np.uint8), 1).reshape(-1, 3).astype(int)
        blue, green, red = pixels.T
        return (
            ((green > blue + 60) & (green > red + 60)).any(),
            ((blue > green + 60) & (blue > red + 60)).any(),
            ((red > green + 60) & (red > blue + 60)).any(),
        )

    found = detected(folder, FOUND)
    assert colours(box_tile(found, 0, found.boxes[0][0])) == (True, True, False)
    assert colours(box_tile(found, 1, found.dataset.boxes[1][0])) == (True, False, False)
    assert colours(box_tile(found, 2, found.boxes[2][0])) == (False, False, True)


def test_rows_are_in_percent(folder):
    rows = [size_row(figures) for figures in detected(folder, FOUND).sizes.values()]
    assert [row[0] for row in rows] == [f"{least} px and more" for least in LEAST]
    assert rows[0][1:3] == ["2", "50.00"]
    assert rows[2][1:] == ["0", "-", "-", "-", "-", "-", "-"]
