"""The original experiment on CelebA, with its nets, solvers, sizes and thresholds.

    protoface reproduce --celeba DIR --device cuda

The original evaluated iteration 100,000 of both levels, so training ends there. `shorten` scales every
number of iterations, for smaller sets or less time.
"""

from __future__ import annotations

from pathlib import Path

from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike
from protoface.converters.locking import LOCK, alone

from ..defaults import DROP
from .experiment import Outcome, Plan, Say, Schedule, run

EVALUATED = 100_000  # the snapshot that the published figures are of
STEP = 80_000  # the rate falls to a tenth there, and again at 100,000, where training has ended


def reproduce(
    celeba: PathLike,
    out: PathLike,
    device: str = "cpu",
    shorten: float = 1.0,
    drop: float = DROP,
    seed: int = 0,
    say: Say = print,
) -> Outcome:
    """Train and measure the original's cascade on a folder in CelebA's layout.

    `device` is cpu or cuda. `shorten` (0 to 1) scales the schedule. Goes on where it was stopped in
    `out`. Raises ProtofaceError, also if another process works there; Interrupted after SIGINT or
    SIGTERM.
    """
    if not 0 < shorten <= 1:
        raise ProtofaceError(f"shorten is {shorten}, it must be above 0 and at most 1")
    schedule = original(shorten)
    plan = Plan(
        data=Path(celeba).as_posix(), out=Path(out).as_posix(), schedules=(schedule, schedule),
        mode="faithful", drop=drop, seed=seed, device=device,
    )  # fmt: skip
    with alone(Path(out) / LOCK):
        return run(plan, say)


def original(shorten: float = 1.0) -> Schedule:
    """The original's schedule up to its evaluated snapshot; its two GPUs' batches come in turn."""
    iterations = max(5, round(EVALUATED * shorten))
    step = round(iterations * STEP / EVALUATED)
    return Schedule(iterations, 128, 0.001, "multistep", (step, iterations), iter_size=2)
