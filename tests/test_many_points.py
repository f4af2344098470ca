"""From nothing to a report with 68 points: drawn faces, a short recipe, errors, a page."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import find_layout, load
from protoface.cli import protoface, run

RECIPE = Path(__file__).parent.parent / "trainers" / "recipes" / "drawn68.prototxt"
SHORT = f"""
like: "{RECIPE}"
synthetic {{ count: 40 views: 2 }}
validation {{ folder: "drawn" partition: "test" }}
training {{ batch_size: 16 epochs: 1 }}
"""


@pytest.mark.slow
def test_68_points_from_drawn_faces_to_a_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("short.prototxt").write_text(SHORT)
    drawn = ["synthesize", "--layout", "ibug68", "--out", "drawn", "--count", "40", "--size", "96"]
    assert run(protoface, drawn) == 0
    assert (
        run(protoface, ["recipe", "short.prototxt", "--out", "model", "--threads", "1", "--outside"])
        == 0
    )
    cascade = load("model")
    assert cascade.layout is find_layout("ibug68")
    picture = next(Path("drawn/testset").glob("*.jpg"))
    (face,) = cascade.detect(cv2.imread(str(picture)))
    assert face.points.shape == (68, 2)
    options = ["--partition", "test", "--json", "e.json", "--report", "report"]
    assert run(protoface, ["eval", "--data", "drawn", "--model", "model", *options]) == 0
    found = json.loads(Path("e.json").read_text())
    assert found["n"] == len(list(Path("drawn/testset").glob("*.pts")))
    for level in ("level_1", "cascade"):
        error = found[level]["nme"]["inter_ocular"]
        assert len(error["per_point"]) == 68
        assert np.mean(error["per_point"]) == pytest.approx(error["mean"])
    page = Path("report/index.html").read_text()
    assert all(part in page for part in find_layout("ibug68").parts)
    assert len(re.findall("data:image/png;base64,", page)) >= 5  # histograms, CED curves, bars
    # the outer corners are further apart than the centres of the eyes
    nme = found["cascade"]["nme"]
    assert nme["inter_ocular"]["mean"] < nme["inter_pupil"]["mean"]
