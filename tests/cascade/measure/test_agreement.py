"""Agreement of two backends: differences by hand, and those of a cascade whose answers are known."""

import shutil
from dataclasses import replace
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
    largest_difference,
    points_of,
    tolerance,
)
from protoface.cascade.measure.step_times import random_pictures, soft_pictures

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
    moved = [np.array([[(0, 0.5), (3, 4)]], np.float64), np.array([[(0, 0), (1, 0)]], np.float64)]
    found = agreement("torch", "opencv", [1e-6, 5e-5], moved, 2)
    assert found == Agreement("torch", "opencv", 5e-5, 5.0, FLOAT32, 2)
    assert found.agrees
    assert str(found) == (
        "torch agrees with opencv on 2 given pictures: for the same windows, outputs in [-1, 1] differ "
        "by at most 5e-05 (0.0001 allowed), points by 5 pixels"
    )
    assert "on 1 made-up picture:" in str(replace(found, pictures=1, kind="made-up"))


@pytest.mark.parametrize("outputs", [[1e-6, 2e-4], [np.nan, 1e-6], [1e-6, np.nan]])
def test_too_far_or_no_number_is_no_agreement(outputs):
    found = agreement("torch", "opencv", outputs, [np.zeros((1, 5, 2))] * 2, 1)
    assert not found.agrees
    assert str(found).startswith("torch DISAGREES with opencv on ")


@pytest.fixture
def moved(folder: Path, tmp_path: Path) -> Cascade:
    """The constant cascade, but the second net answers 0.01 more."""
    other = tmp_path / "moved"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("moved"))
    constant_weights(other / "two.caffemodel", SECOND + np.float32(0.01))
    return load(other, "opencv")


def test_a_cascade_agrees_with_itself(folder):
    cascade = load(folder, "opencv")
    assert compare(cascade, cascade, PICTURES) == Agreement("opencv", "opencv", 0, 0, FLOAT32, 2)


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


def test_points_of_a_stage_behind_another_one_are_compared_in_the_same_window(folder, tmp_path):
    """Level 1 is half as far again from its centre; that this moves level 2's window is not counted."""
    cascade = load(folder, "opencv")
    other = tmp_path / "first"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("first"))
    constant_weights(other / "one.caffemodel", FIRST * np.float32(1.5))
    found = compare(load(other, "opencv"), cascade, PICTURES)
    half = (np.array(PICTURES[0].shape[1::-1]) - 1) / 2
    assert found.pixels == pytest.approx(np.linalg.norm(FIRST / 2 * half, axis=1).max(), rel=1e-4)


def test_noise_does_not_make_backends_differ():
    """Points of noise mean nothing, and from stage to stage they part by pixels; not here."""
    one, other = (load("synthetic", backend) for backend in ("opencv", "torch"))
    for pictures in (random_pictures(4), soft_pictures(4)):
        found = compare(other, one, pictures)
        assert found.agrees
        assert found.pixels < 0.05


def test_points_of_candidates(folder):
    *_, last = load(folder, "opencv").steps(PICTURES)
    assert points_of(last.candidates).shape == (2, 5, 2)
