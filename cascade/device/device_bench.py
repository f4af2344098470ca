"""Ways to run a cascade that stays on the device, and their times; needs PyTorch.

Pictures lie on the device before the clock starts, and points stay there: what is timed is the cascade.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from protoface.converters.cuda_graph import record
from protoface.converters.errors import ProtofaceError
from protoface.converters.precision import allow_tf32

from .. import cascade_pb2
from ..cascade import Cascade, begin
from ..definition import Loaded
from ..measure.agreement import Agreement, agreement, points_of
from ..measure.step_times import COMPARED, WHOLE, Row, make_row
from ..windows.window import Image
from .device_cascade import DeviceCascade, Run

WARM_UP = 3


def eager(cascade: Run, pictures: Tensor) -> Run:
    """Eagerly, one kernel after the other."""
    return cascade


def graph(cascade: Run, pictures: Tensor) -> Run:
    """As one CUDA graph, for pictures of that shape; the points are overwritten by the next call."""
    given = pictures.clone()
    replay, found = record(lambda: cascade(given), pictures.device, "this cascade")

    def run(pictures: Tensor) -> Tensor:
        given.copy_(pictures)
        replay()
        return found

    return run


def compiled(cascade: Run, pictures: Tensor) -> Run:
    """As one CUDA graph of what torch.compile makes of it, without a break: fewer, larger kernels."""
    return graph(torch.compile(cascade, fullgraph=True, dynamic=False), pictures)


@dataclass(frozen=True)
class Way:
    """How a cascade on the device is run: what makes it run, and whether its nets are float16."""

    prepare: Callable[[Run, Tensor], Run]
    half: bool = False


#: Name -> way; the names stand beside those of `backends.BACKENDS`.
WAYS = {
    "torch-cuda-device": Way(eager),
    "torch-cuda-graph": Way(graph),
    "torch-cuda-graph-fp16": Way(graph, half=True),
    "torch-cuda-compile": Way(compiled),
    "torch-cuda-compile-fp16": Way(compiled, half=True),
}


def measure_ways(
    names: Sequence[str],
    definition: cascade_pb2.CascadeParameter,
    nets: Sequence[Loaded],
    reference: Cascade,
    images: Sequence[Image],
    batches: Sequence[int],
    runs: int,
    device: str = "cuda",
    compared: Sequence[Image] | None = None,
) -> tuple[list[Row], list[Agreement]]:
    """Times of some of WAYS at every batch size, and how they agree with a reference on the CPU.

    They are compared on the pictures `compared`, if not on those that are timed. Products are in
    float32 proper. Raises ProtofaceError where PyTorch has no GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ProtofaceError(
            f"backend '{names[0]}' cannot run here: torch {torch.__version__} finds no CUDA device"
        )
    allow_tf32(False)
    rows, agreements = [], []
    cascades = {
        half: DeviceCascade(definition, nets).to(device) for half in {WAYS[n].half for n in names}
    }
    if True in cascades:
        cascades[True].half_nets()
    for name in names:
        cascade = cascades[WAYS[name].half]
        agreements.append(compare_way(name, cascade, reference, compared or images))
        for count in batches:
            rows.append(measure_way(name, cascade, images, count, runs))
    return rows, agreements


@torch.inference_mode()
def measure_way(
    name: str, cascade: DeviceCascade, images: Sequence[Image], count: int, runs: int
) -> Row:
    """Time passes over `count` pictures, after a warm-up."""
    pictures = stacked(images, count, cascade.device)
    run = WAYS[name].prepare(cascade, pictures)
    seconds = []
    for number in tqdm(range(WARM_UP + runs), unit="run", disable=None, leave=False):
        wait(pictures.device)
        start = time.perf_counter()
        run(pictures)
        wait(pictures.device)
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    return make_row(name, count, None, WHOLE, np.array(seconds))


@torch.inference_mode()
def compare_way(
    name: str, cascade: DeviceCascade, reference: Cascade, images: Sequence[Image]
) -> Agreement:
    """How nets and points agree with a reference on the CPU, stage by stage.

    The nets are given the same inputs. For the points a stage of the reference starts from those that
    the device has found, so that windows count too, of whose values some are a grey level apart.
    """
    pictures = stacked(images, min(len(images), COMPARED), cascade.device)
    images = images[: len(pictures)]
    levels = WAYS[name].prepare(cascade, pictures)(pictures).cpu().numpy()
    candidates, differences, moved = begin(images), [], []
    for stage, other, points in zip(cascade.stages, reference.stages, levels, strict=True):
        step = other.step(images, candidates)
        (seen,), (expected,) = step.inputs.values(), step.outputs.values()
        answers = stage.answers(torch.from_numpy(seen).to(pictures.device)).flatten(1)
        differences.append(float(np.abs(answers.cpu().numpy() - expected).max()))
        moved.append(points - points_of(step.candidates))
        candidates = [one.at(found) for one, found in zip(step.candidates, points, strict=True)]
    return agreement(name, reference.backend, differences, moved, len(images))


def stacked(images: Sequence[Image], count: int, device: torch.device) -> Tensor:
    """`count` pictures on the device, (count, rows, columns, 3), the same ones again where too few.

    Raises ProtofaceError unless all are of one size.
    """
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        raise ProtofaceError(f"pictures on a device have one size, not {len(sizes)}; give --size")
    few = torch.from_numpy(np.stack(images[:count])).to(device)
    return few[torch.arange(count, device=device) % len(few)]


def wait(device: torch.device) -> None:
    """Wait until a GPU has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
