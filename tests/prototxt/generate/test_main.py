"""The command: sizes, numbers of points, one level, nets for recipes."""

import os
from pathlib import Path

import click
import pytest

from protoface.converters import ProtofaceError, build_graph, caffe_pb2, deployed, filter_net, read_net
from protoface.converters.graph import TEST, TRAIN
from protoface.converters.locking import LOCK, alone
from protoface.converters.prototxt import read_message

from .generator import LEVELS, run


@pytest.mark.parametrize(
    ("pixels", "width", "points"),
    [
        (16, 1.0, 5),
        (32, 1.0, 5),
        (48, 0.5, 5),
        (48, 2.0, 68),
        (97, 0.3, 1),
        (64, 1.0, 77),
        (48, 1.0, 98),
    ],
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


def test_one_level_only(tmp_path):
    assert run("--out", tmp_path, "--level", "level_2").count("\n") == 3
    assert os.listdir(tmp_path) == ["level_2"]


def test_without_options_all_committed_nets_are_written(tmp_path):
    run("--out", tmp_path)
    assert sorted(os.listdir(tmp_path)) == [*LEVELS, "mtcnn"]


def test_patches_are_for_recipes_only(tmp_path):
    run("--out", tmp_path, "--patches", "--points", 7, "--deploy", "level_3")
    graph = build_graph(deployed(read_net(tmp_path / "level_3" / "deploy.prototxt")), "net")
    assert [value.shape for value in graph.inputs] == [(1, 21, 48, 48)]
    with pytest.raises(click.UsageError, match="--patches needs --deploy"):
        run("--out", tmp_path, "--patches")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--points", 0], "0 is not in the range x>=1"),
        (["--net", "large"], "'large' is not one of 'original', 'small', 'finder'"),
        (["--size", 8], "8 is not in the range x>=16"),
        (["--net", "mtcnn", "--size", 24], "mtcnn has sizes of its own; it takes no option but --out"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(click.UsageError, match=message):
        run("--out", tmp_path, *arguments)
    assert not list(tmp_path.iterdir())


def test_a_second_one_in_a_folder_is_refused(tmp_path):
    with alone(tmp_path / LOCK), pytest.raises(ProtofaceError, match=rf"process {os.getpid()} on"):
        run("--out", tmp_path)
    assert not list(tmp_path.iterdir())
