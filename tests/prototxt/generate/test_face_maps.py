"""The net of face maps: its outputs, its work, what it answers untrained, the same in every runtime."""

import math

import click
import numpy as np
import pytest
import torch
from torch.nn import functional

from protoface.converters import ProtofaceError, build_graph, caffe_pb2, to_onnx
from protoface.converters.fillers import fill_graph
from protoface.converters.opencv_net import opencv_net
from protoface.converters.pytorch import to_pytorch
from protoface.converters.runtimes import ends_of, run_onnxruntime, run_opencv, run_pytorch
from protoface.converters.weights import with_arrays
from protoface.prototxt.generate import Size, deploy_net
from protoface.prototxt.generate.face_maps import FACE_MAPS, HEADS

from .generator import run

#: Multiply-adds of a picture of 640 x 480 and values of the net: 12 ms on a core, 3.5 MB with level 2.
MOST_WORK, MOST_VALUES = 650e6, 600_000


def net(pixels=64, **size):
    return deploy_net("finder", Size(pixels, net="face_maps", **size))


def filled(pixels=64):
    """The net with random weights, and statistics of its BatchNorms that are not those of fillers."""
    empty = net(pixels)
    graph, generator = build_graph(empty, "net"), np.random.default_rng(0)
    arrays = fill_graph(graph, 1)
    for key, array in arrays.items():
        if "/bn_new" in key:
            arrays[key] = np.abs(generator.normal(1, 0.2, array.shape)).astype(np.float32)
    return with_arrays(empty, graph, arrays)


def test_outputs_of_three_strides():
    graph = build_graph(net(256), "net")
    shapes = {value.blob: value.shape for value in graph.outputs}
    assert shapes == {
        f"{kind}_{stride}": (1, channels, 256 // stride, 256 // stride)
        for stride in HEADS
        for kind, channels in (("score", 1), ("box", 4), ("points", 10))
    }


def test_work_and_size():
    graph = build_graph(net(256), "net")
    work = sum(node.layer.multiply_adds() for node in graph.nodes) * 640 * 480 / 256**2
    values = sum(math.prod(spec.shape) for spec in graph.blob_specs().values())
    assert 400e6 < work < MOST_WORK
    assert values < MOST_VALUES


def test_untrained_it_says_that_there_is_no_face():
    module = to_pytorch(filled(), "net").eval()
    inputs = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        outputs = dict(zip(module.outputs, module(inputs), strict=True))
    for stride in HEADS:
        assert outputs[f"score_{stride}"].median() == pytest.approx(0.01, rel=0.5)
        assert outputs[f"box_{stride}"].median() == pytest.approx(1.5, rel=0.3)
        assert (outputs[f"box_{stride}"] > 0).all()
        assert outputs[f"points_{stride}"].median() == pytest.approx(0, abs=0.3)


def plain(state, x):
    """The same by PyTorch's own functions, from blobs by our names."""

    def conv(x, name, stride=1):
        x = functional.conv2d(
            x, state[f"{name}_new.0"], None, stride, state[f"{name}_new.0"].shape[2] // 2
        )
        mean, variance, factor = (state[f"{name}/bn_new.{index}"] for index in range(3))
        scale, bias = (state[f"{name}/scale_new.{index}"] for index in range(2))
        return functional.batch_norm(x, mean / factor, variance / factor, scale, bias)

    def answer(x, name):
        return functional.conv2d(x, state[f"{name}.0"], state[f"{name}.1"])

    x, features = conv(x, "stem", 2).relu(), {}
    for level in FACE_MAPS.levels:
        name = f"s{level.stride}"
        x = conv(x, f"{name}/down", 2).relu()
        for index in range(level.blocks):
            block = f"{name}/block{index + 1}"
            x = (x + conv(conv(x, f"{block}/in").relu(), f"{block}/out")).relu()
        features[level.stride] = x
    outputs, above = {}, None
    for stride in reversed(HEADS):
        neck = conv(features[stride], f"s{stride}/side").relu()
        if above is not None:
            neck = neck + functional.interpolate(above, scale_factor=2.0)
        above, head = neck, conv(neck, f"s{stride}/head").relu()
        outputs[f"score_{stride}"] = answer(head, f"score_{stride}/raw").sigmoid()
        outputs[f"box_{stride}"] = answer(head, f"box_{stride}/raw").exp()
        outputs[f"points_{stride}"] = answer(head, f"points_{stride}")
    return outputs


def test_it_is_what_plain_pytorch_computes():
    module = to_pytorch(filled(), "net").eval()
    inputs = torch.randn(1, 3, 96, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        ours = dict(zip(module.outputs, module(inputs), strict=True))
        expected = plain(module.state_dict(), inputs)
    for name, values in expected.items():
        torch.testing.assert_close(ours[name], values, rtol=1e-4, atol=1e-5)


def test_every_runtime_answers_alike():
    made = filled()
    feed = {"data": np.random.default_rng(1).normal(size=(1, 3, 64, 64)).astype(np.float32)}
    expected, ends = run_pytorch(made, np.float32)(feed), ends_of(made, "net")
    onnx = run_onnxruntime(to_onnx(made, "net").SerializeToString(), ends, 1)(feed)
    opencv = run_opencv(opencv_net(made, "net"), ends)(feed)
    for name, values in expected.items():
        np.testing.assert_allclose(onnx[name], values, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(opencv[name], values, rtol=1e-3, atol=1e-4)


def test_widths_and_points():
    shapes = {
        value.blob: value.shape for value in build_graph(net(width=0.5, points=68), "net").outputs
    }
    assert shapes["points_8"] == (1, 136, 8, 8)
    layers = {layer.name: layer for layer in net(width=0.5).layer}
    assert layers["stem_new"].convolution_param.num_output == 8


def test_sides_are_multiples_of_the_last_stride():
    with pytest.raises(ProtofaceError, match="size 48: must be a multiple of 32 for face_maps"):
        net(48)


def test_it_is_for_recipes_only(tmp_path):
    run("--net", "face_maps", "--size", 64, "--out", tmp_path, "--deploy", "finder")
    assert (tmp_path / "finder" / "deploy.prototxt").is_file()
    assert isinstance(net(), caffe_pb2.NetParameter)
    with pytest.raises(click.UsageError, match="--net face_maps needs --deploy"):
        run("--net", "face_maps", "--size", 64, "--out", tmp_path)
