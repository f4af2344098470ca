"""The committed nets are what the generator writes, and faithful to those in the published weights."""

import math
import os
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from protoface.converters import (
    ProtofaceError,
    build_graph,
    caffe_pb2,
    deployed,
    filter_net,
    load_net,
    read_net,
    read_weights,
    with_weights,
)
from protoface.converters.graph import TEST, TRAIN, insert_splits
from protoface.converters.prototxt import read_message
from protoface.converters.pytorch import to_pytorch
from protoface.converters.weights import without_weights
from protoface.prototxt import generate

PROTOTXT = Path(__file__).parents[2] / "prototxt"
LEVELS = ["level_1", "level_2"]
FILES = ["train_val.prototxt", "deploy.prototxt", "solver.prototxt"]


def run(*arguments):
    result = CliRunner().invoke(generate.main, [str(a) for a in arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def published(shared, level):
    return shared / "original" / f"l{level[-1]}_net.caffemodel"


def comparable(net):
    """A copy without blobs, without the net's name, without the data's sources."""
    copy = without_weights(net)
    copy.ClearField("name")
    for field in ("source", "root_folder"):
        copy.layer[0].image_data_param.ClearField(field)
    return copy


@pytest.mark.parametrize("level", LEVELS)
def test_every_layer_is_that_of_the_published_net(shared, level):
    """Name, type, bottoms, tops, multipliers, fillers and every option, Caffe's own Splits included."""
    train_val = read_net(PROTOTXT / level / "train_val.prototxt")
    ours = filter_net(train_val, TRAIN)
    assert (len(train_val.layer), len(ours.layer)) == (80, 79)
    ours = comparable(insert_splits(ours))
    theirs = comparable(read_weights(published(shared, level)))
    assert len(theirs.layer) == 82
    for mine, original in zip(ours.layer, theirs.layer, strict=True):
        assert mine == original
    assert ours == theirs


@pytest.mark.parametrize("level", LEVELS)
def test_the_deploy_net_is_the_rest_of_the_test_phase(level):
    train_val, deploy = (read_net(PROTOTXT / level / name) for name in FILES[:2])
    test = filter_net(train_val, TEST)
    assert [layer.name for layer in test.layer if layer not in filter_net(deploy).layer] == [
        "data",
        "loss",
    ]
    assert list(filter_net(deploy).layer[1:]) == list(test.layer[1:-1])


@pytest.mark.parametrize("level", LEVELS)
def test_published_weights_load_by_name(shared, level):
    net = load_net(PROTOTXT / level / "deploy.prototxt", published(shared, level))
    assert to_pytorch(net, level).outputs == ["fc2"]
    trained = filter_net(read_net(PROTOTXT / level / "train_val.prototxt"), TRAIN)
    shapes = {"data": [(1, 3, 48, 48), (1, 10)]}
    graph = build_graph(trained, level, shapes)
    assert set(graph.blob_specs()) == {
        f"{layer.name}.{i}" for layer in net.layer for i in range(len(layer.blobs))
    }


@pytest.mark.parametrize("level", LEVELS)
def test_committed_files_are_what_the_generator_writes(tmp_path, level, monkeypatch):
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    run("--out", tmp_path)
    assert sorted(os.listdir(tmp_path / level)) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / level / name).read_text() == (PROTOTXT / level / name).read_text(), (
            "run `python -m protoface.prototxt.generate`"
        )


def test_sizes_of_the_net():
    graph = build_graph(deployed(read_net(PROTOTXT / "level_1" / "deploy.prototxt")), "net")
    sizes = [(spec.learned, math.prod(spec.shape)) for spec in graph.blob_specs().values()]
    assert sum(size for learned, size in sizes if learned) == 237_818
    assert sum(size for _, size in sizes) == 242_189
    assert graph.multiply_adds() == 4_720_576


@pytest.mark.parametrize(("level", "iterations"), [("level_1", 200_000), ("level_2", 120_000)])
def test_solvers(level, iterations):
    solver = read_message(PROTOTXT / level / "solver.prototxt", caffe_pb2.SolverParameter())
    assert (solver.type, solver.lr_policy, list(solver.stepvalue)) == (
        "Adam",
        "multistep",
        [80_000, 100_000],
    )
    values = (solver.base_lr, solver.momentum, solver.weight_decay, solver.gamma)
    assert values == tuple(map(np.float32, (0.001, 0.9, 0.0004, 0.1)))
    assert (solver.max_iter, list(solver.test_iter), solver.test_interval) == (iterations, [160], 1250)
    net = PROTOTXT.parent / solver.net
    assert net == PROTOTXT / level / "train_val.prototxt"
    assert net.is_file()


@pytest.mark.parametrize(
    ("pixels", "width", "points"),
    [(16, 1.0, 5), (32, 1.0, 5), (48, 0.5, 5), (48, 2.0, 68), (97, 0.3, 1), (64, 1.0, 21)],
)
def test_other_sizes_widths_and_points(tmp_path, pixels, width, points):
    run("--out", tmp_path, "--size", pixels, "--width", width, "--points", points)
    for level in LEVELS:
        graph = build_graph(deployed(read_net(tmp_path / level / "deploy.prototxt")), "net")
        assert [value.shape for value in graph.inputs] == [(1, 3, pixels, pixels)]
        assert [value.shape for value in graph.outputs] == [(1, 2 * points)]
        for phase in (TRAIN, TEST):
            net = filter_net(read_net(tmp_path / level / "train_val.prototxt"), phase)
            data = net.layer[0].image_data_param
            assert (data.new_height, data.new_width) == (pixels, pixels)
            graph = build_graph(net, "net", {"data": [(2, 3, pixels, pixels), (2, 2 * points)]})
            assert [value.blob for value in graph.outputs] == ["loss"]
        head = (tmp_path / level / "deploy.prototxt").read_text().splitlines()[0]
        assert (f"--size {pixels}" in head) == (pixels != 48)
        solver = read_message(tmp_path / level / "solver.prototxt", caffe_pb2.SolverParameter())
        assert Path(solver.net) == tmp_path / level / "train_val.prototxt"


def test_the_small_net_ends_in_3_x_3(tmp_path):
    run("--out", tmp_path, "--net", "small", "--size", 24, "--deploy", "first", "--deploy", "second")
    for name in ("first", "second"):
        assert os.listdir(tmp_path / name) == ["deploy.prototxt"]
        text = (tmp_path / name / "deploy.prototxt").read_text()
        assert text.startswith(
            f"# {name}, written by: python -m protoface.prototxt.generate --size 24 --net small "
            f"--deploy {name}\n"
        )
        graph = build_graph(deployed(read_net(tmp_path / name / "deploy.prototxt")), name)
        shapes = {node.name: node.tops[0].shape for node in graph.nodes}
        assert shapes["conv1_new"] == (1, 16, 12, 12)
        assert shapes["conv3_2/out/pw_new"] == (1, 64, 3, 3)
        assert [name for name in shapes if name.startswith("fuse")] == [
            f"fuse_conv{number}_2" for number in (1, 2, 3)
        ]
    assert len(graph.blob_specs()["fc1.0"].shape) == 2


def test_the_finder_weighs_what_all_places_answer(tmp_path):
    run("--out", tmp_path, "--net", "finder", "--points", 4, "--deploy", "first")
    net = to_pytorch(deployed(read_net(tmp_path / "first" / "deploy.prototxt")), "first").eval()
    torch.manual_seed(0)
    for blob in net.state_dict().values():
        blob.normal_(0, 0.3).abs_()
    blobs = {name: blob.detach() for name, blob in net.blobs(torch.rand(2, 3, 48, 48)).items()}
    assert blobs["score"].shape == blobs["place"].shape == (2, 8, 6, 6)
    weights = blobs["score"].flatten(2).softmax(2)
    assert weights.std() > 0.01
    expected = (weights * blobs["place"].flatten(2)).sum(2)
    torch.testing.assert_close(blobs["points"], expected)
    assert net.outputs == ["points"]


def test_patches_are_input_channels(tmp_path):
    run("--out", tmp_path, "--patches", "--points", 7, "--deploy", "level_3")
    graph = build_graph(deployed(read_net(tmp_path / "level_3" / "deploy.prototxt")), "net")
    assert [value.shape for value in graph.inputs] == [(1, 21, 48, 48)]
    assert [value.shape for value in graph.outputs] == [(1, 14)]
    with pytest.raises(click.UsageError, match="--patches needs --deploy"):
        run("--out", tmp_path, "--patches")


def test_one_level_only(tmp_path):
    assert run("--out", tmp_path, "--level", "level_2").count("\n") == 3
    assert os.listdir(tmp_path) == ["level_2"]


def test_widths_are_multiples_of_eight():
    """Rounded half up, but 18 becomes 24, as 16 would be a tenth too few."""
    assert [generate.Size(width=width).channels(24) for width in (1, 0.5, 0.75, 0.1, 2)] == [
        24,
        16,
        24,
        8,
        48,
    ]


def test_the_weights_of_another_width_name_layer_and_shapes(shared, tmp_path):
    run("--out", tmp_path, "--width", 0.5)
    narrow = deployed(read_net(tmp_path / "level_1" / "deploy.prototxt"))
    weights = published(shared, "level_1")
    with pytest.raises(ProtofaceError) as caught:
        with_weights(narrow, read_weights(weights), str(weights))
    assert str(caught.value) == (
        f"{weights}: layer 'conv1_new', blob 0: shape [16, 3, 3, 3], but the net needs [8, 3, 3, 3]; "
        "these are the weights of another net"
    )
