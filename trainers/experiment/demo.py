"""The whole experiment on drawn faces: no download, no GPU, minutes.

    protoface demo

Expected on two cores: under four minutes; on held-out faces level 1 below 4 % and the cascade below 2 %
of the picture's diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from protoface.cascade.layouts import DEFAULT
from protoface.converters.files import PathLike
from protoface.converters.locking import LOCK, alone

from ..drawn.folders import finished, write_faces
from .experiment import Outcome, Plan, Say, Schedule, claim, run

FACES = 8000
VIEWS = 2  # pictures of each for training: a view costs a fifth of a face
#: The rate falls linearly to 0 and nothing is dropped out: so short a training is far from overfitting.
#: BatchNorm forgets ten times as fast as Caffe's does, or its last statistics would be those of weights
#: long gone. Level 2 begins with what level 1 has learnt, which saves it half of the steps.
LEVEL_1 = Schedule(
    iterations=2300, batch=32, base_lr=0.004, lr_policy="poly", dropout=0, remembered=0.99
)
LEVEL_2 = replace(LEVEL_1, iterations=900, warm=True)


@dataclass(frozen=True)
class Limits:
    """What a demo must reach on held-out faces, fractions of the picture's diagonal."""

    level_1: float = 0.04
    cascade: float = 0.02


def demo(out: PathLike, faces: int = FACES, seed: int = 0, say: Say = print) -> Outcome:
    """Draw `faces`, train both levels, convert, measure. Run again, it resumes in `out`.

    Raises ProtofaceError, also if another process works there; Interrupted after SIGINT or SIGTERM.
    """
    data = Path(out) / "faces"
    plan = Plan(
        data=data.as_posix(), out=Path(out).as_posix(), schedules=(LEVEL_1, LEVEL_2), mode="clean",
        drop=0.10, seed=seed, device="cpu", faces=faces,
    )  # fmt: skip
    with alone(Path(out) / LOCK):
        claim(plan)
        say(f"$ protoface synthesize --out {data} --count {faces} --views {VIEWS} --seed {seed}")
        if finished(data, DEFAULT):
            say(f"  {data} is there already")
        else:
            write_faces(data, faces, seed, views=VIEWS)
        return run(plan, say)


def failures(outcome: Outcome, limits: Limits | None = None) -> list[str]:
    """Limits that a demo missed, a line each."""
    first, both = (outcome.error("image_diagonal", level) for level in (0, 1))
    return missed(first, both, outcome.agree, limits or Limits())


def missed(first: float, both: float, agree: bool, limits: Limits) -> list[str]:
    """`failures` of given errors of level 1 and the cascade; one that is no number is missed, too."""
    checks = {
        f"level 1: {100 * first:.2f} %, more than {100 * limits.level_1:g} %": first <= limits.level_1,
        f"cascade: {100 * both:.2f} %, more than {100 * limits.cascade:g} %": both <= limits.cascade,
        "level 2 is no better than level 1": both < first,
        "a converted file differs from the trained net": agree,
    }
    return [text for text, passed in checks.items() if not passed]
