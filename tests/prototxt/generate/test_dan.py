"""The Deep Alignment Network: sizes as published, plain PyTorch's numbers, all stages as one net."""

import math

import click
import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from protoface.cascade import load
from protoface.converters import ProtofaceError, build_graph, read_net, to_onnx
from protoface.converters.fillers import fill_graph
from protoface.converters.opencv_net import opencv_net
from protoface.converters.runtimes import run_onnxruntime, run_opencv, run_pytorch
from protoface.converters.weights import with_arrays
from protoface.prototxt.generate import Size
from protoface.prototxt.generate.dan import TABLES, stage_net, whole_net

from .dan_cascade import random_blobs, random_cascade
from .generator import run

ARTICLE = Size(112, points=68, net="dan")
SHAPE = np.random.default_rng(0).uniform(28, 84, 136).round(2).tolist()


def learned(net):
    specs = [spec for node in build_graph(net, "net").nodes for spec in node.specs]
    return sum(math.prod(spec.shape) for spec in specs if spec.learned)


def test_the_published_number_of_values():
    assert learned(stage_net(ARTICLE, 1, last=False)) == 11_144_136
    both = [stage_net(ARTICLE, 1, last=False), stage_net(ARTICLE, 2, last=True)]
    assert sum(map(learned, both)) == 23_095_382
    assert learned(whole_net(ARTICLE, SHAPE, 2)) == 23_095_382


@pytest.mark.parametrize("net", [name for name in TABLES if name != "dan"])
def test_the_light_ones_are_small(net):
    size = Size(64, points=68, net=net)
    both = [stage_net(size, 1, last=False), stage_net(size, 2, last=True)]
    graphs = [build_graph(one, "net") for one in both]
    assert sum(map(learned, both)) * 4 < 8e6  # bytes of float32
    assert sum(node.layer.multiply_adds() for graph in graphs for node in graph.nodes) < 40e6


@pytest.mark.parametrize("net", TABLES)
@pytest.mark.parametrize("points", [5, 68, 98])
def test_inputs_and_outputs(net, points):
    size = Size(32, 0.25, points, net)
    first, later = (build_graph(stage_net(size, number, False), "net") for number in (1, 2))
    outputs = {value.blob: value.shape for value in first.outputs}
    feature = outputs["fc1"]
    assert outputs == {"offsets": (1, 2 * points), "fc1": feature}
    assert {value.blob: value.shape for value in later.inputs} == {
        "data": (1, 1, 32, 32),
        "heatmap": (1, 1, 32, 32),
        "feature": (*feature, 1, 1),
    }
    whole = build_graph(whole_net(size, (SHAPE * 2)[: 2 * points], 3), "net")
    assert {value.blob: value.shape for value in whole.outputs} == {"points": (1, 2 * points)}


def plain_stage(blobs, name, inputs, feature=None):
    """A stage of the article with narrow layers by PyTorch's own functions: offsets and feature."""

    def blob(layer, index=0):
        return torch.tensor(blobs[f"{name}/{layer}.{index}"], dtype=torch.float64)

    def normalised(x, layer):
        factor = blob(f"{layer}/bn_new", 2)
        mean, variance = (blob(f"{layer}/bn_new", index) / factor for index in (0, 1))
        scale, shift = blob(f"{layer}/scale_new"), blob(f"{layer}/scale_new", 1)
        return functional.batch_norm(x, mean, variance, scale, shift, eps=1e-5)

    x = inputs
    if feature is not None:
        plane = functional.linear(feature, blob("feature_fc"), blob("feature_fc", 1)).relu()
        side = math.isqrt(plane.shape[1])
        large = plane.reshape(-1, 1, side, side).repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = normalised(torch.cat((x, large), 1), "inputs")
    for row in range(1, 5):
        for index in (1, 2):
            layer = f"conv{row}_{index}"
            x = normalised(functional.conv2d(x, blob(f"{layer}_new"), padding=1), layer).relu()
        x = functional.max_pool2d(x, 2)
    hidden = normalised(functional.linear(x.flatten(1), blob("fc1_new")), "fc1").relu()
    return functional.linear(hidden, blob("offsets"), blob("offsets", 1)), hidden


def test_stages_equal_plain_pytorch_in_every_runtime():
    """Narrow ones: values and gradients."""
    size, generator = Size(32, 1 / 8, 5, "dan"), np.random.default_rng(0)
    nets = {number: stage_net(size, number, last=number == 2) for number in (1, 2)}
    blobs = random_blobs(nets.values())
    data, heat = generator.normal(size=(2, 2, 1, 32, 32)).astype(np.float32)
    data64, heat64 = (torch.tensor(value, dtype=torch.float64) for value in (data, heat))
    offsets, hidden = plain_stage(blobs, "stage_1", data64)
    later, _ = plain_stage(blobs, "stage_2", torch.cat((data64, heat64), 1), hidden)
    feeds = {1: {"data": data}}
    feeds[2] = feeds[1] | {
        "heatmap": heat,
        "feature": hidden.numpy().astype(np.float32)[..., None, None],
    }
    for number, expected in ((1, {"offsets": offsets, "fc1": hidden}), (2, {"offsets": later})):
        graph = build_graph(nets[number], "net")
        net = with_arrays(nets[number], graph, {key: blobs[key] for key in graph.blob_specs()})
        model = to_onnx(net, "net").SerializeToString()
        for run_net in (
            run_pytorch(net, np.float32),
            run_onnxruntime(model, graph, threads=1),
            run_opencv(opencv_net(net, "net"), graph),
        ):
            found = run_net(feeds[number])
            for blob, value in expected.items():
                np.testing.assert_allclose(found[blob], value, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_published_size_agrees_in_every_runtime():
    for number in (1, 2):
        bare = stage_net(ARTICLE, number, last=number == 2)
        graph, blobs = build_graph(bare, "net"), random_blobs([bare])
        net, generator = with_arrays(bare, graph, blobs), np.random.default_rng(1)
        feed = {
            value.blob: generator.normal(size=value.shape).astype(np.float32) for value in graph.inputs
        }
        model = to_onnx(net, "net").SerializeToString()
        expected = run_pytorch(net, np.float32)(feed)["offsets"]
        for run_net in (
            run_onnxruntime(model, graph, threads=1),
            run_opencv(opencv_net(net, "net"), graph),
        ):
            np.testing.assert_allclose(run_net(feed)["offsets"], expected, rtol=1e-4, atol=1e-4)


def pictures():
    """A smooth one and one of a single colour, 64 x 64."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    return smooth, np.full_like(smooth, (40, 90, 200))


def test_whole_and_cascade_agree(tmp_path):
    """Three stages in every runtime.

    The cascade resamples 8-bit pixels, which is half a grey value off, the net what it was given: 0.1 %
    of the input's side. Where the picture has one colour nothing but that differs, and they are equal.
    """
    whole = random_cascade(tmp_path, "--net", "dan_mobile", "--size", 64, "--stages", 3, "--width", 0.5)
    graph = build_graph(whole, "whole")
    (shape,) = (node.layer.shape for node in graph.nodes if node.layer.type == "MeanShape")
    corner, last = shape.reshape(-1, 2).min(0), shape.reshape(-1, 2).max(0)
    box = [*corner, *(last - corner + 1)]
    runs = [run_onnxruntime(to_onnx(whole, "whole").SerializeToString(), graph, threads=1)]
    runs.append(run_pytorch(whole, np.float32))
    if not cv2.__version__.startswith("4."):
        runs.append(run_opencv(opencv_net(whole, "whole"), graph))
    cascades = [load(tmp_path, backend=backend) for backend in ("onnxruntime", "torch", "opencv")]
    for image, within in zip(pictures(), (0.064, 2e-3), strict=True):
        data = ((image.mean(2) - 127.5) / 64).astype(np.float32)[None, None]
        faces = [cascade.detect(image, [box])[0] for cascade in cascades]
        moved = [np.abs(points.ravel() - shape).max() for points in faces[0].stages]
        assert moved[0] > 0.5
        assert len({round(float(one), 2) for one in moved}) == 3
        for found in [one({"data": data})["points"].reshape(-1, 2) for one in runs]:
            for face in faces:
                np.testing.assert_allclose(face.points, found, atol=within)


@pytest.mark.skipif(not cv2.__version__.startswith("4."), reason="OpenCV 5 runs GridSample")
def test_opencv_4_refuses_the_whole_net_by_name():
    net = whole_net(Size(32, 0.25, 68, "dan_mobile"), SHAPE, 2)
    graph = build_graph(net, "net")
    with pytest.raises(ProtofaceError, match="GridSample"):
        opencv_net(with_arrays(net, graph, fill_graph(graph, 0)), "whole")


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (Size(100, net="dan"), "size 100: must be a multiple of 16 for dan"),
        (Size(112, net="dan_dense", patches=True), "leave out --patches"),
    ],
)
def test_sizes_that_do_not_fit(size, message):
    with pytest.raises(ProtofaceError, match=message):
        stage_net(size, 1, last=True)


def test_what_the_command_writes(tmp_path):
    run("--net", "dan", "--size", 64, "--stages", 1, "--out", tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.prototxt")}
    assert files == {"stage_1/deploy.prototxt", "whole/deploy.prototxt", "cascade.prototxt"}
    head = (tmp_path / "cascade.prototxt").read_text().splitlines()[0]
    assert head.endswith("--net dan --size 64 --stages 1")
    assert build_graph(read_net(tmp_path / "whole" / "deploy.prototxt"), "net").outputs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--net", "dan"], "--net dan needs --out"),
        (["--net", "dan", "--out", "x", "--level", "level_1"], "takes neither --level nor --deploy"),
        (["--net", "small", "--out", "x", "--stages", 2], "are those of dan"),
    ],
)
def test_wrong_arguments(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.UsageError, match=message):
        run(*arguments)
    assert not list(tmp_path.iterdir())
