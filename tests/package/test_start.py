"""The command as a process: signals from its first moment, pipes, and libraries that talk."""

import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

COMMAND = [sys.executable, "-m", "protoface"]


def catches(process: subprocess.Popen[bytes], number: int) -> bool:
    """Whether a process has a handler for a signal; Python by itself has none for SIGTERM."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return True  # it has ended
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_leaves_no_traceback(number):
    """Python itself takes some 20 ms, in which nothing can be done about it."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    for wait in np.linspace(0, 0.4, 8):
        process = subprocess.Popen([*COMMAND, "train", "--help"], **pipes)
        while process.poll() is None and not catches(process, signal.SIGTERM):
            time.sleep(0.002)
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
    png[33:33] = (1).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
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


#: What a detection in one picture does without, and so whoever starts one need not wait for.
HEAVY = {
    "concurrent.futures.thread", "email", "filelock", "h5py", "importlib.metadata", "jinja2",
    "matplotlib", "onnx", "openvino", "tensorboard", "torch", "tqdm", "zipfile",
}  # fmt: skip
#: Caffe's side, which the ONNX files of a packed model replace.
CAFFE = [f"protoface.converters.{name}" for name in ("caffe_pb2", "graph", "layers", "weights")]
SHOWN = "\nimport sys; print(*sys.modules)"
#: Seconds of processor time, user and system, on a core of an Intel Xeon.
LIMITS = {"detect": 0.36, "--help": 0.25}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "one.jpg"), noise)
    return tmp_path / "one.jpg"


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code + SHOWN], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "from protoface.cli import protoface, run; assert run(protoface, ['detect', {0!r}]) == 0",
        "import protoface; protoface.load('fast')",
        "import cv2, protoface; protoface.load('fast').detect(cv2.imread({0!r}))",
        "import protoface; protoface.load('accurate', backend='onnxruntime')",
    ],
)
def test_a_detection_imports_what_it_needs(code, picture):
    pytest.importorskip("onnxruntime")
    found = modules_after(code.format(str(picture)))
    assert {"numpy", "cv2", "onnxruntime", "protoface.cascade.nets"} <= found
    # what onnxruntime itself brings, in this version
    own = modules_after("import onnxruntime, cv2, click, google.protobuf.text_format")
    assert {*HEAVY, *CAFFE} & (found - own) == set()


@pytest.mark.slow
def test_caffe_files_import_what_reads_them():
    """So the test above can fail."""
    found = modules_after("import protoface; protoface.load('fast', backend='torch')")
    assert {"torch", *CAFFE} <= found


def test_a_bar_needs_a_terminal(picture):
    """tqdm is imported where somebody sees it: several pictures, and a terminal."""
    pty = pytest.importorskip("pty")
    (picture.parent / "two.jpg").write_bytes(picture.read_bytes())
    code = (
        "from protoface.cli import protoface, run; "
        f"assert run(protoface, ['detect', {str(picture.parent)!r}]) == 0"
    )
    assert "tqdm" not in modules_after(code)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code + SHOWN]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    os.close(theirs)
    os.close(ours)
    assert "tqdm" in done.stdout.splitlines()[-1].split()


def test_garbage_is_collected_while_a_verb_runs(picture):
    """Not before, when all that is imported stays (`start.py`)."""
    code = (
        "import gc, sys, protoface.start; from protoface.cascade.commands import detect\n"
        "seen = []\n"
        "detect.load, own = lambda *given: (seen.append(gc.isenabled()), own(*given))[1], detect.load\n"
        f"sys.argv = ['protoface', 'detect', {str(picture)!r}]\n"
        "try: protoface.start.main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        "assert seen == [True]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def cpu_seconds(words: list[str], cache: Path) -> float:
    """User and system time of the command on one core, with Python's files compiled as installed."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*COMMAND, *words], env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.benchmark
def test_it_starts_quickly(picture, tmp_path, record_property):
    """The best of five, in turn: other work makes each take longer, and none shorter."""
    pytest.importorskip("onnxruntime")
    jobs = {"detect": ["detect", str(picture)], "--help": ["--help"]}
    rounds = [
        {job: cpu_seconds(words, tmp_path / "compiled") for job, words in jobs.items()}
        for _ in range(6)
    ][1:]  # the first one compiles
    for job, limit in LIMITS.items():
        best = min(seconds[job] for seconds in rounds)
        record_property(job, best)
        print(f"{job}: {best:.3f} s of processor time, limit {limit} s")
        assert best <= limit
