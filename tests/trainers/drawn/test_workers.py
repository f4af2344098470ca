"""Processes that draw: silent at Ctrl-C, and gone with the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from protoface.converters import ProtofaceError
from protoface.trainers.drawn.workers import drawing


def test_they_work(tmp_path: Path) -> None:
    with drawing(2, False) as pool:
        numbers = {pool.submit(os.getpid).result() for _ in range(4)}
        assert os.getpid() not in numbers
        assert list(pool.map(abs, [-1, -2])) == [1, 2]


def kill_self(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_is_killed_is_named(number: int) -> None:
    with pytest.raises(ProtofaceError, match=r"was killed.*fewer --workers"), drawing(2, False) as pool:
        pool.submit(kill_self, number).result()


def test_a_job_that_was_told_to_stop_ends(tmp_path: Path) -> None:
    """A scheduler's signal reaches all processes."""
    with drawing(1, True) as pool:
        pool.submit(kill_self, signal.SIGTERM).result()
        pytest.fail("the worker lives")


def test_ctrl_c_does_not_disturb_them() -> None:
    with drawing(1, False) as pool:
        worker = pool.submit(os.getpid).result()
        os.kill(worker, signal.SIGINT)
        time.sleep(0.1)
        assert pool.submit(os.getpid).result() == worker
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.SIGINT not in blocked


OWNER = """
import os, time
from protoface.trainers.drawn.workers import drawing
if __name__ == "__main__":
    with drawing(1, False) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(100)
"""


@pytest.mark.slow
def test_they_end_with_a_killed_owner(tmp_path: Path) -> None:
    (tmp_path / "owner.py").write_text(OWNER)
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "owner.py")], stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        worker = int(owner.stdout.readline())
        owner.kill()
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists():
            return
        time.sleep(0.1)
    pytest.fail("the worker lives on")
