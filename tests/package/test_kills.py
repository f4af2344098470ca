"""Jobs killed at random moments, on disks with room and without: nothing is torn, nothing is lost."""

from __future__ import annotations

import fnmatch
import json
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np
import onnx
import pytest
import torch

from protoface.cascade.pictures import read_picture
from protoface.converters import build_graph, read_net, read_weights, write_weights
from protoface.converters.fillers import fill_graph
from protoface.converters.weights import with_arrays
from protoface.prototxt import generate
from protoface.trainers.solver.snapshot import read_state

from ..constant_cascade import CASCADE, FIRST, NET, SECOND, constant_weights
from ..full_disk import make_room, small_disk
from ..trainers.recipe.recipe_run import write_recipe
from ..trainers.sets.celeba_folder import constant_level_1, write_set
from ..trainers.solver.small_run import write_run
from .ready_processes import Processes

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
ROOM = 100_000  # kilobytes, enough for each job
#: Files in the place of an output that only the next run needs, and removes or goes on with.
PASSING = ("*.lock", "*.part", ".*@*-*", ".unfinished-*", "journal.jsonl", "*.snapshot.pt")


@dataclass(frozen=True)
class Job:
    """A command line that writes into out/, made by `command` from what is there already.

    `prepare` writes its inputs into a folder; `kilobytes` is a disk that is too small for it; `passing`
    are files that differ from run to run or stay from the killed ones.
    """

    prepare: Callable[[Path], object]
    command: Callable[[Path], list[str]]
    kilobytes: int
    passing: tuple[str, ...] = ()


def training(folder: Path) -> None:
    write_run(folder)
    solver = (folder / "solver.prototxt").read_text()
    solver = solver.replace("max_iter: 30", "max_iter: 150").replace("snapshot: 5", "snapshot: 20")
    (folder / "solver.prototxt").write_text(solver)


def train(folder: Path) -> list[str]:
    states = (folder / "out").glob("net_iter_*.solverstate")
    newest = max(states, key=lambda path: int(path.stem.rpartition("_")[2]), default=None)
    resume = [] if newest is None else ["--snapshot", f"out/{newest.name}"]
    return ["train", "--solver", "solver.prototxt", *resume]


def faces(folder: Path) -> None:
    write_set(folder / "set", 200, 48)
    constant_level_1(folder / "level_1.caffemodel", FIRST.ravel())


def prepare(folder: Path) -> list[str]:
    return ["prepare", "--data", "set", "--out", "out", "--workers", "2"]


def crop(folder: Path) -> list[str]:
    words = ["crop", "--data", "set", "--out", "out", "--workers", "2", "--drop", "0.9"]
    return [*words, "--model", "original", "--weights", "level_1.caffemodel"]


def net(folder: Path) -> None:
    (folder / "out").mkdir()
    text = generate.deploy_file("level_1", generate.Size())["deploy.prototxt"]
    (folder / "net.prototxt").write_text(text)
    graph = build_graph(read_net(folder / "net.prototxt"), "net")
    weights = with_arrays(read_net(folder / "net.prototxt"), graph, fill_graph(graph, 0))
    write_weights(folder / "net.caffemodel", weights)


def convert(suffix: str) -> Callable[[Path], list[str]]:
    return lambda folder: ["convert", "net.prototxt", "net.caffemodel", "--out", f"out/net{suffix}"]


def cascade(folder: Path) -> None:
    (folder / "net.prototxt").write_text(NET)
    (folder / "cascade.prototxt").write_text(CASCADE)
    constant_weights(folder / "one.caffemodel", FIRST)
    constant_weights(folder / "two.caffemodel", SECOND)
    (folder / "pictures").mkdir()
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (60, 160, 240, 3), np.uint8)
    for index, picture in enumerate(noise):
        cv2.imwrite(str(folder / "pictures" / f"{index}.png"), picture)
    code = cv2.VideoWriter_fourcc(*"MJPG")
    video = cv2.VideoWriter(str(folder / "film.avi"), code, 25, (240, 160))
    for _ in range(2):
        for picture in noise:
            video.write(picture)
    video.release()


OUTPUTS = ["--out", "out/drawn", "--json", "out/points.jsonl", "--csv", "out/points.csv"]
MODEL = ["--model", "cascade.prototxt", "--backend", "opencv"]


def detect(folder: Path) -> list[str]:
    return ["detect", "pictures", *OUTPUTS, *MODEL, "--resume"]


def detect_video(folder: Path) -> list[str]:
    return ["detect", "film.avi", *OUTPUTS, *MODEL]


def recipe(folder: Path) -> list[str]:
    return ["recipe", "recipe.prototxt", "--out", "out", "--threads", "1"]


JOBS = {
    "train": Job(training, train, 40, ("*tfevents*", "net_iter_*")),
    "prepare": Job(faces, prepare, 300),
    "crop": Job(faces, crop, 300),
    "convert to .h5": Job(net, convert(".caffemodel.h5"), 200),
    "convert to .onnx": Job(net, convert(".onnx"), 200),
    "convert to .pt": Job(net, convert(".pt"), 200),
    "detect": Job(cascade, detect, 600),
    "detect a video": Job(cascade, detect_video, 200),
    "recipe": Job(write_recipe, recipe, 50),
}
#: How often each is killed on a disk with room and on a full one: 50 in all.
KILLS = {
    "train": (5, 3),
    "prepare": (5, 2),
    "crop": (3, 2),
    "convert to .h5": (3, 1),
    "convert to .onnx": (3, 1),
    "convert to .pt": (2, 1),
    "detect": (5, 2),
    "detect a video": (4, 1),
    "recipe": (5, 2),
}


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("kills")) as started:
        yield started


def passing(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)


def content(folder: Path, job: Job) -> dict[str, bytes]:
    """What a job leaves, without what may differ; weights alone of a .pt, which holds its own name."""
    files = (path for path in (folder / "out").rglob("*") if path.is_file())
    skipped = (*job.passing, "journal.jsonl")
    return {
        str(path.relative_to(folder)): read_weights(path).SerializeToString()
        if path.suffix == ".pt"
        else path.read_bytes()
        for path in files
        if not passing(path, skipped)
    }


def frames(path: Path) -> None:
    assert cv2.VideoCapture(str(path)).read()[0]


def whole_lines(path: Path) -> None:
    text = path.read_text()
    assert text.endswith("\n") or not text


def table(path: Path) -> None:
    whole_lines(path)
    assert len({line.count(",") for line in path.read_text().splitlines()}) <= 1


READERS: dict[str, Callable[[Path], object]] = {
    ".caffemodel": read_weights,
    ".solverstate": read_state,
    ".h5": lambda path: h5py.File(path).close(),
    ".onnx": lambda path: onnx.checker.check_model(onnx.load(path)),
    ".pt": lambda path: torch.load(path, weights_only=True),
    ".png": read_picture,
    ".jpg": read_picture,
    ".avi": frames,
    ".mp4": frames,
    ".csv": table,
    ".txt": whole_lines,
    ".prototxt": whole_lines,
    ".jsonl": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
}


def check_nothing_is_torn(folder: Path) -> None:
    """Every file with a name of its own is whole."""
    for path in (folder / "out").rglob("*"):
        if path.is_file() and not passing(path, (*PASSING, "*tfevents*")):
            READERS[path.suffix](path)


def check_end(status: int, number: int, said: str, full: bool) -> bool:
    """Whether a process was killed; it has ended as is usual, and said so in a line."""
    lines = said.splitlines()
    assert "Traceback" not in said, said
    if status == 0:
        return False
    if full and status == 2:
        errors = [line for line in lines if line.startswith("protoface: ") and "cannot be" in line]
        assert len(errors) == 1, said
        assert "No space left on device" in errors[0]
        return False
    # before the command has begun a signal has its usual effect
    assert status in (-number, 128 + number), said
    if status == 128 + number and lines:
        assert lines[-1] == "protoface: interrupted", said
    return True


@pytest.mark.slow
@pytest.mark.parametrize("full", [False, True], ids=["room", "full disk"])
@pytest.mark.parametrize("name", JOBS)
def test_killed_at_random_moments(
    name: str, full: bool, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, dice = JOBS[name], random.Random(f"{name} {full}")
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / "whole", tmp_path / "killed"):
        folder.mkdir()
        job.prepare(folder)
    processes.folder = tmp_path / "whole"
    begun = time.monotonic()
    assert processes.run(job.command(processes.folder)) == 0, processes.said.read_text()
    took = time.monotonic() - begun
    whole = content(processes.folder, job)
    folder = processes.folder = tmp_path / "killed"
    with small_disk(folder / "out", job.kilobytes) if full else nullcontext():
        kills = runs = since = 0
        while kills < KILLS[name][full]:
            number, begun = SIGNALS[kills % 3], time.monotonic()
            status = processes.run(job.command(folder), number, dice.uniform(0, took / (1 + since)))
            check_nothing_is_torn(folder)
            killed = check_end(status, number, processes.said.read_text(), full)
            kills, runs, since = kills + killed, runs + 1, since + killed
            assert runs < 100
            if status == 0:  # too late
                assert not full
                assert content(folder, job) == whole
                shutil.rmtree(folder / "out")
                (folder / "out").mkdir()
                since, took = 0, min(took, time.monotonic() - begun)
        if full:
            make_room(folder / "out", ROOM)
        assert processes.run(job.command(folder)) == 0, processes.said.read_text()
        check_nothing_is_torn(folder)
        assert content(folder, job) == whole
        assert not [path for path in (folder / "out").rglob(".*") if path.is_file()]


def test_fifty_moments() -> None:
    assert set(KILLS) == set(JOBS)
    assert sum(map(sum, KILLS.values())) == 50
