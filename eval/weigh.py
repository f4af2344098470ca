"""Comparing cascades: bytes, multiply-adds, milliseconds, error."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnx
from tqdm import tqdm

from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import (
    Loaded,
    PathLike,
    find_definition,
    load_nets,
    read_definition,
    sharing,
    weight_files,
)
from protoface.cascade.measure.step_times import WARM_UP, WHOLE, random_pictures, timed_steps
from protoface.converters.graph import Net, build_graph
from protoface.converters.int8 import WEIGHTED

from .datasets.dataset import Dataset
from .evaluation import evaluate_cascade
from .finders import Progress
from .quantize import as_onnx
from .summary import Summary

HEADS = (
    "cascade", "bytes", "multiply-adds", "ms", "of it nets", "mean", "median", "above 10 %",
)  # fmt: skip


@dataclass(frozen=True)
class Weight:
    """A row: a cascade's nets as ONNX in bytes, their multiply-adds, ms a picture, its error.

    `bytes` has an entry for each net, `multiply_adds` for each stage, its mirror included: some share
    a net. `net_ms` is the nets' part of `ms`, both are medians. `error` is over the eye distance.
    """

    name: str
    bytes: tuple[int, ...]
    multiply_adds: tuple[int, ...]
    ms: float
    net_ms: float
    error: Summary | None

    def cells(self) -> Iterator[str]:
        """The row as text, under HEADS; errors in %."""
        yield self.name
        yield f"{sum(self.bytes):,}"
        yield f"{sum(self.multiply_adds):,}"
        yield f"{self.ms:.3f}"
        yield f"{self.net_ms:.3f}"
        error = self.error
        values = (error.mean, error.median, error.failure_rate) if error else (math.nan,) * 3
        yield from (f"{100 * value:.2f}" for value in values)


def weigh(
    models: Sequence[PathLike],
    dataset: Dataset,
    backend: str,
    runs: int,
    progress: Progress = iter,
) -> list[Weight]:
    """A row for each cascade, on one thread; timed alternately, so that other work hits all alike.

    A picture to be timed is noise of 640 x 480, one at a time. Raises ProtofaceError as `load` does.
    """
    cv2.setNumThreads(1)
    cascades, rows = [], []
    for model in models:
        path = find_definition(model)
        definition = read_definition(path)
        nets = load_nets(definition, path.parent)
        cascades.append(Cascade(definition, nets, backend, threads=1))
        sizes = tuple(
            len(as_onnx(nets[first], definition.stage[first], cascades[-1].layout).SerializeToString())
            for first, *_ in sharing(definition, weight_files(definition, path.parent))
        )
        measured = evaluate_cascade(cascades[-1], dataset, progress)
        error = measured.summary("inter_ocular", len(measured.levels) - 1)
        counts = tuple(
            multiply_adds(net, str(path)) * (2 if stage.flip_average else 1)
            for stage, net in zip(definition.stage, nets, strict=True)
        )
        rows.append((cascades[-1].name, sizes, counts, error))
    times = [
        (ms[WHOLE], sum(ms[stage.name] for stage in cascade.stages))
        for cascade, ms in zip(cascades, milliseconds(cascades, runs), strict=True)
    ]
    return [Weight(*row[:3], *time, row[3]) for row, time in zip(rows, times, strict=True)]


def milliseconds(cascades: Sequence[Cascade], runs: int) -> list[dict[str, float]]:
    """For each cascade the median of every step of `bench.timed_steps`, one picture at a time."""
    pictures = random_pictures()
    seconds: list[dict[str, list[float]]] = [defaultdict(list) for _ in cascades]
    for run in tqdm(range(WARM_UP + runs), unit="run", disable=None, leave=False):
        chosen = [pictures[run % len(pictures)]]
        for cascade, taken in zip(cascades, seconds, strict=True):
            cascade.detect_batch(chosen)  # the one before has emptied the caches
            for step, elapsed in timed_steps(cascade, chosen):
                if run >= WARM_UP:
                    taken[step].append(elapsed)
    return [
        {step: float(np.median(values)) * 1000 for step, values in taken.items()} for taken in seconds
    ]


def multiply_adds(net: Loaded, source: str) -> int:
    """Multiply-adds of a net for one picture; of an ONNX model those of its WEIGHTED operators."""
    if isinstance(net, Net):
        return build_graph(net, source).multiply_adds()
    graph = onnx.shape_inference.infer_shapes(net).graph
    values = [*graph.input, *graph.output, *graph.value_info]
    shapes = {
        value.name: [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim] for value in values
    }
    shapes.update({tensor.name: list(tensor.dims) for tensor in graph.initializer})
    total = 0
    for node in graph.node:
        if node.op_type in WEIGHTED:
            weight, out = shapes[node.input[1]], math.prod(shapes[node.output[0]])
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            each = math.prod(weight[1:]) if node.op_type == "Conv" else weight[-1 if transposed else -2]
            total += out * each
    return total


def table(rows: Sequence[Weight]) -> str:
    """The rows as markdown."""
    lines = [HEADS, ("---", *("---:",) * (len(HEADS) - 1)), *(tuple(row.cells()) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
