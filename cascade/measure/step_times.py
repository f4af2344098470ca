"""Times a cascade step by step on every backend: what `protoface bench` shows."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from onnx import ModelProto
from tqdm import tqdm

from protoface.converters.errors import ProtofaceError
from protoface.converters.graph import Net
from protoface.converters.onnx_file import is_onnx

from .. import cascade_pb2
from ..backends.choice import BACKENDS
from ..caffe_nets import empty_nets
from ..cascade import Cascade
from ..definition import (
    Loaded,
    PathLike,
    find_definition,
    load_nets,
    read_definition,
    weight_files,
)
from ..windows.window import Floats, Image

#: Published: one forward pass of one net, GTX 1080, unoptimised Caffe, batch 1.
PUBLISHED_FORWARD_MS = 6.0
WHOLE = "cascade"
WARM_UP = 5
#: Pictures on which backends are compared.
COMPARED = 16
#: Cascades that stay on the device: the keys of `device_bench.WAYS`, imported only if asked for.
ON_DEVICE = (
    "torch-cuda-device",
    "torch-cuda-graph",
    "torch-cuda-graph-fp16",
    "torch-cuda-compile",
    "torch-cuda-compile-fp16",
)


@dataclass(frozen=True)
class Row:
    """One step of one backend at one batch size: milliseconds per picture, pictures per second."""

    backend: str
    batch: int
    threads: int | None
    stage: str
    p50_ms: float
    p90_ms: float
    p99_ms: float
    pictures_per_s: float


def timed_steps(cascade: Cascade, images: Sequence[Image]) -> Iterator[tuple[str, float]]:
    """Seconds of each step of one pass over a batch, then of the whole cascade, run once more.

    `preprocess` makes the first net's input; a stage's own name is its forward pass; `crop` turns the
    answers of the stage before into the next one's input.
    """
    read = 0.0
    for number, step in enumerate(cascade.steps(images, clock=time.perf_counter)):
        yield crop_name(number), read + step.seconds.inputs
        yield step.stage.name, step.seconds.forward
        read = step.seconds.read
    start = time.perf_counter()
    cascade.detect_batch(images)
    yield WHOLE, time.perf_counter() - start


def crop_name(number: int) -> str:
    """Name of the step that makes the input of stage `number` (from 0)."""
    return ("preprocess", "crop")[number] if number < 2 else f"crop_{number + 1}"


def measure(
    cascades: Sequence[Cascade],
    images: Sequence[Image],
    batches: Sequence[int],
    runs: int,
    threads: int | None,
) -> list[Row]:
    """Time every cascade at every batch size, all of them in turn in each run, after a warm-up.

    In turn, so that what else happens on the machine falls on all of them alike. Raises ProtofaceError
    where a stage has the name of another step.
    """
    for cascade in cascades:
        _check_names([stage.name for stage in cascade.stages])
    pictures = cycle(images)
    seconds: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    for run in tqdm(range(WARM_UP + runs), unit="run", disable=None, leave=False):
        for size in batches:
            chosen = list(islice(pictures, size))
            for cascade in cascades:
                cascade.detect_batch(chosen)  # the one before has emptied the caches
                for step, elapsed in timed_steps(cascade, chosen):
                    if run >= WARM_UP:
                        seconds[cascade.backend, size, step].append(elapsed)
    return [
        make_row(backend, size, threads, step, np.array(values))
        for (backend, size, step), values in seconds.items()
    ]


def _check_names(stages: Sequence[str]) -> None:
    taken = {WHOLE, *map(crop_name, range(len(stages)))}
    for name in stages:
        if name in taken:
            raise ProtofaceError(
                f"stage '{name}': there is a step of that name; rename the stage in cascade.prototxt"
            )
        taken.add(name)


def make_row(backend: str, size: int, threads: int | None, step: str, seconds: Floats) -> Row:
    """A row out of the seconds of each pass over `size` pictures."""
    p50, p90, p99 = (float(value) for value in np.percentile(seconds, (50, 90, 99)) * 1000 / size)
    return Row(backend, size, threads, step, p50, p90, p99, float(size / seconds.mean()))


def random_pictures(count: int = 16, seed: int = 0) -> list[Image]:
    """Noise of 640 x 480 pixels, for speed only."""
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 256, (480, 640, 3), np.uint8) for _ in range(count)]


def soft_pictures(count: int = COMPARED, seed: int = 0) -> list[Image]:
    """Patches of light and dark, coarse and fine, 640 x 480 pixels: nets tell them apart, unlike noise.

    Shrunk to a net's input, noise is grey all over, and backends that differ could agree on it.
    """
    generator = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        layers = [generator.uniform(0, 255, (3 * n, 4 * n, 3)) for n in (1, 3, 9)]
        total = np.mean(
            [cv2.resize(one, (640, 480), interpolation=cv2.INTER_CUBIC) for one in layers], 0
        )
        pictures.append(np.clip(2 * total - 127.5, 0, 255).astype(np.uint8))
    return pictures


def load_cascades(
    model: PathLike, weights: Sequence[Path], backends: Sequence[str], mode: str, threads: int | None
) -> tuple[list[Cascade], bool]:
    """A cascade on each backend (none: all that can run), and whether it has real weights."""
    definition, nets, real = load_model(model, weights)
    names = backends or runnable(nets)
    return [Cascade(definition, nets, name, mode, threads) for name in names], real


def runnable(nets: Sequence[Loaded]) -> list[str]:
    """The backends that can run these nets here."""
    onnx = any(isinstance(net, ModelProto) for net in nets)
    return [
        name
        for name, backend in BACKENDS.items()
        if (backend.runs_onnx or not onnx) and backend.missing() is None
    ]


def load_model(
    model: PathLike, weights: Sequence[Path], outside: bool = False
) -> tuple[cascade_pb2.CascadeParameter, list[Loaded], bool]:
    """A cascade's definition, its nets, and whether they have real weights.

    Where the cascade names weights that are not there, its nets are filled as training would start.
    `outside` is that of `load`.
    """
    path = find_definition(model, outside)
    definition = read_definition(path, outside)
    files = weight_files(definition, path.parent, weights)
    onnx = any(map(is_onnx, files))
    real = bool(weights) or onnx or any(file.is_file() for file in files)
    nets = (
        load_nets(definition, path.parent, weights)
        if real
        else _filled(empty_nets(definition.stage, path.parent))
    )
    return definition, nets, real


def _filled(nets: Sequence[Net]) -> list[Loaded]:
    """Nets filled by their fillers, with BatchNorm's statistics set to mean 0 and variance 1.

    Caffe starts them at 0, with which an untrained net in the TEST phase overflows.
    """
    from protoface.converters.blobs import to_blob
    from protoface.converters.fillers import fill

    filled = [fill(net, seed) for seed, net in enumerate(nets)]
    for layer in (layer for net in filled for layer in net.layer if layer.type == "BatchNorm"):
        ones = np.ones(len(layer.blobs[1].data), np.float32)
        layer.blobs[1].CopyFrom(to_blob(ones))
        layer.blobs[2].CopyFrom(to_blob(np.ones(1, np.float32)))
    return list(filled)


def table(rows: Sequence[Row], cascade: Cascade) -> Iterator[str]:
    """The rows as text, then one net compared with the published 6 ms, the cascade with its nets."""
    percentiles = "".join(f"{name:>9}" for name in ("p50 ms", "p90 ms", "p99 ms"))
    width = max(11, *(len(row.stage) for row in rows)) + 1
    yield f"{'backend':18}{'batch':>6}  {'step':{width}}{percentiles}{'pictures/s':>12}"
    for row in rows:
        yield (
            f"{row.backend:18}{row.batch:6}  {row.stage:{width}}{row.p50_ms:9.4f}{row.p90_ms:9.4f}"
            f"{row.p99_ms:9.4f}{row.pictures_per_s:12.0f}"
        )
    timed = {row.stage for row in rows}
    levels = [stage.name for stage in cascade.stages if stage.name in timed]
    unseen = [stage.name for stage in cascade.stages if stage.name not in timed]
    yield ""
    stepwise = [row for row in rows if row.stage != WHOLE]  # on the device there are no steps to time
    for backend, batch in dict.fromkeys((row.backend, row.batch) for row in stepwise):
        p50 = {row.stage: row.p50_ms for row in rows if (row.backend, row.batch) == (backend, batch)}
        forward = sum(p50[level] for level in levels)
        yield (
            f"{backend} at batch {batch}: one net takes {forward / len(levels):.4f} ms a picture, the "
            f"published {PUBLISHED_FORWARD_MS:g} ms (GTX 1080) are "
            f"{PUBLISHED_FORWARD_MS * len(levels) / forward:.1f} times that; the cascade takes "
            f"{p50[WHOLE] / forward:.2f} times its forward passes"
        )
    if stepwise and unseen:
        yield f"not timed, since no face was found: {', '.join(unseen)}; give pictures with --images"
