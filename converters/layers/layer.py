"""The registry of Caffe layers: one class per type, in a file of its own.

To add a layer: one file here, one test in tests/converters/layers/, then `make docs` for its row in
docs/layers.md. PyTorch is imported inside `forward` only, so that reading and exporting nets, and all
of `protoface.cascade`, work without loading it.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeVar

from .. import caffe_pb2
from ..blobs import Array, Shape
from ..errors import ProtofaceError
from ..limits import LARGEST_BLOB

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@dataclass(frozen=True)
class BlobSpec:
    """A blob that a layer owns: its shape, what fills it at first, and whether a solver moves it."""

    shape: Shape
    filler: caffe_pb2.FillerParameter
    learned: bool = True


class Layer:
    """One layer of a net, its bottoms' shapes known.

    Subclasses say what Caffe computes, four times side by side: shapes, blobs, PyTorch, ONNX, and what
    OpenCV 4's importer of Caffe files must be told to compute the same. Their
    docstring names the Caffe source; its first line is the row in docs/layers.md.
    """

    type: ClassVar[str]
    #: Why converters leave this layer out (data, losses); None for layers that they carry over.
    left_out: ClassVar[str | None] = None
    #: Whether the caller feeds its tops: those of data layers and inputs.
    fed: ClassVar[bool] = False
    #: Whether the first axis is of a size that is built into what `onnx` writes.
    fixed: ClassVar[bool] = False
    #: Whether its tops grow with the batch.
    batched: ClassVar[bool] = True
    #: What a user of some runtime should know, shown in docs/layers.md.
    notes: ClassVar[str] = ""

    def __init__(self, param: caffe_pb2.LayerParameter, bottoms: Sequence[Shape]) -> None:
        self.param = param
        self.bottoms = tuple(bottoms)
        self.check()

    def check(self) -> None:
        """Raise ProtofaceError (by `self.fail`) for options or bottoms that Caffe or we refuse."""

    def blobs(self) -> list[BlobSpec]:
        """The blobs that this layer owns, in Caffe's order."""
        return []

    def tops(self) -> list[Shape]:
        """Shapes of the tops; by default there is one, shaped as the first bottom."""
        return [self.bottoms[0]]

    def multiply_adds(self) -> int:
        """Multiply-adds of one forward pass at the batch size of the bottoms."""
        return 0

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        """The tops, computed by PyTorch; `train` is Caffe's TRAIN phase."""
        raise NotImplementedError

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        """Append the nodes that compute `tops` from `bottoms` (names of values) in the TEST phase."""
        raise NotImplementedError

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        """The layers that OpenCV 4's own Caffe importer is given for `param`, a copy with blobs.

        By default the copy itself; another one where the importer would misread it; None where it has
        no layer that computes the same, so that the net goes by way of ONNX. The layers keep the names
        of the tops, and each is named after its first top.
        """
        return [param]

    def fail(self, message: str) -> NoReturn:
        """Raise ProtofaceError with this layer's name and type in front."""
        raise ProtofaceError(f"layer '{self.param.name}' ({self.param.type}): {message}")

    def expect_bottoms(self, count: int) -> None:
        """Fail unless the layer has `count` bottoms."""
        if len(self.bottoms) != count:
            self.fail(f"has {len(self.bottoms)} bottoms, Caffe takes {count}")

    def axis(self, axis: int) -> int:
        """Caffe's axis (negative counts from the end) as an index into the first bottom's shape."""
        rank = len(self.bottoms[0])
        if not -rank <= axis < rank:
            self.fail(f"axis {axis} is outside its bottom of shape {list(self.bottoms[0])}")
        return axis % rank


def keep_axes(bottom: str, top: str, count: int) -> caffe_pb2.LayerParameter:
    """A Reshape to the first `count` axes; those behind them have one value.

    With as many as there are it changes nothing, but OpenCV 4 merges no layer across it.
    """
    layer = caffe_pb2.LayerParameter(name=top, type="Reshape", bottom=[bottom], top=[top])
    layer.reshape_param.shape.dim[:] = [0] * count
    return layer


L = TypeVar("L", bound=type[Layer])
_LAYERS: dict[str, type[Layer]] = {}


def register(*types: str) -> Callable[[L], L]:
    """Class decorator: makes the class known under Caffe's type names (several for data layers)."""

    def add(layer: L) -> L:
        for name in types:
            if name in _LAYERS:
                raise ValueError(f"layer type {name} is registered twice")
            _LAYERS[name] = layer
        layer.type = types[0]
        return layer

    return add


@cache
def layer_types() -> dict[str, type[Layer]]:
    """Every known Caffe type name -> its class, sorted; imports all files of this folder once."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{__package__}.{module.name}")
    return dict(sorted(_LAYERS.items()))


def make_layer(param: caffe_pb2.LayerParameter, bottoms: Sequence[Shape], source: str) -> Layer:
    """The registered layer for `param`; `source` names the file in errors.

    Raises ProtofaceError naming layer, type and file for an unknown type, and for options that the
    layer refuses.
    """
    known = layer_types()
    if param.type not in known:
        raise ProtofaceError(
            f"{source}: layer '{param.name}' has the type {param.type!r}, which protoface does not "
            f"know; known: {', '.join(known)}"
        )
    for shape in bottoms:
        if math.prod(shape) > LARGEST_BLOB:
            raise ProtofaceError(
                f"{source}: layer '{param.name}' reads {list(shape)}, more than Caffe holds in a blob"
            )
    try:
        return known[param.type](param, bottoms)
    except ProtofaceError as error:
        raise ProtofaceError(f"{source}: {error}") from error
