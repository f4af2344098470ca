"""The command as a process: signals from its first moment, pipes, and libraries that talk."""

import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

COMMAND = [sys.executable, "-m", "protoface"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_leaves_no_traceback(number):
    """Python itself takes some 20 ms, in which nothing can be done about it."""
    for wait in np.linspace(0.05, 0.4, 8):
        process = subprocess.Popen([*COMMAND, "train", "--help"], stdout=-3, stderr=subprocess.PIPE)
        time.sleep(wait)
        process.send_signal(number)
        error = process.communicate()[1].decode()
        assert process.returncode in (0, 128 + number, -number)
        assert "Traceback" not in error


def test_a_closed_pipe_is_no_error():
    """As of `protoface --help | head -1`."""
    source, sink = os.pipe()
    os.close(source)
    done = subprocess.run([*COMMAND, "--help"], stdout=sink, stderr=subprocess.PIPE, text=True)
    os.close(sink)
    assert (done.returncode, done.stderr) == (1, "")


def test_alone_it_prints_its_help():
    alone, asked = (
        subprocess.run([*COMMAND, *more], capture_output=True, text=True) for more in ([], ["--help"])
    )
    assert alone.stdout == asked.stdout
    assert len(alone.stdout.splitlines()) > 20
    assert (alone.returncode, alone.stderr) == (0, "")


def test_what_libraries_write_comes_with_debug_only(tmp_path):
    """Such as libpng's warnings of a picture that is good all the same."""
    image = np.full((60, 60, 3), 99, np.uint8)
    png = bytearray(cv2.imencode(".png", image)[1].tobytes())
    text = b"bKGD" + bytes(1)  # a chunk too short: libpng warns and goes on
    png[33:33] = (1).to_bytes(4, "big") + text + __import__("zlib").crc32(text).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(png)
    quiet, loud = (
        subprocess.run(
            [*COMMAND, "detect", tmp_path / "a.png", *more],
            capture_output=True,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        )
        for more in ([], ["--debug"])
    )
    assert quiet.returncode == loud.returncode == 0
    assert "libpng" not in quiet.stderr
    assert "libpng" in loud.stderr


def test_a_name_that_is_not_utf8_is_shown():
    done = subprocess.run([*COMMAND, "detect", b"caf\xe9.jpg"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "protoface: caf\\xe9.jpg: No such file or directory\n"
