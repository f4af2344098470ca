"""Training of level 1 on a GPU: speed against a plain loop, loss curves, agreement with the CPU.

`python tests/trainers/solver/gpu_training.py --json FILE`; `--help` for less of it. The plain loop is
the same net in `torch.nn`, `torch.optim.Adam` and indexing of a uint8 tensor that lies on the device;
nothing in it waits for the device either. All is float32 proper but for what is named otherwise.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))
from plain_loop import listed_solver, plain_net

from protoface.cascade.measure.machine import machine, versions
from protoface.converters.files import write_text
from protoface.converters.precision import allow_tf32
from protoface.trainers.net import memory
from protoface.trainers.net.device import torch_device
from protoface.trainers.solver.solver_file import Solver
from protoface.trainers.solver.solver_trainer import Trainer

Step = Callable[[], Tensor]
WARM_UP, EVERY, FULL = 5, 100, 200_000
#: Trainings of protoface: name -> what its Trainer is told.
KINDS: dict[str, dict[str, Any]] = {
    "protoface": {"graph": True},
    "protoface --compile": {"graph": True, "compiled": True},
    "protoface --no-graph": {},
    "protoface --precision tf32": {"graph": True, "precision": "tf32"},
    "protoface --precision bf16": {"graph": True, "precision": "bf16"},
    "protoface --precision bf16 --compile": {"graph": True, "precision": "bf16", "compiled": True},
}
#: Put before a kind: the same with pictures and weights in channels_last, see `memory.picture_format`.
CHANNELS_LAST = "channels_last, "


def write_pictures(folder: Path, count: int) -> None:
    """Pictures of noise with five coloured dots; `list.txt` has the dots' places in [-1, 1]."""
    rng = np.random.default_rng(0)
    labels = rng.uniform(-0.8, 0.8, (count, 5, 2))
    grid = np.arange(48)
    colours = rng.uniform(60, 255, (5, 3))
    lines = []
    for index, places in enumerate((labels + 1) * 23.5):
        picture = rng.uniform(0, 90, (48, 48, 3))
        for (x, y), colour in zip(places, colours, strict=True):
            dot = np.exp(-((grid - x) ** 2 + (grid[:, None] - y) ** 2) / 8)
            picture += dot[..., None] * (colour - picture)
        cv2.imwrite(str(folder / f"{index}.png"), picture.round().astype(np.uint8))
        lines.append(f"{index}.png {' '.join(f'{x:.6f}' for x in labels[index].ravel())}\n")
    (folder / "list.txt").write_text("".join(lines))


def solver_of(folder: Path, batch: int, dropout: float | None = None) -> Solver:
    """Level 1's solver on those pictures."""
    solver = listed_solver(folder, batch)
    for layer in solver.net_param.layer:
        if layer.type == "Dropout" and dropout is not None:
            layer.dropout_param.dropout_ratio = dropout
    return solver


def plain_step(folder: Path, batch: int, seed: int, device: torch.device) -> Step:
    rows = [line.split() for line in (folder / "list.txt").read_text().splitlines()]
    read = np.stack([cv2.imread(str(folder / row[0])) for row in rows])
    pictures = torch.from_numpy(read).permute(0, 3, 1, 2).contiguous().to(device)
    labels = torch.tensor([[float(x) for x in row[1:]] for row in rows], device=device)
    torch.manual_seed(seed)
    net = plain_net()
    start_as(net, Trainer(solver_of(folder, batch), "level_1", seed, torch.device("cpu")))
    net = net.to(device).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001, weight_decay=0.0004)

    def step() -> Tensor:
        chosen = torch.randint(len(pictures), (batch,), device=device)
        x = pictures[chosen].float() - 127.5
        optimizer.zero_grad()
        loss = 100 * F.mse_loss(net(x), labels[chosen], reduction="sum") / (2 * batch)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def start_as(net: nn.Module, trainer: Trainer) -> None:
    """Give the plain net the first weights of a training; biases before a BatchNorm are 0 there."""
    arrays = trainer.parameters.arrays(trainer.parameters.values)
    counts = {"Convolution": 1, "ConvolutionDepthwise": 1, "Scale": 2, "InnerProduct": 2}
    keys = [
        key
        for node in trainer.train.net.graph.nodes
        for key in node.keys[: counts.get(node.layer.param.type, 0)]
    ]
    with torch.no_grad():
        for parameter, key in zip(net.parameters(), keys, strict=True):
            parameter.copy_(torch.from_numpy(arrays[key]))


def protoface_step(folder: Path, batch: int, device: torch.device, kind: str) -> Step:
    allow_tf32(False)  # a training before may have let it
    solver, options = solver_of(folder, batch), KINDS[kind.removeprefix(CHANNELS_LAST)]
    chosen = memory.picture_format
    if kind.startswith(CHANNELS_LAST):
        memory.picture_format = lambda _: torch.channels_last
    try:
        trainer = Trainer(solver, "level_1", 1, device, **options)
        trainer.step()  # recorded: from here on memory is as it is
    finally:
        memory.picture_format = chosen
    return trainer.step


def run(step: Step, iterations: int, device: torch.device) -> dict[str, object]:
    """Iterations a second, and the loss: mean of every EVERY iterations, or of all if fewer."""
    every = min(EVERY, iterations)
    for _ in range(WARM_UP):
        step()
    wait(device)
    start, total, curve = time.perf_counter(), torch.zeros((), device=device), []
    for number in range(1, iterations + 1):
        total += step()
        if number % every == 0:
            curve.append(total / every)
            total = torch.zeros_like(total)
    wait(device)
    elapsed = time.perf_counter() - start
    losses = [float(value) for value in curve]
    last = losses[-max(1, len(losses) // 10) :]
    return {
        "iterations": iterations,
        "iterations_per_s": iterations / elapsed,
        "minutes_for_200000": FULL / 60 * elapsed / iterations,
        "last_loss": float(np.mean(last)) if last else None,
        "losses": losses,
    }


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def agreement(folder: Path, device: torch.device, iterations: int) -> dict[str, object]:
    """Losses of the first iterations, without dropout, on both devices; float64 as what is true."""

    def losses(place: torch.device, dtype: torch.dtype, graph: bool) -> np.ndarray:
        allow_tf32(False)
        solver = solver_of(folder, 32, dropout=0)
        trainer = Trainer(solver, "level_1", 1, place, dtype, graph=graph)
        return np.array([float(trainer.step()) for _ in range(iterations)])

    cpu = torch.device("cpu")
    true = losses(cpu, torch.float64, graph=False)
    found = {
        "CPU float32": losses(cpu, torch.float32, graph=False),
        f"{device.type} float32": losses(device, torch.float32, graph=False),
        f"{device.type} float32, graph": losses(device, torch.float32, graph=True),
        f"{device.type} float64, graph": losses(device, torch.float64, graph=True),
    }
    apart = {name: (np.abs(values / true - 1)).tolist() for name, values in found.items()}
    return {"loss_float64": true.tolist(), "relative_difference": apart}


@click.command(help=__doc__)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--device", default="cuda", show_default=True)
@click.option("--iterations", default=10_000, show_default=True)
@click.option("--batch", default=256, show_default=True)
@click.option("--pictures", default=8192, show_default=True)
@click.option("--first", default=20, show_default=True, help="Iterations to compare with the CPU.")
def main(json_file: Path, device: str, iterations: int, batch: int, pictures: int, first: int) -> None:
    place = torch_device(device)
    kinds = [*KINDS, *(f"{CHANNELS_LAST}{kind}" for kind in KINDS if "graph" in KINDS[kind])]
    if place.type != "cuda":
        kinds = [kind for kind in KINDS if "tf32" not in kind and "compile" not in kind]
    report: dict[str, object] = {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "device": str(place),
        "batch": batch,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder, pictures)
        speeds = {}
        for seed in (1, 2):  # two of them, for the noise between seeds
            speeds[f"plain loop, seed {seed}"] = run(
                plain_step(folder, batch, seed, place), iterations, place
            )
        for kind in kinds:
            speeds[kind] = run(protoface_step(folder, batch, place, kind), iterations, place)
        report["training"] = speeds
        report["agreement"] = agreement(folder, place, first)
    for kind, result in speeds.items():
        click.echo(
            f"{kind:52} {result['iterations_per_s']:9.1f} iterations/s, 200,000 in "
            f"{result['minutes_for_200000']:.2f} minutes, last loss {result['last_loss']}"
        )
    write_text(json_file, json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
