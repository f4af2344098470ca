"""The texts of a level's files."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from protoface.converters import caffe_pb2
from protoface.converters.prototxt import to_text

from .phases import deploy_net, train_val_net
from .size import Size

#: prototxt/, where the committed levels are.
FOLDER = Path(__file__).parents[1]
#: The levels share one net; only their pictures and the length of their training differ.
ITERATIONS = {"level_1": 200_000, "level_2": 120_000}


def solver(name: str, folder: str, iterations: int) -> caffe_pb2.SolverParameter:
    """The original's solver. Paths are relative to the working directory, as in Caffe."""
    return caffe_pb2.SolverParameter(
        net=f"{folder}/train_val.prototxt",
        test_iter=[160],
        test_interval=1250,
        base_lr=0.001,
        momentum=0.9,
        weight_decay=0.0004,
        type="Adam",
        lr_policy="multistep",
        gamma=0.1,
        stepvalue=[80_000, 100_000],
        display=1000,
        max_iter=iterations,
        snapshot=50_000,
        snapshot_prefix=f"snapshots/{name}",
        solver_mode="GPU",
    )


def head(name: str, size: Size, options: str = "") -> str:
    """The comment above a file: the command that writes it."""
    names = {"pixels": "--size", "patches": "--patches"}
    varied = "".join(
        f" {names.get(field.name, '--' + field.name)}" + ("" if value is True else f" {value}")
        for field in fields(Size)
        if (value := getattr(size, field.name)) != field.default
    )
    return f"# {name}, written by: python -m protoface.prototxt.generate{varied}{options}\n"


def deploy_file(name: str, size: Size) -> dict[str, str]:
    """File name -> text of a net that a recipe trains, which needs no other file."""
    net = deploy_net(name, size)
    for layer in net.layer:
        if layer.type == "ConvolutionDepthwise":
            # BatchNorm undoes the smaller values, but AdamW's steps, which are as long for all weights,
            # turn small kernels faster.
            layer.convolution_param.weight_filler.variance_norm = caffe_pb2.FillerParameter.FAN_OUT
    return {"deploy.prototxt": head(name, size, f" --deploy {name}") + to_text(net)}


def files(name: str, folder: str, size: Size, iterations: int) -> dict[str, str]:
    """File name -> text of the three files of one level; `folder` is where the solver finds the net."""
    note = (
        "# The original trained on two GPUs, 2 x 128 pictures an iteration. On one device\n"
        "# `iter_size: 2` does the same, except that BatchNorm's statistics move twice.\n"
    )
    return {
        "train_val.prototxt": head(name, size) + to_text(train_val_net(name, size)),
        "deploy.prototxt": head(name, size) + to_text(deploy_net(name, size)),
        "solver.prototxt": head(name, size) + note + to_text(solver(name, folder, iterations)),
    }
