"""A cascade on the device finds what `Cascade` finds; here the device is the CPU."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import find_definition, load_nets, read_definition
from protoface.cascade.device.device_cascade import DeviceCascade
from protoface.cascade.device.device_windows import picture
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows.window import picture_window
from protoface.converters import ProtofaceError
from protoface.trainers.drawn.faces import draw_face

from ...constant_cascade import NET, SIMILARITY, SQUARE, constant_weights
from ..two_views import write_two_views


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
    faces = Cascade(definition, nets, "torch").detect_batch(list(images))
    expected = np.array([face.stages for (face,) in faces])
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
    expected = stage.view.make_input([image], [picture_window((20, 20))])
    device = DeviceCascade(definition, nets).stages[0]
    found = device.make_input(
        torch.from_numpy(image[None]), None, picture(1, 20, 20, torch.device("cpu"))
    )
    np.testing.assert_allclose(found.numpy(), expected)


def test_points_stay_where_there_is_nothing_to_look_at(folder):
    """Level 1 with all points in one place: no square, as in `Cascade`."""
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
        ("picture {}", "box {}", "stage 'level_1' looks through a BoxWindow, which a cascade on the"),
        (
            "preprocess { mean: 127.5 size: 8 } window { picture {} }",
            "view { pixels { preprocess { size: 8 interpolation: NEAREST } window { picture {} } } }",
            "stage 'level_1' resizes by NEAREST, which a cascade on the device does not have",
        ),
    ],
)
def test_what_it_does_not_have_is_named(folder, old, new, said):
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace(old, new, 1))
    definition = read_definition(file)
    with pytest.raises(ProtofaceError, match=said):
        DeviceCascade(definition, load_nets(definition, folder))


def test_onnx_stages_are_refused():
    path = find_definition("fast-int8")
    definition = read_definition(path)
    with pytest.raises(ProtofaceError, match="stage 'level_1' is an ONNX file"):
        DeviceCascade(definition, load_nets(definition, path.parent))


def test_several_views_or_answers_are_refused(folder):
    definition = read_definition(write_two_views(folder) / "cascade.prototxt")
    with pytest.raises(ProtofaceError, match="stage 'both' has several views or answers, which a casc"):
        DeviceCascade(definition, load_nets(definition, folder))


def test_a_net_that_does_not_fit_its_stage_is_refused(folder):
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace("size: 8", "size: 9", 1))
    definition = read_definition(file)
    with pytest.raises(
        ProtofaceError, match="'level_1' makes an input of shape 3 x 9 x 9, the net takes"
    ):
        DeviceCascade(definition, load_nets(definition, folder))


@pytest.mark.parametrize("average", ["", "flip_average: true"])
def test_the_long_form_of_a_view_is_the_short_one(folder, average):
    file = folder / "cascade.prototxt"
    short = file.read_text().replace('name: "level_1"', f'{average} name: "level_1"')
    file.write_text(short)
    images = np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3), np.uint8)
    expected, _ = both(folder, images)
    old = "preprocess { mean: 127.5 size: 8 } window { picture {} }"
    assert old in short
    file.write_text(short.replace(old, f'view {{ blob: "data" pixels {{ {old} }} }}'))
    found, whole = both(folder, images)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found, whole, atol=1e-4)


def test_68_points_in_patches(folder):
    """The same as `Cascade` for any layout."""
    layout = find_layout("ibug68")
    shape = np.random.default_rng(0).uniform(-0.5, 0.5, (68, 2)).astype(np.float32)
    points = " ".join(f"shape {{ x: {x} y: {y} }}" for x, y in shape)
    net = NET.replace("num_output: 10", "num_output: 136")
    (folder / "net.prototxt").write_text(net)
    (folder / "patches.prototxt").write_text(net.replace("1, 3, 8, 8", "1, 204, 8, 8"))
    constant_weights(folder / "one.caffemodel", shape / 2)
    constant_weights(folder / "two.caffemodel", shape[list(layout.flip)], "patches.prototxt")
    preprocess = "preprocess { mean: 127.5 size: 8 interpolation: AREA }"
    (folder / "cascade.prototxt").write_text(f"""
    name: "many" layout: "ibug68"
    stage {{ name: "level_1" net: "net.prototxt" weights: "one.caffemodel" flip_average: true
      {preprocess} window {{ picture {{}} }} }}
    stage {{ name: "level_2" net: "patches.prototxt" weights: "two.caffemodel" flip_average: true
      {preprocess} window {{ similarity {{ {points} patch: 0.3 }} }} }}""")
    images = np.random.default_rng(0).integers(0, 256, (3, 90, 120, 3), np.uint8)
    found, expected = both(folder, images)
    assert found.shape == (2, 3, 68, 2)
    np.testing.assert_allclose(found, expected, atol=1e-3)
