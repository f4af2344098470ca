"""SimilarityWarp against four neighbours of each pixel, and OpenCV's warpAffine."""

import cv2
import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, build_graph, to_onnx
from protoface.converters.layers.layer import make_layer
from protoface.converters.opencv_net import opencv_net_from_onnx

from ..parity import runtimes
from .shapes import warp

SHAPES = [(1, 2, 9, 11), (1, 6)]
SIMILARITIES = [
    [1, 0, 0, 1, 0, 0],  # none
    [0.9, 0.3, -0.3, 0.9, 2, -1],
    [-1.5, 0.5, -0.5, -1.5, 14, 12],
    [0.4, 0, 0, 0.4, 3.3, 2.1],  # shows more than the picture
]
LACKING = "GridSample), which OpenCV 4 does not run"


def pictures(count, dtype=torch.float64):
    return torch.randn(count, 2, 9, 11, generator=torch.Generator().manual_seed(0), dtype=dtype)


def plain(picture, similarity):
    return torch.stack(
        [
            warp(one, six[:4].reshape(2, 2), six[4:])
            for one, six in zip(picture, similarity, strict=True)
        ]
    )


def test_values_and_gradients(one_layer):
    layer = make_layer(one_layer("SimilarityWarp", "", SHAPES).layer[-1], SHAPES, "net")
    picture = pictures(4).requires_grad_()
    similarity = torch.tensor(SIMILARITIES, dtype=torch.float64)
    # off the grid, where the gradient would be that of either side
    similarity = (similarity + torch.tensor([0, 0, 0, 0, 0.013, 0.017])).requires_grad_()
    ours, theirs = layer.forward([picture, similarity], [], train=True)[0], plain(picture, similarity)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for one in (picture, similarity):
        found, expected = (
            torch.autograd.grad((value * weights).sum(), one, retain_graph=True)[0]
            for value in (ours, theirs)
        )
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("opset", [16, 17, 20, 22])
def test_every_runtime(one_layer, opset):
    """From opset 20 on the mode has another name."""
    net = one_layer("SimilarityWarp", "", SHAPES)
    graph = build_graph(net, "net")
    feed = {"x0": pictures(4, torch.float32).numpy(), "x1": np.array(SIMILARITIES, np.float32)}
    expected = plain(*(torch.tensor(value, dtype=torch.float64) for value in feed.values())).numpy()
    if opset == 17:
        runs = runtimes(net)
    else:
        from protoface.converters.runtimes import run_onnxruntime

        model = to_onnx(net, "net", opset).SerializeToString()
        runs = {"onnxruntime": run_onnxruntime(model, graph, threads=1)}
    lacking = {"opencv-onnx", "opencv-caffe"} if cv2.__version__.startswith("4.") else set()
    for name in runs.keys() - lacking:
        np.testing.assert_allclose(runs[name](feed)["y"], expected, atol=2e-5, err_msg=name)


def test_nothing_moved_is_the_picture(one_layer):
    layer = make_layer(one_layer("SimilarityWarp", "", SHAPES).layer[-1], SHAPES, "net")
    picture = pictures(1)
    similarity = torch.tensor([SIMILARITIES[0]], dtype=torch.float64)
    torch.testing.assert_close(layer.forward([picture, similarity], [], False)[0], picture)


def test_agrees_with_opencv(one_layer):
    """The same rule as warpAffine with repeated edges, and another size."""
    options = "similarity_warp_param { height: 20 width: 30 }"
    shapes = [(1, 1, 24, 24), (1, 6)]
    layer = make_layer(one_layer("SimilarityWarp", options, shapes).layer[-1], shapes, "net")
    picture = cv2.GaussianBlur(np.random.default_rng(0).random((24, 24)).astype(np.float32), (0, 0), 2)
    six = np.array([1.2, 0.4, -0.4, 1.2, 3, -6], np.float32)
    rule = np.vstack((six[:4].reshape(2, 2), six[4:])).T
    expected = cv2.warpAffine(picture, rule, (30, 20), borderMode=cv2.BORDER_REPLICATE)
    found = layer.forward([torch.tensor(picture)[None, None], torch.tensor(six)[None]], [], False)[0]
    np.testing.assert_allclose(found[0, 0], expected, atol=2e-3)  # OpenCV's places are 1/32 pixel


def test_older_operators_are_refused(one_layer):
    net = one_layer("SimilarityWarp", "", SHAPES)
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(SimilarityWarp\): .*--opset 16"):
        to_onnx(net, "net", opset=15)


@pytest.mark.skipif(not cv2.__version__.startswith("4."), reason="OpenCV 5 runs GridSample")
def test_opencv_4_refuses_it_by_name(one_layer):
    net = one_layer("SimilarityWarp", "", SHAPES)
    with pytest.raises(ProtofaceError, match="GridSample"):
        opencv_net_from_onnx(to_onnx(net, "net").SerializeToString(), "net")
    for name in ("opencv-onnx", "opencv-caffe"):
        with pytest.raises(ProtofaceError, match="GridSample"):
            runtimes(net)[name]({})


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [SHAPES[0]], "has 1 bottoms"),
        ("", [(1, 2, 9), (1, 6)], "is not N x C x H x W"),
        ("", [(1, 2, 9, 1), (1, 6)], "at least 2 x 2 pixels"),
        ("", [SHAPES[0], (1, 5)], "is not N x 6"),
        ("height: 4", SHAPES, "both height and width"),
        ("height: 4 width: 0", SHAPES, "would be 4 x 0 pixels"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("SimilarityWarp", f"similarity_warp_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(SimilarityWarp\): .*{message}"):
        build_graph(net, "net")
