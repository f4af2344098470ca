"""Packing a cascade for distribution: a folder with all files that it needs and their SHA-256."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from protoface.converters.any_size import to_any_size
from protoface.converters.conversion import convert, load_net
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import read_bytes, replacing, write_text
from protoface.converters.fold import fold_batch_norm
from protoface.converters.onnx_export import write_onnx
from protoface.converters.onnx_file import ONNX, is_onnx
from protoface.converters.paths import written
from protoface.converters.prototxt import to_text
from protoface.converters.weights import HDF5

from . import cascade_pb2
from .definition import (
    FILE,
    PathLike,
    find_definition,
    load_nets,
    read_definition,
    sharing,
    weight_files,
)
from .layouts import layout_of
from .parts import multiple_of


def pack(
    model: PathLike,
    out: PathLike,
    weights: Sequence[PathLike] = (),
    notice: str = "",
    outside: bool = False,
) -> Path:
    """Copy a cascade into a folder: `cascade.prototxt`, and of each net STAGE.prototxt, weights, .onnx.

    STAGE is the first stage with that net and those weights; the ONNX file has BatchNorm folded in. A
    stage that is ONNX already stays as it is. `notice` is said whenever the weights are loaded; with
    `outside` the cascade may name files outside of its folder, as in `load`. Returns the path of the
    new `cascade.prototxt`, which is written last. Raises ProtofaceError if a file is missing or does
    not fit, and for a name that would be written outside of the folder.
    """
    path, folder = find_definition(model, outside), Path(out)
    if path.parent.resolve() == folder.resolve():
        raise ProtofaceError(f"{out}: holds the cascade itself; give another folder")
    definition = read_definition(path, outside)
    layout = layout_of(definition, str(path))
    load_nets(definition, path.parent, weights)  # the weights must fit before anything is written
    files = weight_files(definition, path.parent, weights)
    groups = sharing(definition, files)
    firsts = [(definition.stage[first], files[first]) for first, *_ in groups]
    names = [FILE, *(name for stage, file in firsts for name in _names(stage, file))]
    target = written(folder, names, str(path))[FILE]
    for first, *others in groups:
        stage, file = definition.stage[first], files[first]
        _copy(stage, path.parent, file, folder, multiple_of(stage, layout))
        for index in (first, *others):
            _rename(definition.stage[index], stage.name, file)
    definition.notice = notice or definition.notice
    write_text(target, to_text(sealed(definition, folder)))
    return target


def sealed(definition: cascade_pb2.CascadeParameter, folder: Path) -> cascade_pb2.CascadeParameter:
    """The cascade with the SHA-256 of its files in `folder`, ONNX beside weights included."""
    result = cascade_pb2.CascadeParameter()
    result.CopyFrom(definition)
    del result.file[:]
    named = [name for stage in result.stage for name in (stage.net, stage.weights, stage.onnx) if name]
    beside = [Path(name).with_suffix(ONNX).name for name in named]
    for name in dict.fromkeys([*named, *(name for name in beside if (folder / name).is_file())]):
        result.file.add(path=name, sha256=hashlib.sha256(read_bytes(folder / name)).hexdigest())
    return result


def _names(stage: cascade_pb2.StageParameter, weights: Path) -> list[str]:
    """The files that `_copy` writes."""
    suffixes = [ONNX] if is_onnx(weights) else [_suffix(weights), ".prototxt", ONNX]
    return [f"{stage.name}{suffix}" for suffix in suffixes]


def _copy(
    stage: cascade_pb2.StageParameter, source: Path, weights: Path, out: Path, multiple: int
) -> None:
    """A stage's net and weights under its name; as ONNX too, unless they are that already.

    If `multiple` is not 0 that is for pictures whose sides are any multiples of so many pixels.
    """
    copied = {f"{stage.name}{_suffix(weights)}": weights}
    if not is_onnx(weights):
        copied[f"{stage.name}.prototxt"] = source / stage.net
        _write_onnx(source / stage.net, weights, out / f"{stage.name}{ONNX}", multiple)
    for name, file in copied.items():
        with replacing(out / name) as temporary:
            shutil.copyfile(file, temporary)


def _write_onnx(net: Path, weights: Path, out: Path, multiple: int) -> None:
    if multiple:
        folded = fold_batch_norm(load_net(net, weights), str(net))
        write_onnx(out, to_any_size(folded, str(net), multiple))
    else:
        convert(net, weights, out, fold_bn=True)


def _rename(stage: cascade_pb2.StageParameter, name: str, weights: Path) -> None:
    """Let a stage name the files that `_copy` wrote under `name`."""
    for field in ("net", "weights", "onnx"):
        stage.ClearField(field)
    if is_onnx(weights):
        stage.onnx = f"{name}{ONNX}"
    else:
        stage.net, stage.weights = f"{name}.prototxt", f"{name}{_suffix(weights)}"


def _suffix(weights: Path) -> str:
    """What the format goes by; a name may have dots of its own."""
    return HDF5 if weights.name.endswith(HDF5) else weights.suffix
