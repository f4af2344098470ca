"""One process at a time."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from protoface.converters.errors import ProtofaceError
from protoface.converters.locking import LOCK, alone

HOLD = """
import sys
from protoface.converters.locking import alone
with alone(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "sub" / LOCK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_told_who_was_first(holder, tmp_path):
    path = tmp_path / "sub" / LOCK
    message = rf"{LOCK}: process {holder.pid} on {re.escape(socket.gethostname())} works here; wait"
    with pytest.raises(ProtofaceError, match=message), alone(path):
        pytest.fail("must not come here")
    holder.communicate()
    with alone(path):
        assert str(os.getpid()) in path.read_text()
    assert list(path.parent.iterdir()) == []


def test_a_killed_ones_lock_is_taken_over_and_said(holder, tmp_path, caplog):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with alone(tmp_path / "sub" / LOCK):
        assert f"taken over from process {holder.pid} on " in caplog.text
    assert list((tmp_path / "sub").iterdir()) == []


def test_an_error_frees_the_lock(tmp_path):
    with pytest.raises(KeyboardInterrupt), alone(tmp_path / LOCK):
        raise KeyboardInterrupt
    with alone(tmp_path / LOCK):
        pass


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ProtofaceError, match="file/x: cannot be written: "),
        alone(tmp_path / "file" / "x"),
    ):
        pass
