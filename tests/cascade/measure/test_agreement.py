"""Agreement of two backends: differences by hand, and those of a cascade whose answers are known."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from protoface.cascade.cascade import Cascade, load
from protoface.cascade.measure.agreement import (
    FLOAT16,
    FLOAT32,
    INT8,
    Agreement,
    agreement,
    compare,
    final_points,
    largest_difference,
    tolerance,
)

from ...constant_cascade import FIRST, SECOND, constant_weights

PICTURES = [np.full((60, 80, 3), grey, np.uint8) for grey in (10, 200)]


def test_what_is_expected_of_a_backend():
    assert tolerance("opencv") == tolerance("torch-cuda") == FLOAT32
    assert tolerance("opencv-cuda-fp16") == FLOAT16
    assert tolerance("onnxruntime", int8=True) == tolerance("opencv-cuda-fp16", int8=True) == INT8
    assert FLOAT32 < FLOAT16 < INT8


def test_the_largest_difference_of_any_output():
    expected = {"points": np.zeros((2, 4)), "score": np.ones((2, 1))}
    answers = {"points": np.array([[0, 0.1, 0, 0], [0, 0, -0.3, 0]]), "score": np.full((2, 1), 1.2)}
    assert largest_difference(answers, expected) == pytest.approx(0.3)
    answers["score"][0] = np.nan
    assert np.isnan(largest_difference(answers, expected))


def test_the_worst_stage_and_the_furthest_point_count():
    moved = np.array([[(0, 0.5), (3, 4)], [(0, 0), (1, 0)]], np.float64)
    found = agreement("torch", "opencv", [1e-6, 5e-5], moved)
    assert found == Agreement("torch", "opencv", 5e-5, 5.0, FLOAT32)
    assert found.agrees
    assert str(found) == (
        "torch agrees with opencv: nets within 5e-05 (0.0001 allowed), points within 5 pixels"
    )


@pytest.mark.parametrize("outputs", [[1e-6, 2e-4], [np.nan, 1e-6], [1e-6, np.nan]])
def test_too_far_or_no_number_is_no_agreement(outputs):
    found = agreement("torch", "opencv", outputs, np.zeros((1, 5, 2)))
    assert not found.agrees
    assert str(found).startswith("torch DISAGREES with opencv: ")


@pytest.fixture
def moved(folder: Path, tmp_path: Path) -> Cascade:
    """The constant cascade, but the second net answers 0.01 more."""
    other = tmp_path / "moved"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("moved"))
    constant_weights(other / "two.caffemodel", SECOND + np.float32(0.01))
    return load(other, "opencv")


def test_a_cascade_agrees_with_itself(folder):
    cascade = load(folder, "opencv")
    assert compare(cascade, cascade, PICTURES) == Agreement("opencv", "opencv", 0, 0, FLOAT32)


def test_nets_get_the_inputs_of_the_reference(folder, moved):
    """The second net answers 0.01 more, in halves of its window."""
    cascade = load(folder, "opencv")
    found = compare(moved, cascade, PICTURES)
    assert found.outputs == pytest.approx(0.01, rel=1e-4)
    assert not found.agrees
    assert compare(moved, cascade, PICTURES, int8=True).agrees
    window = cascade.detect(PICTURES[0])[0].windows[1]
    half = np.hypot(window.width - 1, window.height - 1) / 2  # from -1 to 1 is first to last pixel
    assert found.pixels == pytest.approx(0.01 * half, rel=1e-3)


def test_a_stage_behind_another_one_is_not_blamed_for_it(folder, tmp_path):
    """Level 1 answers something else; level 2 gets the reference's window all the same."""
    cascade = load(folder, "opencv")
    other = tmp_path / "first"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("first"))
    constant_weights(other / "one.caffemodel", FIRST * np.float32(1.5))
    found = compare(load(other, "opencv"), cascade, PICTURES)
    assert found.outputs == pytest.approx(float(np.abs(FIRST).max()) / 2, rel=1e-4)


def test_final_points_of_all_pictures(folder):
    cascade = load(folder, "opencv")
    expected = [cascade.detect(picture)[0].points for picture in PICTURES]
    np.testing.assert_array_equal(final_points(cascade, PICTURES), expected)
