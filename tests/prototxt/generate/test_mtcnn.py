"""MTCNN's nets: sizes as published, the same numbers as plain PyTorch, losses only where they count."""

import math
import os

import pytest
import torch
from torch.nn import functional

from protoface.converters import build_graph, caffe_pb2, deployed, filter_net, read_net
from protoface.converters.graph import TEST, TRAIN
from protoface.converters.part import Part, take_part
from protoface.converters.prototxt import read_message
from protoface.converters.pytorch import to_pytorch
from protoface.prototxt.generate.mtcnn import HEADS, TABLES, deploy_net, train_val_net

from .generator import FILES, PROTOTXT, run

NETS = list(TABLES)


def filled(net, source):
    """A module with random weights."""
    module = to_pytorch(net, source).eval()
    torch.manual_seed(1)
    for blob in module.state_dict().values():
        blob.normal_(0, 0.2)
    return module


def plain(name, state, x):
    """Score, box and points by PyTorch's own functions, from blobs by our names."""

    def conv(x, layer):
        return functional.conv2d(x, state[f"{layer}.0"], state[f"{layer}.1"])

    def full(x, layer):
        return functional.linear(x.flatten(1), state[f"{layer}.0"], state[f"{layer}.1"])

    def prelu(x, number):
        return functional.prelu(x, state[f"prelu{number}.0"])

    def pool(x, kernel):
        return functional.max_pool2d(x, kernel, 2, ceil_mode=True)

    if name == "pnet":
        x = pool(prelu(conv(x, "conv1"), 1), 2)
        x = prelu(conv(prelu(conv(x, "conv2"), 2), "conv3"), 3)
        return conv(x, "logits").softmax(1), conv(x, "box")
    x = pool(prelu(conv(x, "conv1"), 1), 3)
    x = prelu(conv(pool(prelu(conv(x, "conv2"), 2), 3), "conv3"), 3)
    if name == "rnet":
        x = prelu(full(x, "fc4"), 4)
        return full(x, "logits").softmax(1), full(x, "box")
    x = prelu(full(prelu(conv(pool(x, 2), "conv4"), 4), "fc5"), 5)
    return full(x, "logits").softmax(1), full(x, "box"), full(x, "points")


@pytest.mark.parametrize(
    ("name", "parameters", "work"),
    [("pnet", 6_632, 44_760), ("rnet", 100_178, 1_530_768), ("onet", 389_040, 12_909_952)],
)
def test_sizes_are_the_published_ones(name, parameters, work):
    graph = build_graph(deployed(read_net(PROTOTXT / "mtcnn" / name / "deploy.prototxt")), name)
    assert sum(math.prod(spec.shape) for spec in graph.blob_specs().values()) == parameters
    assert graph.multiply_adds() == work


@pytest.mark.parametrize("name", NETS)
def test_the_nets_compute_what_plain_pytorch_does(name):
    module = filled(deploy_net(name), name)
    pixels = TABLES[name].pixels
    x = torch.randn(3, 3, pixels, pixels)
    found = dict(zip(module.outputs, module(x), strict=True))
    expected = plain(name, module.state_dict(), x)
    for output, values in zip(("score", "box", "points"), expected, strict=False):
        torch.testing.assert_close(found.pop(output), values, rtol=1e-5, atol=1e-5)
    assert not found


@pytest.mark.parametrize("size", [(12, 12), (13, 19), (289, 385), (30, 31)])
def test_pnet_takes_a_picture_of_any_size(size):
    net = take_part(deploy_net("pnet"), Part({"data": (1, 3, *size)}), "pnet")
    module = filled(net, "pnet")
    x = torch.randn(1, 3, *size)
    score, box = plain("pnet", module.state_dict(), x)
    found = dict(zip(module.outputs, module(x), strict=True))
    torch.testing.assert_close(found["score"], score, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found["box"], box, rtol=1e-5, atol=1e-5)
    assert score.shape[2:] == tuple(math.ceil((side - 2) / 2) - 4 for side in size)


def data_shapes(name, batch=4):
    table = TABLES[name]
    sizes = [HEADS[task] for task in ("box", "points")[: len(table.losses) - 1]]
    targets = [(batch, size) for size in sizes for _ in range(2)]
    return {"data": [(batch, 3, table.pixels, table.pixels), (batch,), *targets]}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("phase", [TRAIN, TEST])
def test_losses_count_where_the_mask_says(name, phase):
    net = filter_net(train_val_net(name), phase)
    module = to_pytorch(net, name, data_shapes(name)).eval()
    torch.manual_seed(2)
    for blob in module.state_dict().values():
        blob.normal_(0, 0.05)
    shapes = data_shapes(name)["data"]
    data, label = torch.randn(shapes[0]), torch.tensor([1.0, 0.0, -1.0, -1.0])
    targets = []
    for number, shape in enumerate(shapes[2::2]):
        mask = torch.zeros(shape)
        mask[number + 1] = 1
        targets += [torch.randn(shape) * mask, mask]
    feeds = [value.blob for value in module.graph.inputs]
    blobs = module.blobs(*dict(zip(module.graph.inputs, (data, label, *targets), strict=True)).values())
    assert feeds[:2] == ["data", "label"]
    logits = blobs["logits"].reshape(4, 2)
    expected = functional.cross_entropy(logits[:2], label[:2].long())
    torch.testing.assert_close(blobs["score_loss"], expected)
    for number, task in enumerate(("box", "points")[: len(TABLES[name].losses) - 1]):
        found = blobs[task].reshape(4, -1)[number + 1]
        expected = (found - targets[2 * number][number + 1]).square().sum() / 8
        torch.testing.assert_close(blobs[f"{task}_loss"], expected)


@pytest.mark.parametrize("name", NETS)
def test_both_phases_hold_the_weights_of_the_deploy_net(name):
    graph = build_graph(deploy_net(name), name)
    trained = build_graph(filter_net(train_val_net(name), TRAIN), name, data_shapes(name))
    specs, others = graph.blob_specs(), trained.blob_specs()
    assert {key: spec.shape for key, spec in specs.items()} == {
        key: spec.shape for key, spec in others.items()
    }


def test_committed_files_are_what_the_generator_writes(tmp_path):
    run("--net", "mtcnn", "--out", tmp_path)
    assert sorted(os.listdir(tmp_path / "mtcnn")) == sorted(NETS)
    for name in NETS:
        assert sorted(os.listdir(tmp_path / "mtcnn" / name)) == sorted(FILES)
        for file in ("train_val.prototxt", "deploy.prototxt"):
            written = (tmp_path / "mtcnn" / name / file).read_text()
            assert written == (PROTOTXT / "mtcnn" / name / file).read_text()
        solver = read_message(
            PROTOTXT / "mtcnn" / name / "solver.prototxt", caffe_pb2.SolverParameter()
        )
        assert PROTOTXT.parent / solver.net == PROTOTXT / "mtcnn" / name / "train_val.prototxt"
