"""The level-1 net and its training as one would write them in plain PyTorch: the yardstick of speed.

`python tests/trainers/solver/plain_loop.py plain|channels_last|protoface` prints pictures per second of
training with batches of 64 on one CPU thread, the median over ITERATIONS. The clock is that of the
thread, which stands still while other work has the core.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from protoface.trainers.solver.solver_file import Solver

ROOT = Path(__file__).parents[3]
BATCH, PICTURES, WARM_UP, ITERATIONS = 64, 256, 5, 25
# channels in, expanded, out, stride
BLOCKS = [
    (16, 96, 24, 2),
    (24, 144, 24, 1),
    (24, 144, 32, 2),
    (32, 192, 32, 1),
    (32, 192, 64, 2),
    (64, 192, 64, 1),
]


class Block(nn.Module):
    """One inverted residual."""

    def __init__(self, inside: int, expanded: int, out: int, stride: int) -> None:
        super().__init__()
        self.shortcut = stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(inside, expanded, 1, bias=False),
            nn.BatchNorm2d(expanded),
            nn.ReLU(),
            nn.Conv2d(expanded, expanded, 3, stride, 1, groups=expanded, bias=False),
            nn.BatchNorm2d(expanded),
            nn.ReLU(),
            nn.Conv2d(expanded, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.shortcut else self.layers(x)


def plain_net() -> nn.Module:
    stem = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    head = [nn.Flatten(), nn.Linear(576, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 10)]
    return nn.Sequential(*stem, *(Block(*row) for row in BLOCKS), *head)


def plain_step(memory_format: torch.memory_format) -> Callable[[], float]:
    generator = np.random.default_rng(0)
    pictures = torch.from_numpy(generator.integers(0, 256, (PICTURES, 3, 48, 48), np.uint8))
    labels = torch.from_numpy(generator.uniform(-1, 1, (PICTURES, 10)).astype(np.float32))
    net = plain_net().to(memory_format=memory_format).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001, weight_decay=0.0004)

    def step() -> float:
        rows = torch.randint(PICTURES, (BATCH,))
        x = (pictures[rows].float() - 127.5).contiguous(memory_format=memory_format)
        optimizer.zero_grad()
        loss = 100 * F.mse_loss(net(x), labels[rows], reduction="sum") / (2 * BATCH)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def listed_solver(folder: Path, batch: int) -> Solver:
    """Level 1's solver, its net inside, on the pictures of `folder` and its list.txt."""
    from protoface.converters import read_net
    from protoface.trainers.solver.solver_file import read_solver

    solver = read_solver(ROOT / "prototxt" / "level_1" / "solver.prototxt")
    solver.ClearField("net")
    solver.ClearField("test_iter")
    solver.net_param.CopyFrom(read_net(ROOT / "prototxt" / "level_1" / "train_val.prototxt"))
    for layer in solver.net_param.layer:
        if layer.type == "ImageData":
            layer.image_data_param.batch_size = batch
            layer.image_data_param.source = str(folder / "list.txt")
            layer.image_data_param.root_folder = f"{folder}/"
    return solver


def protoface_step(folder: Path) -> Callable[[], float]:
    """The same run by its prototxt files, pictures read from a list."""
    from protoface.trainers.net.memory import keep_freed_memory
    from protoface.trainers.solver.solver_trainer import Trainer

    generator = np.random.default_rng(0)
    lines = []
    for index in range(PICTURES):
        cv2.imwrite(str(folder / f"{index}.png"), generator.integers(0, 256, (48, 48, 3), np.uint8))
        lines.append(f"{index}.png {' '.join(f'{x:.4f}' for x in generator.uniform(-1, 1, 10))}\n")
    (folder / "list.txt").write_text("".join(lines))
    keep_freed_memory()
    trainer = Trainer(listed_solver(folder, BATCH), "level_1", 1, torch.device("cpu"))
    return lambda: trainer.step().item()


def speed(step: Callable[[], float]) -> float:
    """Pictures per second."""
    times = []
    for _ in range(WARM_UP + ITERATIONS):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return BATCH / statistics.median(times[WARM_UP:])


def main(kind: str) -> None:
    torch.set_num_threads(1)
    if kind == "protoface":
        with tempfile.TemporaryDirectory() as folder:
            print(speed(protoface_step(Path(folder))))
    else:
        channels_last = kind == "channels_last"
        memory = torch.channels_last if channels_last else torch.contiguous_format
        print(speed(plain_step(memory)))


if __name__ == "__main__":
    main(sys.argv[1])
