"""LSTM: a recurrent layer over T steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import caffe_pb2
from ..blobs import Array, Shape
from .layer import BlobSpec, Layer, register

if TYPE_CHECKING:
    import torch

    from ..onnx_graph import OnnxGraph


@register("LSTM")
class LSTM(Layer):
    """Long short-term memory over T steps of N sequences, begun again wherever `cont` is 0.

    Bottoms: x (T x N x ...), cont (T x N), optionally static (N x ...), and with `expose_hidden` the
    state before, h and c (1 x N x H each). Tops: h (T x N x H), and with `expose_hidden` the last h and
    c. Blobs: W_xc (4H, D), b_c (4H), with static W_xc_static (4H, S), W_hc (4H, H); gates in the order
    input, forget, output, new. Source: Caffe, src/caffe/layers/recurrent_layer.cpp, lstm_layer.cpp and
    lstm_unit_layer.cpp.
    """

    notes = (
        "T and N are fixed. The state starts at 0 in every pass, where Caffe keeps it from the pass "
        "before unless `cont` is 0 in the first step; `expose_hidden` carries it. ONNX: step by step. "
        "OpenCV 4's importer has another layer of this name: by way of ONNX"
    )

    fixed = True

    def check(self) -> None:
        options = self.param.recurrent_param
        self.hidden, self.exposed = options.num_output, 2 if options.expose_hidden else 0
        if self.hidden < 1:
            self.fail("num_output must be at least 1")
        if len(self.bottoms) - self.exposed not in (2, 3):
            self.fail(f"has {len(self.bottoms)} bottoms, not x, cont and at most static")
        x, cont, *rest = self.bottoms
        if len(x) < 3 or cont != x[:2]:
            self.fail(f"x {list(x)} must be T x N x ... and cont {list(cont)} T x N")
        self.steps, self.count, self.inputs = x[0], x[1], math.prod(x[2:])
        self.static = rest[0] if len(rest) > self.exposed else None
        if self.static is not None and (len(self.static) < 2 or self.static[0] != self.count):
            self.fail(f"static {list(self.static)} must be {self.count} x ...")
        state = (1, self.count, self.hidden)
        if any(bottom != state for bottom in rest[len(rest) - self.exposed :]):
            self.fail(f"the state before must be {list(state)}")

    def blobs(self) -> list[BlobSpec]:
        options, gates = self.param.recurrent_param, 4 * self.hidden
        specs = [
            BlobSpec((gates, self.inputs), options.weight_filler),
            BlobSpec((gates,), options.bias_filler),
        ]
        if self.static is not None:
            specs.append(BlobSpec((gates, math.prod(self.static[1:])), options.weight_filler))
        return [*specs, BlobSpec((gates, self.hidden), options.weight_filler)]

    def tops(self) -> list[Shape]:
        state = (1, self.count, self.hidden)
        return [(self.steps, self.count, self.hidden), *(state for _ in range(self.exposed))]

    def multiply_adds(self) -> int:
        static = 0 if self.static is None else math.prod(self.static[1:])
        return self.count * 4 * self.hidden * (self.steps * (self.inputs + self.hidden) + static)

    def forward(
        self, bottoms: list[torch.Tensor], blobs: list[torch.Tensor], train: bool
    ) -> list[torch.Tensor]:
        import torch
        from torch.nn.functional import linear

        (x, cont), rest = bottoms[:2], bottoms[2:]
        gates = linear(x.flatten(2), blobs[0], blobs[1])
        if self.static is not None:
            gates = gates + linear(rest[0].flatten(1), blobs[2])
        zero = x.new_zeros(self.count, self.hidden)
        h, c = (state[0] for state in rest[-2:]) if self.exposed else (zero, zero)
        outputs = []
        for step in range(self.steps):
            going = cont[step][:, None]
            parts = (gates[step] + linear(h * going, blobs[-1])).chunk(4, 1)
            i, f, o = (part.sigmoid() for part in parts[:3])
            c = f * going * c + i * parts[3].tanh()
            h = o * c.tanh()
            outputs.append(h)
        return [torch.stack(outputs), *([h[None], c[None]] if self.exposed else [])]

    def onnx(self, graph: OnnxGraph, bottoms: list[str], blobs: list[Array], tops: list[str]) -> None:
        name, weights = self.param.name, graph.blobs(self.param.name, blobs)
        rows = [self.steps * self.count, self.inputs]
        flat = graph.reshape(bottoms[0], rows, graph.fresh(f"{name}/x"))
        gates = graph.apply("Gemm", [flat, *weights[:2]], f"{name}/gates", {"transB": 1})
        cont = graph.reshape(bottoms[1], [rows[0], 1], graph.fresh(f"{name}/cont"))
        fixed = None
        if self.static is not None:
            size = math.prod(self.static[1:])
            flat = graph.reshape(bottoms[2], [self.count, size], graph.fresh(f"{name}/static"))
            fixed = graph.apply("Gemm", [flat, weights[2]], f"{name}/static_gates", {"transB": 1})
        h, c = None, None
        if self.exposed:
            state = [self.count, self.hidden]
            h, c = (
                graph.reshape(bottom, state, graph.fresh(f"{name}/{field}"))
                for field, bottom in zip(("h", "c"), bottoms[-2:], strict=True)
            )
        hs = []
        for gate, going in zip(self._cut(graph, gates), self._cut(graph, cont), strict=True):
            if fixed is not None:
                gate = graph.apply("Add", [gate, fixed], f"{name}/with_static")
            h, c = self._step(graph, gate, going, h, c, weights[-1])
            hs.append(h)
        joined = hs[0] if len(hs) == 1 else graph.apply("Concat", hs, f"{name}/all", {"axis": 0})
        for source, top, shape in zip((joined, h, c), tops, self.tops(), strict=False):
            assert source is not None
            graph.reshape(source, shape, top)

    def _cut(self, graph: OnnxGraph, source: str) -> list[str]:
        """The rows of each step."""
        if self.steps == 1:
            return [source]
        parts = [graph.fresh(f"{source}_{step}") for step in range(self.steps)]
        sizes = graph.constant(f"{source}/sizes", np.array([self.count] * self.steps))
        graph.node("Split", [source, sizes], parts, {"axis": 0})
        return parts

    def _step(
        self, graph: OnnxGraph, gates: str, going: str, h: str | None, c: str | None, weight: str
    ) -> tuple[str, str]:
        """Append one step; without h and c it is the first one, of a state of zeros."""
        name = self.param.name
        if h is not None:
            kept = graph.apply("Mul", [h, going], f"{name}/h_kept")
            more = graph.apply("Gemm", [kept, weight], f"{name}/h_gates", {"transB": 1})
            gates = graph.apply("Add", [gates, more], f"{name}/all_gates")
        parts = [graph.fresh(f"{name}/{gate}_in") for gate in ("i", "f", "o", "g")]
        sizes = graph.constant(f"{name}/gate_sizes", np.array([self.hidden] * 4))
        graph.node("Split", [gates, sizes], parts, {"axis": 1})
        i, f, o = (
            graph.apply("Sigmoid", [part], f"{name}/{gate}")
            for gate, part in zip("ifo", parts, strict=False)
        )
        new = graph.apply("Mul", [i, graph.apply("Tanh", [parts[3]], f"{name}/g")], f"{name}/new")
        if c is not None:
            kept = graph.apply("Mul", [f, going], f"{name}/f_kept")
            old = graph.apply("Mul", [kept, c], f"{name}/old")
            new = graph.apply("Add", [old, new], f"{name}/c")
        squashed = graph.apply("Tanh", [new], f"{name}/c_tanh")
        return graph.apply("Mul", [o, squashed], f"{name}/h"), new

    def opencv(self, param: caffe_pb2.LayerParameter) -> list[caffe_pb2.LayerParameter] | None:
        return None
