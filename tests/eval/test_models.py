"""The models of the package on real faces: what docs/models.md says, and what was asked for."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from protoface.cascade import load
from protoface.cascade.definition import find_definition
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import evaluate
from protoface.eval.finders import cascade_finder
from protoface.eval.groups import turn
from protoface.trainers.recipe.scatter import face_size

from . import scattered

FIGURES = Path(__file__).parents[2] / "docs" / "models"
#: Mean error over the eye distance at most, pictures above 10 % of it at most, bytes of ONNX at most.
BARS = {
    "group": (0.04, 0.025, 3_500_000),
    "fast": (0.04, 0.025, 1_900_000),
    "fast-int8": (0.05, 0.05, 550_000),
    "accurate": (0.042, 0.05, None),
    "synthetic": (0.20, None, 1_900_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BARS)
def test_errors_are_those_that_the_docs_give(name, shared):
    data = read_dataset(shared / "faces" / "net7876", "test")
    measured = evaluate(cascade_finder(load(name, threads=1)), data)
    found = measured.summary("inter_ocular", len(measured.levels) - 1)
    written = json.loads((FIGURES / f"{name}.json").read_text())["cascade"]["nme"]["inter_ocular"]
    assert found.n == written["n"] == 2027
    # another runtime or processor rounds otherwise
    assert found.mean == pytest.approx(written["mean"], rel=0.01)
    assert found.failure_rate == pytest.approx(written["failure_rate"], abs=0.003)
    mean, failures, _ = BARS[name]
    assert found.mean <= mean
    if failures is not None:
        assert found.failure_rate <= failures


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mean"), [("fast", 0.052), ("fast-int8", 0.055)])
def test_turned_faces_are_found(name, mean, shared):
    """net7876 val with turn 0.35 and more: 5.6 % before level 2 was trained on more of such faces."""
    data = read_dataset(shared / "faces" / "net7876", "val")
    turned = data.subset(np.flatnonzero(turn(data.truth) >= 0.35))
    measured = evaluate(cascade_finder(load(name, threads=1)), turned)
    found = measured.summary("inter_ocular", len(measured.levels) - 1)
    assert found.n == 71
    assert found.mean <= mean
    assert found.failure_rate < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "median", "failures"),
    [
        ("fast", 0.04, 0.1),
        ("fast-int8", 0.04, 0.1),
        ("accurate", 0.04, 0.1),
        ("synthetic", 0.06, 0.15),
    ],
)
def test_small_faces_anywhere_are_found(name, median, failures, shared, tmp_path):
    """net7876 val put into other surroundings; the original's weights miss two thirds of them."""
    arguments = [
        "--data",
        str(shared / "faces" / "net7876"),
        "--partition",
        "val",
        "--out",
        str(tmp_path),
    ]
    assert CliRunner().invoke(scattered.main, arguments).exit_code == 0
    measured = evaluate(cascade_finder(load(name, threads=1)), read_dataset(tmp_path))
    found = measured.summary("inter_ocular", len(measured.levels) - 1)
    assert found.n > 550
    assert found.median < median
    assert found.failure_rate < failures


@pytest.mark.slow
@pytest.mark.parametrize("side", [2.6, 4, 8])
@pytest.mark.parametrize("name", ["fast", "group"])
def test_boxes_may_be_tight_or_wide(name, side, shared):
    """`side` times the eye distance, give or take a tenth, and not quite around the face."""
    data, cascade = read_dataset(shared / "faces" / "net7876", "val"), load(name, threads=1)
    generator, errors = np.random.default_rng(0), []
    for path, truth in zip(data.paths[::2], data.truth[::2], strict=True):
        length = side * face_size(truth) * np.exp(generator.normal(0, 0.1))
        corner = truth.mean(0) + generator.normal(0, 0.06 * length, 2) - length / 2
        (face,) = cascade.detect(cv2.imread(str(path)), [[*corner, length, length]])
        errors.append(np.linalg.norm(face.points - truth, axis=1).mean() / face_size(truth))
    assert np.median(errors) < 0.035
    assert np.mean(np.array(errors) > 0.1) < 0.05


@pytest.mark.parametrize("name", [name for name, bars in BARS.items() if bars[2]])
def test_files_are_small(name):
    files = list(find_definition(name).parent.glob("*.onnx"))
    assert len(files) == (3 if name == "group" else 2)
    assert sum(path.stat().st_size for path in files) <= BARS[name][2]


def test_integers_cost_little():
    fast, integers = (
        json.loads((FIGURES / f"{name}.json").read_text())["cascade"]["nme"]["inter_ocular"]["mean"]
        for name in ("fast", "fast-int8")
    )
    assert integers <= 1.03 * fast
