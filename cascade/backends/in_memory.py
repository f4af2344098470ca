"""Nets in memory, Caffe's and ONNX models: their ends, their work, the ONNX that runtimes are given.

A module of its own: Caffe's layers and onnx take longer to import than all the rest of a cascade, and
an ONNX file that a runtime reads by itself needs neither.
"""

from __future__ import annotations

from onnx import ModelProto

from protoface.converters.denormals import flushed_model
from protoface.converters.ends import Ends
from protoface.converters.fold import fold_batch_norm
from protoface.converters.graph import Net, build_graph, deployed
from protoface.converters.onnx_export import to_onnx
from protoface.converters.runtimes import ends_of

from .backend import estimated_work


def as_onnx(net: Net | ModelProto, source: str) -> ModelProto:
    """The model of a net, or the model itself, without weights too small to matter."""
    return flushed_model(net) if isinstance(net, ModelProto) else to_onnx(net, source)


def serialised(net: Net | ModelProto, source: str) -> tuple[bytes, Ends]:
    """That model as runtimes read it, and its ends."""
    model = as_onnx(net, source)
    return model.SerializeToString(), ends_of(model, source)


class InMemory:
    """A net that a stage is to run: `ends`, and whether it is a model (`is_onnx`)."""

    def __init__(self, net: Net | ModelProto, source: str) -> None:
        """`source` names it in errors."""
        self.is_onnx = isinstance(net, ModelProto)
        self.source = source
        if isinstance(net, ModelProto):
            self._net: Net | ModelProto = net
            self.ends = ends_of(net, source)
        else:
            self._net = net = deployed(net)
            self._graph = build_graph(net, source)
            self.ends = Ends(source, self._graph.inputs, self._graph.outputs)

    def work(self, pixels: int) -> float:
        """Multiply-adds for one picture; of a model an estimate by the `pixels` of its input."""
        if isinstance(self._net, ModelProto):
            return estimated_work(self._net.ByteSize(), pixels)
        batch = next((value.shape[0] for value in self.ends.inputs if value.shape), 1)
        return self._graph.multiply_adds() / max(batch, 1)

    def folded(self) -> Net | ModelProto:
        """The net to run: folded for every backend.

        OpenCV 5 is 1.8 times faster so, the others no slower.
        """
        if isinstance(self._net, ModelProto):
            return self._net
        return fold_batch_norm(self._net, self.source, self._graph)
