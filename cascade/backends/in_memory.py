"""Nets in memory, Caffe's and ONNX models: their ends, their work, the ONNX that runtimes are given.

A module of its own: Caffe's layers and onnx take longer to import than all the rest of a cascade, and
an ONNX file that a runtime reads by itself needs neither.
"""

from __future__ import annotations

import math
from dataclasses import replace

from onnx import ModelProto

from protoface.converters.any_size import to_any_size
from protoface.converters.denormals import flushed_model
from protoface.converters.ends import Ends, Value
from protoface.converters.fold import fold_batch_norm
from protoface.converters.graph import Net, build_graph, deployed
from protoface.converters.onnx_export import to_onnx
from protoface.converters.runtimes import ends_of

from .backend import estimated_work


def as_onnx(net: Net | ModelProto, source: str, multiple: int = 0) -> ModelProto:
    """The model of a net, or the model itself, without weights too small to matter.

    If `multiple` is not 0, for inputs whose sides are any multiples of so many pixels.
    """
    if isinstance(net, ModelProto):
        return flushed_model(net)
    return to_any_size(net, source, multiple) if multiple else to_onnx(net, source)


def serialised(net: Net | ModelProto, source: str, multiple: int = 0) -> tuple[bytes, Ends]:
    """That model as runtimes read it, and its ends."""
    model = as_onnx(net, source, multiple)
    return model.SerializeToString(), ends_of(model, source)


class InMemory:
    """A net that a stage is to run: `ends`, and whether it is a model (`is_onnx`)."""

    def __init__(self, net: Net | ModelProto, source: str, multiple: int = 0) -> None:
        """`source` names it in errors; `multiple` as in `as_onnx`: then heights and widths are 0."""
        self.is_onnx = isinstance(net, ModelProto)
        self.source = source
        if isinstance(net, ModelProto):
            self._net: Net | ModelProto = net
            self.ends = ends_of(net, source)
        else:
            self._net = net = deployed(net)
            self._graph = build_graph(net, source)
            self.ends = Ends(source, self._graph.inputs, self._graph.outputs)
            if multiple:
                self.ends = Ends(source, *map(_opened, (self.ends.inputs, self.ends.outputs)))

    def work(self, pixels: int) -> float:
        """Multiply-adds for one picture of so many pixels; of a model an estimate."""
        if isinstance(self._net, ModelProto):
            return estimated_work(self._net.ByteSize(), pixels)
        declared = next((value.shape for value in self._graph.inputs if value.shape), (1,))
        shares = float(max(declared[0], 1))
        if self.ends.inputs != self._graph.inputs:
            shares *= math.prod(declared[2:]) / pixels
        return self._graph.multiply_adds() / shares

    def folded(self) -> Net | ModelProto:
        """The net to run: folded for every backend.

        OpenCV 5 is 1.8 times faster so, the others no slower.
        """
        if isinstance(self._net, ModelProto):
            return self._net
        return fold_batch_norm(self._net, self.source, self._graph)


def _opened(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Values with open heights and widths."""
    return tuple(replace(one, shape=(*one.shape[:2], *(0 for _ in one.shape[2:]))) for one in values)
