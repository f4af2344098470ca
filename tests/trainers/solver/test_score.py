"""`protoface test` and `protoface time`, by the command line and in Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protoface.cli import protoface, run
from protoface.converters import ProtofaceError, read_net, write_weights
from protoface.trainers.net.device import torch_device, torch_dtype
from protoface.trainers.net.memory import keep_freed_memory
from protoface.trainers.solver.score import score
from protoface.trainers.solver.timing import time_net
from protoface.trainers.solver.train import train

from .small_run import edit

ROOT = Path(__file__).parents[3]
LEVEL_1 = ROOT / "prototxt" / "level_1"


def test_the_mean_over_all_pictures(folder: Path) -> None:
    """Every picture five times or ten times: the same mean; and the loss is weighted."""
    edit("net.prototxt", "mirror: true", "mirror: false")
    edit("net.prototxt", "shuffle: true", "shuffle: false")
    done = train("solver.prototxt", max_iter=10, log="a.csv")
    assert done.weights is not None
    result = score("net.prototxt", done.weights, 17)  # 17 batches of 5: every picture five times
    assert result.loss == pytest.approx(10 * float(result.outputs["loss"]), rel=1e-6)
    again = score("net.prototxt", done.weights, 34)
    assert float(again.outputs["loss"]) == pytest.approx(float(result.outputs["loss"]), rel=1e-5)


def test_test_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(protoface, ["train", "--solver", "solver.prototxt", "--max-iter", "5"]) == 0
    assert "5 iterations done; wrote out/net_iter_5.caffemodel" in capsys.readouterr().out
    arguments = ["--model", "net.prototxt", "--weights", "out/net_iter_5.caffemodel"]
    assert run(protoface, ["test", *arguments, "--iterations", "3", "--json", "t.json"]) == 0
    printed = capsys.readouterr().out
    found = json.loads(Path("t.json").read_text())
    assert found["iterations"] == 3
    assert f"loss = {found['outputs']['loss']:.8g}" in printed
    assert found["loss"] == pytest.approx(10 * found["outputs"]["loss"], rel=1e-6)


def test_a_net_without_parameters(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its file of weights has no blobs; another net's file has too many, which is no harm."""
    data = Path("net.prototxt").read_text().partition('layer { name: "conv"')[0]
    layers = """layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param {
    pool: AVE global_pooling: true } }
    layer { name: "flat" type: "Flatten" bottom: "pool" top: "flat" }
    layer { name: "loss" type: "EuclideanLoss" bottom: "flat" bottom: "label" top: "loss" }"""
    Path("plain.prototxt").write_text(data.replace("list.txt", "three.txt") + layers)
    lines = Path("list.txt").read_text().splitlines()
    Path("three.txt").write_text("".join(f"{line.rpartition(' ')[0]}\n" for line in lines))
    write_weights("plain.caffemodel", read_net("plain.prototxt"))
    for verb in ("test", "time"):
        arguments = ["--model", "plain.prototxt", "--weights", "plain.caffemodel", "--iterations", "2"]
        assert run(protoface, [verb, *arguments]) == 0, capsys.readouterr().err
    assert "loss = " in capsys.readouterr().out
    arguments = ["--model", "net.prototxt", "--weights", "plain.caffemodel", "--iterations", "2"]
    assert run(protoface, ["test", *arguments]) == 2
    assert "plain.caffemodel: has no weights for layer 'conv'" in capsys.readouterr().err
    with pytest.raises(ProtofaceError, match="plain.caffemodel: has weights for none of the layers"):
        train("solver.prototxt", weights="plain.caffemodel", max_iter=1)
    edit("solver.prototxt", "net.prototxt", "plain.prototxt")
    with pytest.raises(ProtofaceError, match="plain.prototxt: has no layer with weights to train"):
        train("solver.prototxt", max_iter=1)


def test_time_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", str(LEVEL_1 / "train_val.prototxt"), "--batch", "2", "--iterations", "2"]
    assert run(protoface, ["time", *arguments, "--json", "t.json"]) == 0
    assert "pictures/s, forward and backward" in capsys.readouterr().out
    found = json.loads(Path("t.json").read_text())
    assert found["batch"] == 2
    names = {name for layer in found["layers"] for name in layer["layer"].split(" + ")}
    assert len(names) == 78  # all layers of phase TRAIN but the data
    assert found["forward"] > 0 < found["backward"]
    assert found["pictures_per_second"] == pytest.approx(2000 / (found["forward"] + found["backward"]))
    assert {"machine", "versions"} <= set(found)


def test_time_of_a_deploy_net() -> None:
    result = time_net(LEVEL_1 / "deploy.prototxt", iterations=1, batch=3)
    assert result.batch == 3
    assert all(layer.forward > 0 and layer.backward > 0 for layer in result.layers[1:])


def test_time_of_a_net_with_classes(folder: Path) -> None:
    edit("net.prototxt", "EuclideanLoss", "SoftmaxWithLoss")
    assert time_net("net.prototxt", iterations=1).batch == 5


def test_time_needs_a_size(folder: Path) -> None:
    edit("net.prototxt", "mirror: true crop_size: 22", "")
    edit("net.prototxt", "new_height: 24 new_width: 24", "")
    with pytest.raises(ProtofaceError, match="does not say the size of its pictures"):
        time_net("net.prototxt")


def test_weights_that_lack_a_layer(folder: Path) -> None:
    done = train("solver.prototxt", max_iter=5)
    assert done.weights is not None
    edit("net.prototxt", '"fc"', '"fc_new"')
    with pytest.raises(ProtofaceError, match="has no weights for layer 'fc_new'"):
        score("net.prototxt", done.weights, 1)


def test_words_for_devices_and_types() -> None:
    assert str(torch_device("cpu")) == "cpu"
    for name, message in (("gpu", "unknown device 'gpu'"), ("meta", "is not supported")):
        with pytest.raises(ProtofaceError, match=message):
            torch_device(name)
    with pytest.raises(ProtofaceError, match="unknown dtype 'float16'"):
        torch_dtype("float16")
    assert isinstance(keep_freed_memory(), bool)


def test_a_gpu_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert run(protoface, ["train", "--solver", "solver.prototxt", "--device", "cuda"]) == 2
    assert "finds no CUDA GPU" in capsys.readouterr().err
    edit("solver.prototxt", "solver_mode: CPU", "solver_mode: GPU")
    lines: list[str] = []
    train("solver.prototxt", max_iter=1, report=lines.append)
    assert lines[0] == "solver_mode is GPU, but there is no CUDA GPU: training on the CPU"
