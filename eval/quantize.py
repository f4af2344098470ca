"""A cascade with smaller nets: int8, calibrated on the inputs of its stages, or float16."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from protoface.cascade import cascade_pb2
from protoface.cascade.cascade import Cascade, load
from protoface.cascade.definition import (
    FILE,
    Loaded,
    PathLike,
    find_definition,
    load_nets,
    read_definition,
    sharing,
    weight_files,
)
from protoface.cascade.face import Face
from protoface.cascade.layouts import Layout
from protoface.cascade.pack import sealed
from protoface.cascade.parts import multiple_of
from protoface.cascade.windows.window import Floats, Image
from protoface.converters.any_size import to_any_size
from protoface.converters.ends import Blobs
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import replacing, write_text
from protoface.converters.float16 import to_float16
from protoface.converters.fold import fold_batch_norm
from protoface.converters.int8 import to_int8
from protoface.converters.onnx_export import to_onnx
from protoface.converters.paths import written
from protoface.converters.prototxt import to_text

from .datasets.dataset import Dataset
from .evaluation import Measured, evaluate_cascade
from .finders import Finder, Progress

#: A model, what its inputs see in batches, its name in errors -> the smaller model.
Converter = Callable[[onnx.ModelProto, Sequence[Blobs], str], onnx.ModelProto]
CONVERTERS: dict[str, Converter] = {
    "int8": to_int8,
    "float16": lambda model, feeds, source: to_float16(model, source),
}
#: Both cascades are compared by this backend: the nets are made for it.
BACKEND = "onnxruntime"
#: ONNX's own reference has QuantizeLinear from here on; OpenCV is checked by it without ONNX Runtime.
OPSET = 19


@dataclass(frozen=True, eq=False)
class SmallerNet:
    """A net before and after, as ONNX; `stages` are the names of those that look through it."""

    stages: tuple[str, ...]
    before: onnx.ModelProto
    after: onnx.ModelProto


@dataclass(frozen=True, eq=False)
class Quantised:
    """The result: the nets, and the same pictures measured by both cascades."""

    nets: tuple[SmallerNet, ...]
    measured: Measured
    again: Measured

    @property
    def moved(self) -> Floats:
        """How far the points of each face that both found (n) moved, over the eye distance."""
        both = self.measured.found & self.again.found
        difference = self.again.levels[-1][both] - self.measured.levels[-1][both]
        distances: Floats = np.linalg.norm(difference, axis=-1).mean(axis=1)
        return distances / self.measured.dataset.inter_ocular[self.measured.kept][both]


def quantize_cascade(
    model: PathLike,
    out: PathLike,
    dataset: Dataset,
    kind: str = "int8",
    weights: Sequence[PathLike] = (),
    progress: Progress = iter,
    outside: bool = False,
) -> Quantised:
    """Write the cascade `model` with smaller nets into a folder: STAGE.onnx, `cascade.prototxt`.

    `kind` is a key of CONVERTERS. The pictures of `dataset` go through the cascade as in detection, and
    what its stages see calibrates their nets (one net where stages share it); a mirrored view
    (`flip_average`) has the same range and is left out. Killed on its way, it leaves no cascade that
    loads with another one's nets. `outside` is that of `load`. Raises
    ProtofaceError as `load` and the converters do.
    """
    path, folder = find_definition(model, outside), Path(out)
    if path.parent.resolve() == folder.resolve():
        raise ProtofaceError(f"{out}: holds the cascade itself; give another folder")
    definition = read_definition(path, outside)
    files = weight_files(definition, path.parent, weights)
    groups = sharing(definition, files)
    names = [f"{definition.stage[first].name}.onnx" for first, *_ in groups]
    written(folder, [FILE, *names], str(path))  # before the work, which takes minutes
    loaded = load_nets(definition, path.parent, weights)
    cascade = Cascade(definition, loaded, BACKEND)
    seen: list[list[Blobs]] = [[] for _ in cascade.stages]
    measured = evaluate_cascade(cascade, dataset, progress, _recording(cascade, seen))
    nets = []
    for members in groups:
        stages = tuple(definition.stage[index].name for index in members)
        before = as_onnx(loaded[members[0]], definition.stage[members[0]], cascade.layout)
        feeds = [feed for index in members for feed in seen[index]]
        after = CONVERTERS[kind](before, feeds, f"{path}: stage '{stages[0]}'")
        nets.append(SmallerNet(stages, before, after))
    _write(definition, nets, folder, kind)
    again = evaluate_cascade(load(folder, BACKEND), dataset, progress)
    return Quantised(tuple(nets), measured, again)


def as_onnx(net: Loaded, stage: cascade_pb2.StageParameter, layout: Layout) -> onnx.ModelProto:
    """A stage's net as ONNX, BatchNorm folded; one that is ONNX already as it is."""
    if isinstance(net, onnx.ModelProto):
        return net
    folded, multiple = fold_batch_norm(net, stage.net), multiple_of(stage, layout)
    if multiple:
        return to_any_size(folded, stage.net, multiple, OPSET)
    return to_onnx(folded, stage.net, OPSET)


def evenly(dataset: Dataset, count: int) -> Dataset:
    """`count` pictures of a set, evenly spread over its order. Raises ProtofaceError for too few."""
    if len(dataset) < count:
        raise ProtofaceError(
            f"{dataset.name}: has {len(dataset)} pictures, {count} are needed; lower --pictures"
        )
    return dataset.evenly(count)


def _recording(cascade: Cascade, seen: Sequence[list[Blobs]]) -> Finder:
    """A cascade as a finder that keeps what each stage's net is fed."""

    def find(images: Sequence[Image]) -> list[list[Face]]:
        steps = list(cascade.steps(images))
        for kept, step in zip(seen, steps, strict=False):  # fewer of them where nothing is found
            kept += [run.inputs for run in step.runs if run.inputs]
        return steps[-1].faces(len(images))

    return find


def _write(
    definition: cascade_pb2.CascadeParameter, nets: Sequence[SmallerNet], folder: Path, kind: str
) -> None:
    """Write each net and, last of all, the cascade with their SHA-256."""
    smaller = cascade_pb2.CascadeParameter()
    smaller.CopyFrom(definition)
    smaller.name = f"{definition.name}-{kind}"
    files = {}
    for net in nets:
        file = f"{net.stages[0]}.onnx"
        with replacing(folder / file) as temporary:
            temporary.write_bytes(net.after.SerializeToString())
        files.update(dict.fromkeys(net.stages, file))
    for stage in smaller.stage:
        stage.ClearField("net")
        stage.ClearField("weights")
        stage.onnx = files[stage.name]
    write_text(folder / FILE, to_text(sealed(smaller, folder)))
