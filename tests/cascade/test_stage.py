"""A stage by itself: several views and answers, what a step holds, how long its parts took."""

import math
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from protoface.cascade import BACKENDS, Window, load
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.cascade import begin
from protoface.cascade.face import Candidate
from protoface.cascade.views.pixels import PixelsView

from ..constant_cascade import FIRST
from .two_views import ANSWERS, FAR, NEAR, answered, write_two_views

CPU = [name for name in ("opencv", "onnxruntime", "torch") if BACKENDS[name].missing() is None]
FILES = [("caffe", name) for name in CPU] + [("onnx", name) for name in CPU if name != "torch"]


@pytest.fixture
def images():
    """Two pictures of different sizes, smooth enough that a moved window shows."""
    generator = np.random.default_rng(0)
    coarse = [generator.integers(0, 256, (7, 9, 3), np.uint8) for _ in range(2)]
    return [cv2.resize(one, size) for one, size in zip(coarse, [(101, 61), (90, 80)], strict=True)]


def edit(folder, old, new):
    file = folder / "cascade.prototxt"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def seen_by_hand(image, window):
    """What the two views show: the window's pixels, and the whole picture in RGB."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    near = cv2.warpAffine(image, sampling(window), (8, 8), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    far = cv2.resize(image, (10, 6))[..., ::-1]
    return near.transpose(2, 0, 1) - 127.5, (far - np.array([90, 100, 110])).transpose(2, 0, 1) * 0.5


def sampling(window):
    """From pixels of an 8 x 8 input to the picture's: outer edges coincide."""
    sx, sy = window.width / 8, window.height / 8
    return np.array([[sx, 0, window.x + sx / 2 - 0.5], [0, sy, window.y + sy / 2 - 0.5]])


@pytest.mark.parametrize("flip_average", [False, True])
@pytest.mark.parametrize(("kind", "backend"), FILES)
def test_two_views_and_two_answers_by_hand(kind, backend, flip_average, folder, images):
    write_two_views(folder)
    if kind == "onnx":
        edit(folder, 'net: "both.prototxt" weights: "both.caffemodel"', 'onnx: "both.onnx"')
    if flip_average:
        edit(folder, 'name: "both"', 'name: "both" flip_average: true')
    found = load(folder, backend=backend)
    first, second = found.steps(images)
    assert list(second.stage.views) == ["near", "far"]
    assert list(second.stage.answers) == ["coarse", "fine"]
    for number, (image, window) in enumerate(zip(images, second.windows, strict=True)):
        rows, columns = image.shape[:2]
        before = first.candidates[number].points
        middle = np.array([(columns - 1) / 2, (rows - 1) / 2])
        np.testing.assert_allclose(before, FIRST * middle + middle, atol=1e-4)
        # answers are relative to the first view's window, not to that of the second
        side = 4 * math.dist(before[2], before[0])
        assert window.width == pytest.approx(min(side, columns), abs=1e-3)
        assert window != Window(0, 0, columns, rows)
        near, far = seen_by_hand(image, window)
        np.testing.assert_allclose(second.inputs["near"][number], near, atol=1e-4)
        np.testing.assert_allclose(second.inputs["far"][number], far, atol=1e-4)
    expected = answered(second.inputs, flip_average)
    for blob, values in expected.items():
        np.testing.assert_allclose(second.outputs[blob], values, atol=1e-5)
    for number, window in enumerate(second.windows):
        size = np.array([window.width - 1, window.height - 1])
        points = (expected["fine"][number].reshape(5, 2) + 1) / 2 * size + (window.x, window.y)
        np.testing.assert_allclose(second.candidates[number].points, points, atol=1e-3)
        assert len(second.candidates[number].stages) == 2  # one for each stage, not for each answer


@pytest.mark.parametrize("backend", CPU)
def test_views_and_answers_go_by_their_blobs_not_by_their_order(backend, folder, images):
    expected = [face.points for (face,) in load(write_two_views(folder), backend).detect_batch(images)]
    edit(folder, NEAR, "")
    edit(folder, FAR, f"{FAR} {NEAR}")
    found = load(folder, backend)
    _, second = found.steps(images)
    assert list(second.stage.views) == ["far", "near"]
    # the same net sees the same, but its answers are relative to the whole picture now
    assert second.windows == [Window(0, 0, 101, 61), Window(0, 0, 90, 80)]
    for number, window in enumerate(second.windows):
        size = np.array([window.width - 1, window.height - 1])
        fine = answered(second.inputs)["fine"][number].reshape(5, 2)
        points = (fine + 1) / 2 * size
        np.testing.assert_allclose(second.candidates[number].points, points, atol=1e-3)
        assert np.abs(points - expected[number]).max() > 1


@pytest.mark.parametrize("backend", CPU)
def test_an_output_that_no_answer_reads_is_left_alone(backend, folder, images):
    """The last answer that says where the points are is the one that counts."""
    write_two_views(folder)
    edit(folder, ANSWERS, 'answer { blob: "fine" points {} } answer { blob: "coarse" points {} }')
    both = load(folder, backend).detect_batch(images)
    edit(folder, 'answer { blob: "fine" points {} }', "")
    alone = load(folder, backend).detect_batch(images)
    for (one,), (other,) in zip(both, alone, strict=True):
        np.testing.assert_array_equal(one.points, other.points)


def test_the_first_view_of_a_stage_is_its_view(folder):
    first, second = load(write_two_views(folder)).stages
    assert first.view is first.views["data"]
    assert second.view is second.views["near"]
    assert isinstance(second.view, PixelsView)
    assert isinstance(second.answers["fine"], PointsAnswer)
    assert not second.needs_box


def test_a_box_that_any_view_needs_is_needed_by_the_stage(folder, images):
    write_two_views(folder)
    edit(folder, FAR, FAR.replace("picture {}", "box {}"))
    found = load(folder)
    assert [stage.needs_box for stage in found.stages] == [False, True]
    (face,) = found.detect(images[0], [(10, 10, 50, 40)])
    assert face.points.shape == (5, 2)


def test_what_a_stage_is_made_of_can_be_had_alone(folder, images):
    """Its views make the inputs that `step` feeds, without the net."""
    _, stage = load(write_two_views(folder)).stages
    candidates = [
        Candidate(number, image.shape[:2], points=FIRST * 20 + 40)
        for number, image in enumerate(images)
    ]
    step = stage.step(images, candidates)
    assert step.windows == stage.view.windows(candidates)
    assert list(step.inputs) == list(stage.views)
    for blob, view in stage.views.items():
        seen = view.make_input(images, view.windows(candidates))
        np.testing.assert_array_equal(seen, step.inputs[blob])


def test_several_candidates_of_one_picture_are_one_batch(folder, images):
    """Each is looked at in its own picture, whatever the order."""
    stage = load(folder).stages[0]
    candidates = begin(images, [[(0, 0, 20, 20), (30, 30, 20, 20)], [(5, 5, 40, 30)]])
    assert [candidate.picture for candidate in candidates] == [0, 0, 1]
    step = stage.step(images, candidates[::-1])
    assert step.inputs["data"].shape == (3, 3, 8, 8)
    faces = step.faces(3)
    assert [len(found) for found in faces] == [1 + 1, 1, 0]
    assert [tuple(face.box[:2]) for face in faces[0]] == [(30, 30), (0, 0)]
    assert tuple(faces[1][0].box) == (5, 5, 40, 30)


def test_the_seconds_of_a_step_are_those_of_its_parts(folder, images):
    stage = load(folder).stages[0]

    def slow(inputs):
        time.sleep(0.05)
        return stage.forward(inputs)

    start = time.perf_counter()
    stepping = replace(stage, forward=slow).step
    seconds = stepping(images, begin(images), time.perf_counter).seconds
    assert 0.05 <= seconds.forward < sum(seconds) <= time.perf_counter() - start
    assert min(seconds) > 0
    assert stepping(images, begin(images)).seconds == (0, 0, 0)  # nobody asked


def test_stages_and_steps_cannot_be_changed(folder, images):
    stage = load(folder).stages[0]
    for made in (stage, stage.step(images, begin(images))):
        with pytest.raises(AttributeError):
            made.windows = None
