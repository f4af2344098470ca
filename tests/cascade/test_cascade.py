"""The cascade at work, first against real Caffe, then against points worked out by hand."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface import cascade
from protoface.cascade import BACKENDS, ProtofaceError, Window
from protoface.cascade.cascade import begin
from protoface.cascade.layouts import find_layout
from protoface.cascade.lists import read_list
from protoface.cascade.metrics import image_diagonal, nme
from protoface.cascade.pictures import read_picture
from protoface.cascade.windows.window import NOTHING

from ..constant_cascade import FIRST, NET, SECOND, SIMILARITY, SQUARE, constant_weights

CPU = [name for name in ("opencv", "onnxruntime", "torch") if BACKENDS[name].missing() is None]
#: How far the nets' inputs may be from Caffe's: without Intel's IPP, as in the build with CUDA, floats
#: are resized otherwise, and some are 0.0022 apart.
INPUTS = 2e-3 if "Intel IPP:" in cv2.getBuildInformation() else 3e-3
SHAPE = np.array([(-0.4, -0.4), (0.4, -0.4), (0, 0), (-0.3, 0.4), (0.3, 0.4)], np.float32)
TURN = np.array([(0.8, 0.6), (-0.6, 0.8)], np.float32)  # clockwise by 36.87 degrees, for rows of points


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "caffe_reference" / "demo_reference.npz") as file:
        return dict(file)


@pytest.mark.parametrize("backend", CPU)
def test_faithful_mode_is_real_caffe(backend, demo, published, reference):
    """Every picture: both nets' inputs and outputs, the crop, the pixels; then the published errors."""
    found = cascade.load("original", backend=backend, mode="faithful", weights=published)
    errors = []
    for name, truth in zip(reference["names"], reference["gt"].reshape(-1, 5, 2), strict=True):
        image, key = read_picture(demo / name), name[:6]
        (face,) = found.detect(image)
        for level, step in enumerate(found.steps([image]), start=1):
            inputs = reference[f"{key}_l{level}_in"]
            np.testing.assert_allclose(step.inputs["data"], inputs, atol=INPUTS)
            output = step.stage.forward({"data": inputs})["fc2"]
            np.testing.assert_allclose(output[0], reference[f"{key}_l{level}_fc2"], atol=1e-5)
            pixels = reference[f"{key}_l{level}_pix"].reshape(5, 2)
            np.testing.assert_array_equal(face.stages[level - 1], pixels)
        assert len(face.stages) == level == 2
        start = (face.windows[1].x, face.windows[1].y)
        assert start == tuple(reference[f"{key}_start"])
        diagonal = image_diagonal(image.shape[1], image.shape[0])
        errors.append([nme(points, truth, diagonal) for points in face.stages])
    np.testing.assert_allclose(errors, reference["err_over_diag"], atol=1e-9)
    np.testing.assert_allclose(np.mean(errors, axis=0) * 100, [1.204, 0.530], atol=0.0005)


def test_backends_agree_in_clean_mode(demo, published):
    images = [read_picture(path) for path in sorted(demo.iterdir())]
    runs = [
        cascade.load("original", backend=name, weights=published).detect_batch(images) for name in CPU
    ]
    for others in runs[1:]:
        for (one,), (other,) in zip(runs[0], others, strict=True):
            side = one.windows[1].width
            assert np.abs(one.stages[0] - other.stages[0]).max() < 1e-5 * max(images[0].shape)
            # OpenCV's warpAffine rounds positions to 1/32 pixel, so a tiny move can show
            assert np.abs(one.points - other.points).max() < 1e-3 * side


def test_clean_mode_is_as_good_as_faithful_mode(demo, published, reference):
    def error(mode: str) -> float:
        found = cascade.load("original", mode=mode, weights=published)
        images = [read_picture(demo / name) for name in reference["names"]]
        points = np.array([face.points for image in images for face in found.detect(image)])
        sizes = np.array([image.shape[1::-1] for image in images])
        return nme(points, reference["gt"].reshape(-1, 5, 2), image_diagonal(*sizes.T)).mean()

    assert error("clean") < 1.1 * error("faithful")


def test_points_of_a_constant_cascade_by_hand_clean(folder):
    found = cascade.load(folder)
    (face,) = found.detect(np.zeros((61, 101, 3), np.uint8))
    first = FIRST * (50, 30) + (50, 30)  # the centre of pixel 0 .. 100, 0 .. 60
    np.testing.assert_allclose(face.stages[0], first, atol=1e-5)
    side = 4 * np.hypot(0.3 * 50, 0.4 * 30)  # 76.8, more than the picture's 61 rows: clipped there
    left = 50 - (side - 1) / 2
    np.testing.assert_allclose(face.windows[1].tolist(), [left, 0, side, 61], atol=1e-4)
    np.testing.assert_allclose(
        face.points,
        (SECOND + 1) * ((side - 1) / 2, 30) + (left, 0),
        atol=1e-4,
    )
    assert face.windows[0] == Window(0, 0, 101, 61)
    assert face.points is face.stages[-1]
    assert face.points.dtype == np.float32
    assert face.points.shape == (5, 2)


def test_points_of_a_constant_cascade_by_hand_faithful(folder):
    (face,) = cascade.load(folder, mode="faithful").detect(np.zeros((60, 100, 3), np.uint8))
    # integer division: (100 - 1) // 2 = 49, (60 - 1) // 2 = 29, then whole pixels
    first = np.round(FIRST * (49, 29) + (49, 29))
    np.testing.assert_array_equal(face.stages[0], first)
    half = 2 * np.hypot(*(first[2] - first[0]))
    x0, x1 = np.round(49 - half), np.round(49 + half)
    assert face.windows[1] == Window(x0, 0, x1 + 1 - x0, 60)  # one pixel more than its side
    centre = np.array([(x1 + 1 - x0 - 1) // 2, 29])
    np.testing.assert_array_equal(face.points, np.round(SECOND * centre + centre) + (x0, 0))


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_a_batch_of_pictures_of_any_sizes_is_each_picture_alone(mode, demo, published):
    images = [read_picture(path) for path in sorted(demo.iterdir())][:4]
    found = cascade.load("original", mode=mode, weights=published)
    for (alone,), (together,) in zip(
        map(found.detect, images), found.detect_batch(images), strict=True
    ):
        np.testing.assert_allclose(alone.points, together.points, atol=0.02)
        assert len(together.stages) == len(together.windows) == 2


@pytest.mark.parametrize("backend", CPU)
def test_steps_are_what_detection_is_made_of(backend, random_folder):
    """Every step's inputs, run once more by another runtime, give its outputs, and these its points."""
    found = cascade.load(random_folder, backend=backend)
    other = cascade.load(random_folder, backend=next(name for name in CPU if name != backend))
    images = pictures(3)
    steps = list(found.steps(images))
    assert [step.stage for step in steps] == found.stages
    (answer,) = found.stages[0].answers.values()
    candidates = begin(images)
    for step, stage in zip(steps, other.stages, strict=True):
        assert step.inputs["data"].shape == (3, 3, 8, 8)
        outputs = stage.forward(step.inputs)["points"]
        np.testing.assert_allclose(step.outputs["points"], outputs, atol=1e-5)
        candidates = answer.read(step.outputs["points"], step.windows, candidates)
        for before, after in zip(candidates, step.candidates, strict=True):
            np.testing.assert_array_equal(before.points, after.points)
    for number, (face,) in enumerate(found.detect_batch(images)):
        for stage, step in enumerate(steps):
            assert face.windows[stage] == step.windows[number]
            np.testing.assert_array_equal(face.stages[stage], step.candidates[number].points)
        (last,) = steps[-1].faces(3)[number]
        np.testing.assert_array_equal(face.points, last.points)
    (early,) = steps[0].faces(3)[1]
    assert len(early.stages) == 1
    assert early.points is early.stages[0]


def pictures(count: int) -> list[np.ndarray]:
    """Smooth pictures of different sizes."""
    generator = np.random.default_rng(0)
    coarse = (generator.integers(0, 256, (6, 8, 3), np.uint8) for _ in range(count))
    return [cv2.resize(one, (80 + 9 * index, 60)) for index, one in enumerate(coarse)]


def test_steps_run_one_after_the_other(folder):
    """Whoever stops early pays for no more nets."""
    found = cascade.load(folder)
    ran = []
    found.stages = [
        replace(stage, forward=lambda inputs, stage=stage: ran.append(stage) or stage.forward(inputs))
        for stage in found.stages
    ]
    steps = found.steps(pictures(1))
    assert ran == []
    next(steps)
    assert [stage.name for stage in ran] == ["level_1"]


def test_no_candidates_end_the_loop(folder):
    found = cascade.load(folder)
    (image,) = pictures(1)
    assert found.detect(image, []) == []
    assert found.detect_batch([]) == []
    assert found.detect_batch([image] * 2, [[], np.zeros((0, 4))]) == [[], []]
    assert list(found.steps([image], [[]])) == []
    assert list(found.steps([])) == []


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_boxes_of_several_pictures_come_back_in_order(mode, random_folder):
    found = cascade.load(random_folder, mode=mode)
    images = pictures(3)
    boxes = [
        [(0, 0, 40, 30), (30, 20, 50, 40)],
        [],
        [(9.5, 3.25, 60, 44), (0, 0, 98, 60), (1, 2, 9, 9)],
    ]
    together = found.detect_batch(images, boxes)
    assert [len(faces) for faces in together] == [2, 0, 3]
    for image, given, faces in zip(images, boxes, together, strict=True):
        for box, face, alone in zip(given, faces, found.detect(image, given), strict=True):
            np.testing.assert_array_equal(face.box, box)
            np.testing.assert_array_equal(alone.box, box)
            np.testing.assert_allclose(face.points, alone.points, atol=0.02)
            (by_itself,) = found.detect(image, [box])
            np.testing.assert_allclose(face.points, by_itself.points, atol=0.02)
    flat = [face.stages[0] for faces in together for face in faces]
    assert min(np.abs(a - b).max() for i, a in enumerate(flat) for b in flat[:i]) > 1


def test_a_list_of_boxes_for_each_picture(folder):
    found = cascade.load(folder)
    with pytest.raises(ProtofaceError, match="1 lists of boxes for 2 pictures; give one for each"):
        found.detect_batch(pictures(2), [[(0, 0, 9, 9)]])


MANY = 68


@pytest.fixture
def folder_68(folder: Path) -> Path:
    """Two stages of 68 points: the picture, then a similarity window with a patch for each point."""
    layout = find_layout("ibug68")
    generator = np.random.default_rng(0)
    shape = generator.uniform(-0.5, 0.5, (MANY, 2)).astype(np.float32)
    np.save(folder / "shape.npy", shape)
    points = " ".join(f"shape {{ x: {x} y: {y} }}" for x, y in shape)
    net = NET.replace("num_output: 10", "num_output: 136")
    (folder / "net.prototxt").write_text(net)
    (folder / "patches.prototxt").write_text(net.replace("1, 3, 8, 8", f"1, {3 * MANY}, 8, 8"))
    constant_weights(folder / "one.caffemodel", shape @ TURN / 2)
    constant_weights(folder / "two.caffemodel", shape[list(layout.flip)], "patches.prototxt")
    (folder / "cascade.prototxt").write_text(f"""
    name: "many" layout: "ibug68"
    stage {{ name: "level_1" net: "net.prototxt" weights: "one.caffemodel"
      preprocess {{ mean: 127.5 size: 8 }} window {{ picture {{}} }} }}
    stage {{ name: "level_2" net: "patches.prototxt" weights: "two.caffemodel"
      preprocess {{ mean: 127.5 size: 8 interpolation: AREA }}
      window {{ similarity {{ {points} patch: 0.25 }} }} }}""")
    return folder


@pytest.mark.parametrize("backend", CPU)
def test_68_points_by_hand(backend, folder_68):
    found = cascade.load(folder_68, backend=backend)
    assert found.layout is find_layout("ibug68")
    shape = np.load(folder_68 / "shape.npy")
    image = np.random.default_rng(1).integers(0, 256, (101, 101, 3), np.uint8)
    (face,) = found.detect(image)
    np.testing.assert_allclose(face.stages[0], shape @ TURN * 25 + 50, atol=1e-4)
    window = face.windows[1]
    assert window.width == pytest.approx(51, abs=1e-3)
    assert window.angle == pytest.approx(math.degrees(math.atan2(0.6, 0.8)), abs=1e-3)
    assert len(window.patches) == MANY
    half = (0.25 * 51 - 1) / 2
    expected = face.stages[0] + shape[list(found.layout.flip)] @ TURN * half
    assert face.points.shape == (MANY, 2)
    np.testing.assert_allclose(face.points, expected, atol=1e-4)


@pytest.mark.parametrize("backend", CPU)
def test_68_points_of_a_mirrored_picture_are_mirrored(backend, folder_68):
    """Averaged, the answer does not depend on the side one looks from, whatever the nets are."""
    file, layout = folder_68 / "cascade.prototxt", find_layout("ibug68")
    file.write_text(file.read_text().replace("stage {", "stage { flip_average: true"))
    answer = np.random.default_rng(2).uniform(-0.5, 0.5, (MANY, 2)).astype(np.float32)
    constant_weights(folder_68 / "one.caffemodel", answer, spread=1e-4)
    constant_weights(folder_68 / "two.caffemodel", answer, "patches.prototxt", spread=1e-5)
    found = cascade.load(folder_68, backend=backend)
    image = pictures(1)[0]
    (face,), (mirrored,) = found.detect_batch([image, image[:, ::-1].copy()])
    back = (image.shape[1] - 1, 0) + mirrored.stages[0][list(layout.flip)] * (-1, 1)
    np.testing.assert_allclose(face.stages[0], back, atol=0.05)
    assert np.ptp(face.points, axis=0).min() > 1


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_a_box_takes_the_place_of_the_picture(mode, folder):
    found = cascade.load(folder, mode=mode)
    image = np.zeros((200, 300, 3), np.uint8)
    whole, part = found.detect(image, [(0, 0, 300, 200), (100, 50, 101, 61)])
    np.testing.assert_array_equal(whole.points, found.detect(image)[0].points)
    assert part.windows[0] == Window(100, 50, 101, 61)
    np.testing.assert_allclose(part.stages[0], FIRST * (50, 30) + (150, 80), atol=0.5)


def test_a_box_window_grows_around_its_centre_and_is_needed(folder):
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace("picture {}", "box { scale: 1.5 }"))
    found = cascade.load(folder)
    image = np.zeros((200, 300, 3), np.uint8)
    assert found.detect(image, [(100, 60, 40, 20)])[0].windows[0] == Window(90, 55, 60, 30)
    with pytest.raises(ProtofaceError, match=r"'level_1' looks through a box: give boxes"):
        found.detect(image)


@pytest.mark.parametrize("mode", ["clean", "faithful"])
@pytest.mark.parametrize(
    "answer",
    [np.zeros((5, 2)), np.full((5, 2), 30.0), np.full((5, 2), np.nan), np.full((5, 2), 1e30)],
    ids=["no distance", "outside", "nan", "huge"],
)
def test_a_window_without_a_pixel_leaves_the_points_as_they_were(mode, answer, folder):
    constant_weights(folder / "one.caffemodel", answer.astype(np.float32))
    found = cascade.load(folder, mode=mode)
    (face,) = found.detect(np.zeros((60, 100, 3), np.uint8))
    if not face.windows[1].empty:  # it looks through a single pixel where nose and eye coincide
        assert mode == "faithful"
        assert face.windows[1].tolist()[2:] == [1, 1]
    np.testing.assert_array_equal(face.points, face.stages[0])


def similar(folder: Path, first: np.ndarray, patch: str = "") -> cascade.Cascade:
    """A cascade whose first stage answers `first`, its second one SECOND of a similarity window."""
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace(SQUARE, SIMILARITY.replace("} } }", f"}} {patch} }} }}")))
    constant_weights(folder / "one.caffemodel", first)
    return cascade.load(folder)


def test_a_similarity_window_by_hand(folder):
    found = similar(folder, SHAPE @ TURN / 2)
    image = np.random.default_rng(0).integers(0, 256, (101, 101, 3), np.uint8)
    (face,) = found.detect(image)
    # level 1's points, the shape half as large: the window is half the picture, 51 pixels, turned
    np.testing.assert_allclose(face.stages[0], SHAPE @ TURN * 25 + 50, atol=1e-5)
    expected = [25, 25, 51, 51, math.degrees(math.atan2(0.6, 0.8))]
    np.testing.assert_allclose(face.windows[1].tolist(), expected, atol=1e-4)
    np.testing.assert_allclose(face.points, SECOND @ TURN * 25 + 50, atol=1e-4)
    batch = found.detect_batch([image, image[:60]])
    np.testing.assert_allclose(batch[0][0].points, face.points, atol=1e-5)


@pytest.mark.parametrize("backend", CPU)
def test_patches_by_hand(backend, folder):
    """A net of 15 channels that answers SECOND, each point of it in a patch around the point before."""
    (folder / "patches.prototxt").write_text(NET.replace("1, 3, 8, 8", "1, 15, 8, 8"))
    constant_weights(folder / "two.caffemodel", SECOND, "patches.prototxt")
    file = folder / "cascade.prototxt"
    text = file.read_text().replace('"level_2" net: "net', '"level_2" net: "patches')
    file.write_text(text)
    similar(folder, SHAPE @ TURN / 2, "patch: 0.2")
    found = cascade.load(folder, backend=backend)
    image = np.random.default_rng(0).integers(0, 256, (101, 101, 3), np.uint8)
    (face,) = found.detect(image)
    half = (0.2 * 51 - 1) / 2
    expected = face.stages[0] + SECOND @ TURN * half
    np.testing.assert_allclose(face.points, expected, atol=1e-4)
    first, second = (stage.view for stage in found.stages)
    window = face.windows[1]
    batch = second.make_input([image] * 2, [window, NOTHING])
    assert batch.shape == (2, 15, 8, 8)
    for number, patch in enumerate(window.patches):
        alone = first.make_input([image], [patch])[0]
        np.testing.assert_array_equal(batch[0, 3 * number : 3 * number + 3], alone)
    assert (batch[1] == -127.5).all()
    (folder / "patches.prototxt").write_text(NET.replace("1, 3, 8, 8", "1, 3, 16, 20"))
    with pytest.raises(
        ProtofaceError,
        match=r"'level_2' makes an input of shape 15 x 8 x 8, the net takes 3 x 16 x 20 in",
    ):
        cascade.load(folder)


@pytest.mark.parametrize(
    "answer",
    [np.zeros((5, 2)), np.full((5, 2), 30.0), np.full((5, 2), np.nan), SHAPE * 1e30, SHAPE * 20],
    ids=["no distance", "outside", "nan", "huge", "large"],
)
def test_points_without_a_similarity_window_stay_as_they_were(answer, folder):
    (face,) = similar(folder, answer.astype(np.float32)).detect(np.zeros((60, 100, 3), np.uint8))
    assert face.windows[1].empty
    np.testing.assert_array_equal(face.points, face.stages[0])


def test_faithful_mode_refuses_what_the_original_had_not(folder):
    file = folder / "cascade.prototxt"
    original = file.read_text()
    file.write_text(original.replace(SQUARE, SIMILARITY))
    with pytest.raises(ProtofaceError, match="'level_2' looks through a similarity window, which"):
        cascade.load(folder, mode="faithful")


@pytest.mark.parametrize("mode", ["clean", "faithful"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_tiny_pictures_have_points_in_them(mode, size, published):
    found = cascade.load("original", mode=mode, weights=published)
    (face,) = found.detect(np.zeros((*size, 3), np.uint8))
    assert (face.points >= 0).all()
    assert (face.points <= np.array(size[::-1]) - 1).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((9, 9), np.uint8), r"shape \(9, 9\); use cv2.cvtColor"),
        (np.zeros((9, 9, 4), np.uint8), r"shape \(9, 9, 4\); use cv2.cvtColor"),
        (np.zeros((9, 9, 3), np.uint16), "not uint16; convert it first"),
        (np.zeros((9, 9, 3), np.float32), "not float32; convert it first"),
        (np.zeros((0, 9, 3), np.uint8), "has no pixels"),
        (None, "not NoneType; convert it first"),
    ],
)
def test_pictures_of_another_kind_are_refused_with_the_remedy(image, message, folder):
    with pytest.raises(ProtofaceError, match=message):
        cascade.load(folder).detect(image)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([(500, 500, 10, 10)], r"covers no pixel of the 100 x 60 picture"),
        ([(5, 5, 0, 10)], r"covers no pixel"),
        ([1, 2, 3, 4], r"must be finite \(n, 4\)"),
        ([(1, 2, 3)], r"must be finite \(n, 4\)"),
        ([(1, 2, np.nan, 4)], r"must be finite \(n, 4\)"),
    ],
)
def test_boxes_that_make_no_sense_are_refused(boxes, message, folder):
    with pytest.raises(ProtofaceError, match=message):
        cascade.load(folder).detect(np.zeros((60, 100, 3), np.uint8), boxes)


def test_an_unknown_mode_is_refused(folder):
    with pytest.raises(ProtofaceError, match="mode 'fast' is unknown; there are clean, faithful"):
        cascade.load(folder, mode="fast")


@pytest.mark.parametrize("backend", ["opencv", "onnxruntime"])
def test_pytorch_is_not_loaded_unless_asked_for(backend, folder):
    if BACKENDS[backend].missing():
        pytest.skip(BACKENDS[backend].missing())
    code = (
        "import sys, numpy as np, protoface.cascade as c\n"
        f"c.load({str(folder)!r}, backend={backend!r}).detect(np.zeros((9, 9, 3), np.uint8))\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_published_errors_on_real_faces_in_faithful_mode(shared, published):
    """net7876 test: 1.44 / 1.24 % of the diagonal, 10.18 / 8.72 % of the eye distance, n = 2,027."""
    folder = shared / "faces" / "net7876"
    parts = (line.split() for line in (folder / "list_eval_partition.txt").read_text().splitlines())
    names = [name for name, part in parts if part == "2"]
    points = read_list(folder / "list_landmarks_celeba.txt", 10)
    truth = np.array([points[name] for name in names]).reshape(-1, 5, 2)
    found = cascade.load("original", mode="faithful", weights=published)
    images = [cv2.imread(str(folder / "images" / name)) for name in names]
    faces = [face for (face,) in found.detect_batch(images)]
    sizes = np.array([image.shape[1::-1] for image in images])
    for level, (diagonal, eyes) in enumerate([(1.44, 10.18), (1.24, 8.72)]):
        found_points = np.array([face.stages[level] for face in faces])
        assert 100 * nme(found_points, truth, image_diagonal(*sizes.T)).mean() == pytest.approx(
            diagonal, abs=0.05
        )
        length = find_layout("celeba5").distance("inter_ocular", truth)
        assert 100 * nme(found_points, truth, length).mean() == pytest.approx(eyes, abs=0.05)
