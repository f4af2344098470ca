"""The cascade at work, first against real Caffe, then against points worked out by hand."""

import math
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface import cascade
from protoface.cascade import BACKENDS, ProtofaceError, Window
from protoface.cascade.pictures import read_picture
from protoface.eval.summary import image_diagonal, nme

from ..constant_cascade import FIRST, NET, SECOND, SIMILARITY, SQUARE, constant_weights

CPU = [name for name in ("opencv", "onnxruntime", "torch") if BACKENDS[name].missing() is None]
#: How far the nets' inputs may be from Caffe's: without Intel's IPP, as in the build with CUDA, floats
#: are resized otherwise, and some are 0.0022 apart.
INPUTS = 2e-3 if "Intel IPP:" in cv2.getBuildInformation() else 3e-3


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
        detection = found.detect(image)
        for level, stage in enumerate(found.stages, start=1):
            batch = stage.look([image], [detection.windows[level - 1]])
            np.testing.assert_allclose(batch, reference[f"{key}_l{level}_in"], atol=INPUTS)
            output = stage.forward(reference[f"{key}_l{level}_in"])
            np.testing.assert_allclose(output[0], reference[f"{key}_l{level}_fc2"], atol=1e-5)
            pixels = reference[f"{key}_l{level}_pix"].reshape(5, 2)
            np.testing.assert_array_equal(detection.levels[level - 1], pixels)
        start = (detection.windows[1].x, detection.windows[1].y)
        assert start == tuple(reference[f"{key}_start"])
        diagonal = image_diagonal(image.shape[1], image.shape[0])
        errors.append([nme(points, truth, diagonal) for points in detection.levels])
    np.testing.assert_allclose(errors, reference["err_over_diag"], atol=1e-9)
    np.testing.assert_allclose(np.mean(errors, axis=0) * 100, [1.204, 0.530], atol=0.0005)


def test_backends_agree_in_clean_mode(demo, published):
    images = [read_picture(path) for path in sorted(demo.iterdir())]
    runs = [
        cascade.load("original", backend=name, weights=published).detect_batch(images) for name in CPU
    ]
    for others in runs[1:]:
        for one, other in zip(runs[0], others, strict=True):
            side = one.windows[1].width
            assert np.abs(one.levels[0] - other.levels[0]).max() < 1e-5 * max(images[0].shape)
            # OpenCV's warpAffine rounds positions to 1/32 pixel, so a tiny move can show
            assert np.abs(one.points - other.points).max() < 1e-3 * side


def test_clean_mode_is_as_good_as_faithful_mode(demo, published, reference):
    def error(mode: str) -> float:
        found = cascade.load("original", mode=mode, weights=published)
        images = [read_picture(demo / name) for name in reference["names"]]
        points = np.array([found.detect(image).points for image in images])
        sizes = np.array([image.shape[1::-1] for image in images])
        return nme(points, reference["gt"].reshape(-1, 5, 2), image_diagonal(*sizes.T)).mean()

    assert error("clean") < 1.1 * error("faithful")


def test_points_of_a_constant_cascade_by_hand_clean(folder):
    found = cascade.load(folder)
    detection = found.detect(np.zeros((61, 101, 3), np.uint8))
    first = FIRST * (50, 30) + (50, 30)  # the centre of pixel 0 .. 100, 0 .. 60
    np.testing.assert_allclose(detection.levels[0], first, atol=1e-5)
    side = 4 * np.hypot(0.3 * 50, 0.4 * 30)  # 76.8, more than the picture's 61 rows: clipped there
    left = 50 - (side - 1) / 2
    np.testing.assert_allclose(detection.windows[1].tolist(), [left, 0, side, 61], atol=1e-4)
    np.testing.assert_allclose(
        detection.points,
        (SECOND + 1) * ((side - 1) / 2, 30) + (left, 0),
        atol=1e-4,
    )
    assert detection.windows[0] == Window(0, 0, 101, 61)
    assert detection.points is detection.levels[-1]
    assert detection.points.dtype == np.float32
    assert detection.points.shape == (5, 2)


def test_points_of_a_constant_cascade_by_hand_faithful(folder):
    detection = cascade.load(folder, mode="faithful").detect(np.zeros((60, 100, 3), np.uint8))
    # integer division: (100 - 1) // 2 = 49, (60 - 1) // 2 = 29, then whole pixels
    first = np.round(FIRST * (49, 29) + (49, 29))
    np.testing.assert_array_equal(detection.levels[0], first)
    half = 2 * np.hypot(*(first[2] - first[0]))
    x0, x1 = np.round(49 - half), np.round(49 + half)
    assert detection.windows[1] == Window(x0, 0, x1 + 1 - x0, 60)  # one pixel more than its side
    centre = np.array([(x1 + 1 - x0 - 1) // 2, 29])
    np.testing.assert_array_equal(detection.points, np.round(SECOND * centre + centre) + (x0, 0))


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_a_batch_of_pictures_of_any_sizes_is_each_picture_alone(mode, demo, published):
    images = [read_picture(path) for path in sorted(demo.iterdir())][:4]
    found = cascade.load("original", mode=mode, weights=published)
    for alone, together in zip(map(found.detect, images), found.detect_batch(images), strict=True):
        np.testing.assert_allclose(alone.points, together.points, atol=0.02)
        assert len(together.levels) == len(together.windows) == 2


@pytest.mark.parametrize("mode", ["clean", "faithful"])
def test_a_box_takes_the_place_of_the_picture(mode, folder):
    found = cascade.load(folder, mode=mode)
    image = np.zeros((200, 300, 3), np.uint8)
    whole, part = found.detect(image, [(0, 0, 300, 200), (100, 50, 101, 61)])
    np.testing.assert_array_equal(whole.points, found.detect(image).points)
    assert part.windows[0] == Window(100, 50, 101, 61)
    np.testing.assert_allclose(part.levels[0], FIRST * (50, 30) + (150, 80), atol=0.5)
    assert found.detect(image, []) == []
    assert found.detect_batch([]) == []


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
    detection = found.detect(np.zeros((60, 100, 3), np.uint8))
    if detection.windows[1].empty:
        np.testing.assert_array_equal(detection.points, detection.levels[0])
    else:  # faithful mode looks through a single pixel where nose and eye coincide
        assert mode == "faithful"
        assert detection.windows[1].tolist()[2:] == [1, 1]
        np.testing.assert_array_equal(detection.points, detection.levels[0])


SHAPE = np.array([(-0.4, -0.4), (0.4, -0.4), (0, 0), (-0.3, 0.4), (0.3, 0.4)], np.float32)
TURN = np.array([(0.8, 0.6), (-0.6, 0.8)], np.float32)  # clockwise by 36.87 degrees, for rows of points


def similar(folder: Path, first: np.ndarray, patch: str = "") -> cascade.Cascade:
    """A cascade whose first stage answers `first`, its second one SECOND of a similarity window."""
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace(SQUARE, SIMILARITY.replace("} } }", f"}} {patch} }} }}")))
    constant_weights(folder / "one.caffemodel", first)
    return cascade.load(folder)


def test_a_similarity_window_by_hand(folder):
    found = similar(folder, SHAPE @ TURN / 2)
    image = np.random.default_rng(0).integers(0, 256, (101, 101, 3), np.uint8)
    detection = found.detect(image)
    # level 1's points, the shape half as large: the window is half the picture, 51 pixels, turned
    np.testing.assert_allclose(detection.levels[0], SHAPE @ TURN * 25 + 50, atol=1e-5)
    expected = [25, 25, 51, 51, math.degrees(math.atan2(0.6, 0.8))]
    np.testing.assert_allclose(detection.windows[1].tolist(), expected, atol=1e-4)
    np.testing.assert_allclose(detection.points, SECOND @ TURN * 25 + 50, atol=1e-4)
    batch = found.detect_batch([image, image[:60]])
    np.testing.assert_allclose(batch[0].points, detection.points, atol=1e-5)


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
    detection = found.detect(image)
    half = (0.2 * 51 - 1) / 2
    expected = detection.levels[0] + SECOND @ TURN * half
    np.testing.assert_allclose(detection.points, expected, atol=1e-4)
    stage, window = found.stages[1], detection.windows[1]
    batch = stage.look([image] * 2, [window, Window(0, 0, 0, 0)])
    assert batch.shape == (2, 15, 8, 8)
    for number, patch in enumerate(window.patches):
        alone = found.stages[0].look([image], [patch])[0]
        np.testing.assert_array_equal(batch[0, 3 * number : 3 * number + 3], alone)
    assert (batch[1] == -127.5).all()
    (folder / "patches.prototxt").write_text(NET.replace("1, 3, 8, 8", "1, 3, 16, 20"))
    with pytest.raises(ProtofaceError, match=r"'level_2' makes pictures of 15 x 8 x 8, the net takes"):
        cascade.load(folder)


@pytest.mark.parametrize(
    "answer",
    [np.zeros((5, 2)), np.full((5, 2), 30.0), np.full((5, 2), np.nan), SHAPE * 1e30, SHAPE * 20],
    ids=["no distance", "outside", "nan", "huge", "large"],
)
def test_points_without_a_similarity_window_stay_as_they_were(answer, folder):
    detection = similar(folder, answer.astype(np.float32)).detect(np.zeros((60, 100, 3), np.uint8))
    assert detection.windows[1].empty
    np.testing.assert_array_equal(detection.points, detection.levels[0])


def test_faithful_mode_refuses_what_the_original_had_not(folder):
    file = folder / "cascade.prototxt"
    original = file.read_text()
    file.write_text(original.replace("size: 8", "size: 8 interpolation: AREA", 1))
    with pytest.raises(ProtofaceError, match="'level_1' shrinks by AREA, which faithful mode"):
        cascade.load(folder, mode="faithful")
    file.write_text(original.replace(SQUARE, SIMILARITY))
    with pytest.raises(ProtofaceError, match="'level_2' looks through a similarity window, which"):
        cascade.load(folder, mode="faithful")


@pytest.mark.parametrize("mode", ["clean", "faithful"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_tiny_pictures_have_points_in_them(mode, size, published):
    detection = cascade.load("original", mode=mode, weights=published).detect(
        np.zeros((*size, 3), np.uint8)
    )
    assert np.isfinite(detection.points).all()


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


def test_colour_order_mean_and_scale_reach_the_net(folder):
    file = folder / "cascade.prototxt"
    text = file.read_text().replace(
        "mean: 127.5 size: 8", "color_order: RGB mean: [10, 20, 30] scale: 0.5 size: 8", 1
    )
    file.write_text(text)
    image = np.full((30, 30, 3), (1, 2, 3), np.uint8)  # blue 1, green 2, red 3
    stage = cascade.load(folder).stages[0]
    batch = stage.look([image], [Window(0, 0, 30, 30)])
    np.testing.assert_allclose(batch[0, :, 0, 0], [(3 - 10) / 2, (2 - 20) / 2, (1 - 30) / 2])


def test_nets_that_do_not_fit_the_cascade_are_refused(folder):
    file = folder / "cascade.prototxt"
    original = file.read_text()
    file.write_text(original.replace("size: 8", "size: 9", 1))
    with pytest.raises(
        ProtofaceError, match=r"'level_1' makes pictures of 3 x 9 x 9, the net takes \[3, 8, 8\]"
    ):
        cascade.load(folder)
    file.write_text(original + 'point { name: "chin" }')
    with pytest.raises(ProtofaceError, match=r"needs x and y of 6 points, the net gives \[10\]"):
        cascade.load(folder)


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
    from protoface.cascade.lists import read_list
    from protoface.eval.summary import inter_ocular

    folder = shared / "faces" / "net7876"
    parts = (line.split() for line in (folder / "list_eval_partition.txt").read_text().splitlines())
    names = [name for name, part in parts if part == "2"]
    points = read_list(folder / "list_landmarks_celeba.txt", 10)
    truth = np.array([points[name] for name in names]).reshape(-1, 5, 2)
    found = cascade.load("original", mode="faithful", weights=published)
    images = [cv2.imread(str(folder / "images" / name)) for name in names]
    detections = found.detect_batch(images)
    sizes = np.array([image.shape[1::-1] for image in images])
    for level, (diagonal, eyes) in enumerate([(1.44, 10.18), (1.24, 8.72)]):
        found_points = np.array([detection.levels[level] for detection in detections])
        assert 100 * nme(found_points, truth, image_diagonal(*sizes.T)).mean() == pytest.approx(
            diagonal, abs=0.05
        )
        assert 100 * nme(found_points, truth, inter_ocular(truth)).mean() == pytest.approx(
            eyes, abs=0.05
        )
