"""Caffe's fillers: the first values of a net's blobs, drawn from one seed.

Source: Caffe, include/caffe/filler.hpp.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from . import caffe_pb2
from .blobs import Array, Shape
from .errors import ProtofaceError
from .graph import Graph, Net, build_graph
from .weights import with_arrays

Filler = caffe_pb2.FillerParameter
Filled = NDArray[np.float64]


def fill(net: Net, seed: int) -> Net:
    """A copy of `net` (one phase, inputs of known shape) whose blobs are filled as it says.

    The same seed, 0 or more, gives the same values on every machine. Raises ProtofaceError naming the
    layer.
    """
    graph = build_graph(net, net.name or "net")
    return with_arrays(net, graph, fill_graph(graph, seed))


def fill_graph(graph: Graph, seed: int) -> dict[str, Array]:
    """First values, float32, of every blob of a graph by its key `<layer>.<index>`.

    One generator for all, in the order of the layers, so that the nets of both phases and the deploy
    net of one experiment get the same values from one seed.
    """
    generator = np.random.default_rng(seed)
    filled: dict[str, Array] = {}
    for key, spec in graph.blob_specs().items():
        try:
            filled[key] = fill_blob(spec.filler, spec.shape, generator).astype(np.float32)
        except ProtofaceError as error:
            layer, _, index = key.rpartition(".")
            raise ProtofaceError(f"{graph.name}: layer '{layer}', blob {index}: {error}") from error
    return filled


def fill_blob(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """One blob of `shape`, float64. Raises ProtofaceError for an unknown type of filler."""
    if filler.type not in FILLERS:
        raise ProtofaceError(f"unknown filler {filler.type!r}; known: {', '.join(FILLERS)}")
    if filler.sparse != -1 and filler.type != "gaussian":
        raise ProtofaceError(f"sparse works with the gaussian filler only, not with {filler.type!r}")
    return FILLERS[filler.type](filler, shape, generator)


def fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out as Caffe counts them: values / shape[0] and values / shape[1]."""
    if not shape:
        raise ProtofaceError("a single number has no fan-in; use the constant filler")
    count = math.prod(shape)
    return count // shape[0], count // shape[1] if len(shape) > 1 else count


def constant(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """`value` everywhere."""
    return np.full(shape, filler.value)


def uniform(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """Uniform between `min` and `max`."""
    if filler.min > filler.max:
        raise ProtofaceError(f"min {filler.min} is above max {filler.max}")
    return generator.uniform(filler.min, filler.max, shape)


def gaussian(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """Normal with `mean` and `std`; with `sparse` all but about that many per output are zero."""
    if filler.std < 0:
        raise ProtofaceError(f"std {filler.std} is below 0")
    values = filler.mean + filler.std * generator.standard_normal(shape)
    if filler.sparse < 0:
        return values
    if not shape or filler.sparse > shape[0]:
        raise ProtofaceError(f"sparse {filler.sparse} does not fit the shape {list(shape)}")
    return values * (generator.random(shape) < filler.sparse / shape[0])


def positive_unitball(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """Uniform in [0, 1), then each output's values divided by their sum."""
    if not shape:
        raise ProtofaceError("a single number is no ball; use the constant filler")
    values = generator.random(shape)
    sums: Filled = values.sum(axis=tuple(range(1, len(shape))), keepdims=True)
    return values / sums


def xavier(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """Uniform within +-sqrt(3 / n), n by `variance_norm`."""
    limit = math.sqrt(3 / _variance_norm(filler, shape))
    return generator.uniform(-limit, limit, shape)


def msra(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """Normal with mean 0 and std sqrt(2 / n), n by `variance_norm`."""
    return math.sqrt(2 / _variance_norm(filler, shape)) * generator.standard_normal(shape)


def bilinear(filler: Filler, shape: Shape, generator: np.random.Generator) -> Filled:
    """The kernel of bilinear interpolation, for a Deconvolution that enlarges pictures."""
    if len(shape) != 4 or shape[2] != shape[3]:
        raise ProtofaceError(f"the bilinear filler needs square kernels, not {list(shape)}")
    size = shape[3]
    factor = math.ceil(size / 2)
    centre = (size - 1) / (2 * factor)
    line = 1 - np.abs(np.arange(size) / factor - centre)
    return np.broadcast_to(np.outer(line, line), shape).copy()


def _variance_norm(filler: Filler, shape: Shape) -> float:
    fan_in, fan_out = fans(shape)
    if filler.variance_norm == Filler.AVERAGE:
        return (fan_in + fan_out) / 2
    return fan_out if filler.variance_norm == Filler.FAN_OUT else fan_in


FILLERS: dict[str, Callable[[Filler, Shape, np.random.Generator], Filled]] = {
    filler.__name__: filler
    for filler in (constant, uniform, gaussian, positive_unitball, xavier, msra, bilinear)
}
