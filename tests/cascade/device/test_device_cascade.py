"""A cascade on the device finds what `Cascade` finds; here the device is the CPU."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade.definition import empty_nets, find_definition, load_nets, read_definition
from protoface.cascade.detector import Cascade
from protoface.cascade.device.device_cascade import DeviceCascade
from protoface.converters import ProtofaceError
from protoface.trainers.drawn.faces import draw_face

from ...constant_cascade import SIMILARITY, SQUARE


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.stack([cv2.resize(draw_face(7, index, 256).image, (256, 240)) for index in range(8)])


def both(name: str | Path, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (levels, n, points, 2) of the cascade on the device, and of `Cascade` on PyTorch."""
    path = find_definition(name)
    definition = read_definition(path)
    nets = load_nets(definition, path.parent)
    with torch.inference_mode():
        found = DeviceCascade(definition, nets)(torch.from_numpy(images)).numpy()
    detections = Cascade(definition, nets, "torch").detect_batch(list(images))
    expected = np.array([detection.levels for detection in detections])
    return found, expected.transpose(1, 0, 2, 3)


@pytest.mark.parametrize(("name", "mean"), [("synthetic", 0.3), ("fast", 1), ("accurate", 1)])
def test_the_shipped_models_on_drawn_faces(name, mean, faces):
    """Pixels of 256 x 240. Some inputs are a grey level off, and the nets answer even to that.

    OpenCV 4 and 5 differ from each other as much (docs/gpu.md); models trained on photographs are less
    sure of drawn faces.
    """
    found, expected = both(name, faces)
    assert found.shape == expected.shape
    assert np.linalg.norm(found - expected, axis=-1).mean() < mean


@pytest.mark.parametrize(
    "window", [SQUARE, SIMILARITY, SIMILARITY.replace("shape", "upright: false shape", 1)]
)
@pytest.mark.parametrize("average", ["", " flip_average: true"])
def test_windows_of_every_kind(folder, window, average):
    """The nets answer the same whatever they see, so that windows and points alone are compared."""
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace(SQUARE, window + average))
    images = np.random.default_rng(0).integers(0, 256, (5, 60, 80, 3), np.uint8)
    found, expected = both(folder, images)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_rgb_and_a_mean_for_each_channel(folder):
    """Preprocessing as OpenCV's blobFromImages does it: what the net sees is compared."""
    file = folder / "cascade.prototxt"
    preprocess = "color_order: RGB mean: 10 mean: 20 mean: 30 scale: 0.5 size: 8"
    file.write_text(file.read_text().replace("mean: 127.5 size: 8", preprocess, 1))
    definition = read_definition(file)
    nets = load_nets(definition, folder)
    image = np.full((20, 20, 3), (50, 100, 200), np.uint8)
    stage = Cascade(definition, nets, "torch").stages[0]
    expected = stage.look([image], [stage.first_window(image, None)])
    device = DeviceCascade(definition, nets).stages[0]
    from protoface.cascade.device.device_windows import picture

    found = device.look(torch.from_numpy(image[None]), None, picture(1, 20, 20, torch.device("cpu")))
    np.testing.assert_allclose(found.numpy(), expected)


def test_points_stay_where_there_is_nothing_to_look_at(folder):
    """Level 1 with all points in one place: no square, as in `Cascade`."""
    from ...constant_cascade import constant_weights

    constant_weights(folder / "one.caffemodel", np.zeros(10, np.float32))
    found, expected = both(folder, np.zeros((2, 60, 80, 3), np.uint8))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found[0], found[1])


def test_half_nets_stay_near(faces):
    path = find_definition("synthetic")
    definition = read_definition(path)
    nets = load_nets(definition, path.parent)
    images = torch.from_numpy(faces[:2])
    with torch.inference_mode():
        full = DeviceCascade(definition, nets)(images)
        half = DeviceCascade(definition, nets).half_nets()(images)
    assert half.dtype == torch.float32
    assert 0 < float((half - full).abs().max()) < 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("size: 8 }", "size: 8 interpolation: CUBIC }", "stage 'level_1' resizes by CUBIC"),
        ("picture {}", "box {}", "stage 'level_1' looks through a given box"),
    ],
)
def test_what_it_does_not_have_is_named(folder, old, new, said):
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace(old, new, 1))
    definition = read_definition(file)
    with pytest.raises(ProtofaceError, match=said):
        DeviceCascade(definition, empty_nets(definition, folder))


def test_onnx_stages_are_refused():
    path = find_definition("fast-int8")
    definition = read_definition(path)
    with pytest.raises(ProtofaceError, match="stage 'level_1' is an ONNX file"):
        DeviceCascade(definition, load_nets(definition, path.parent))
