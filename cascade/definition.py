"""A cascade as it is written down: `cascade.prototxt` and the nets that it names, read and checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from protoface.converters.convert import load_net
from protoface.converters.errors import ProtofaceError
from protoface.converters.graph import Net, deployed
from protoface.converters.prototxt import read_message, read_net

from . import cascade_pb2

#: Cascades that come with the package, by name. Weights of `original` are not part of it.
NAMES = {"original": "cascade.prototxt"}
DEFAULT = "original"
FILE = "cascade.prototxt"
PathLike = str | os.PathLike[str]


def find_definition(name_or_path: PathLike) -> Path:
    """Path of a cascade's file: a name of NAMES, a `cascade.prototxt`, or a folder that holds one."""
    if isinstance(name_or_path, str) and name_or_path in NAMES:
        return Path(str(files("protoface.prototxt"))) / NAMES[name_or_path]
    path = Path(name_or_path)
    if path.is_dir():
        path = path / FILE
    if not path.is_file():
        raise ProtofaceError(
            f"{name_or_path}: no such cascade; give a {FILE}, its folder, or one of {', '.join(NAMES)}"
        )
    return path


def read_definition(path: PathLike) -> cascade_pb2.CascadeParameter:
    """The cascade in a file, checked. Raises ProtofaceError naming file and line, or file and stage."""
    definition = read_message(path, cascade_pb2.CascadeParameter())
    names = [point.name for point in definition.point]
    if not names or len(set(names)) != len(names) or "" in names:
        raise ProtofaceError(f"{path}: needs points with names that differ, has {names}")
    for point in definition.point:
        if point.flip and point.flip not in names:
            raise ProtofaceError(f"{path}: point '{point.name}': no point is named '{point.flip}'")
    if not definition.stage:
        raise ProtofaceError(f"{path}: has no stage")
    for index, stage in enumerate(definition.stage):
        _check_stage(stage, index, names, f"{path}: stage '{stage.name}'")
    return definition


def _check_stage(
    stage: cascade_pb2.StageParameter, index: int, points: Sequence[str], where: str
) -> None:
    if not stage.name or not stage.net:
        raise ProtofaceError(f"{where}: number {index + 1} needs a name and a net")
    kind = stage.window.WhichOneof("kind")
    if kind is None:
        raise ProtofaceError(f"{where}: needs a window: picture, box, square or similarity")
    if kind in ("square", "similarity") and index == 0:
        raise ProtofaceError(f"{where}: the first stage has no points to put a {kind} around")
    if kind == "similarity":
        _check_similarity(stage.window.similarity, len(points), where)
    if kind == "square":
        square = stage.window.square
        for name in (square.around, square.a, square.b):
            if name not in points:
                raise ProtofaceError(f"{where}: no point is named '{name}'; there are {list(points)}")
        if square.k <= 0:
            raise ProtofaceError(f"{where}: k is {square.k}, it must be positive")
    if len(stage.preprocess.mean) not in (0, 1, 3) or len(stage.preprocess.size) not in (1, 2):
        raise ProtofaceError(f"{where}: preprocess needs one or two of size, and no, one or three mean")


def _check_similarity(window: cascade_pb2.SimilarityWindow, points: int, where: str) -> None:
    shape = [(point.x, point.y) for point in window.shape]
    if len(shape) != points or len(set(shape)) < 2 or not np.isfinite(shape).all():
        raise ProtofaceError(f"{where}: needs a shape of {points} points, not all of them in one place")
    if window.HasField("patch") and not 0 < window.patch <= 1:
        raise ProtofaceError(f"{where}: patch is {window.patch:g}, it must be above 0 and at most 1")


def weight_files(
    definition: cascade_pb2.CascadeParameter, folder: Path, given: Sequence[PathLike] = ()
) -> list[Path]:
    """The weights of each stage: those given (one for each stage), else those the cascade names."""
    if not given:
        return [folder / stage.weights for stage in definition.stage]
    if len(given) != len(definition.stage):
        raise ProtofaceError(
            f"{len(given)} weights for the {len(definition.stage)} stages of '{definition.name}': "
            f"{', '.join(stage.name for stage in definition.stage)}"
        )
    return [Path(path) for path in given]


def load_nets(
    definition: cascade_pb2.CascadeParameter, folder: Path, weights: Sequence[Path]
) -> list[Net]:
    """The net of each stage with its weights. Raises ProtofaceError naming the missing or bad file."""
    for stage, path in zip(definition.stage, weights, strict=True):
        if not path.is_file():
            raise ProtofaceError(
                f"{path}: no weights for {stage.name} of '{definition.name}' there; train them, or "
                "name weights files (--weights, one for each stage)"
            )
    return [
        load_net(folder / stage.net, path)
        for stage, path in zip(definition.stage, weights, strict=True)
    ]


def empty_nets(definition: cascade_pb2.CascadeParameter, folder: Path) -> list[Net]:
    """The net of each stage, without weights."""
    return [deployed(read_net(folder / stage.net)) for stage in definition.stage]
