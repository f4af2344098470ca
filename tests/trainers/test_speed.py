"""Training on one CPU thread against a plain PyTorch loop of the same run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "plain_loop.py"


def pictures_per_second(kind: str) -> float:
    done = subprocess.run([sys.executable, str(SCRIPT), kind], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.slow
def test_at_least_2_2_times_a_plain_loop() -> None:
    """Each in a process of its own, by turns; the best of each, as other work only slows down."""
    speeds: dict[str, list[float]] = {"plain": [], "protoface": []}
    for _ in range(3):
        for kind, found in speeds.items():
            found.append(pictures_per_second(kind))
    assert max(speeds["protoface"]) >= 2.2 * max(speeds["plain"]), speeds
