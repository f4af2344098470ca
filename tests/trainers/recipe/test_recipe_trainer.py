"""Recipes at work: a whole cascade, the same from the same seed, also after it was stopped."""

from __future__ import annotations

import csv
import os
import re
import signal
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade import load
from protoface.cascade.metrics import point_errors
from protoface.converters import ProtofaceError
from protoface.converters.locking import LOCK, alone
from protoface.converters.stopping import Interrupted, handled, interrupt
from protoface.converters.weights import read_weights
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.evaluation import evaluate
from protoface.eval.finders import cascade_finder
from protoface.prototxt import generate
from protoface.trainers.recipe import recipe_trainer as trainer
from protoface.trainers.recipe.recipe_trainer import train_recipe
from protoface.trainers.recipe.sampler import Batch
from protoface.trainers.recipe.stage_trainer import StageTrainer

from ...full_disk import limited
from ..solver.small_run import edit
from .recipe_run import PREPROCESS, SHAPE, write_recipe

FILES = ("caffemodel", "csv", "onnx", "prototxt")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    write_recipe(folder)
    return folder


@pytest.fixture
def recipe(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory with a recipe that may be edited, its pictures shared by all tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("net.prototxt", "cascade.prototxt", "recipe.prototxt"):
        (tmp_path / name).write_text((data / name).read_text())
    (tmp_path / "faces").symlink_to(data / "faces")
    return tmp_path / "recipe.prototxt"


def silent(line: str) -> None:
    pass


def weights(folder: str) -> list[bytes]:
    return [(Path(folder) / f"level_{n}.caffemodel").read_bytes() for n in (1, 2)]


def test_a_recipe_makes_a_cascade_that_works(recipe: Path) -> None:
    lines: list[str] = []
    done = train_recipe(recipe, "out", report=lines.append)
    for name in ("level_1", "level_2"):
        assert all((done.folder / f"{name}.{suffix}").is_file() for suffix in FILES)
    assert not list(done.folder.glob("*.pt"))
    image = cv2.imread("faces/images/000000.jpg")
    (face,) = load(done.folder).detect(image)
    assert len(face.stages) == 2
    # the figures are those of `protoface eval`
    assert done.measured is not None
    expected = evaluate(cascade_finder(load(done.folder)), read_dataset("faces", "val"))
    for level in (0, 1):
        summary, ours = (
            expected.summary("inter_ocular", level),
            done.measured.summary("inter_ocular", level),
        )
        assert summary is not None
        assert ours is not None
        assert ours.mean == pytest.approx(summary.mean, rel=1e-4)
        assert f"mean {100 * ours.mean:.2f}" in lines[level - 2]
    with (done.folder / "level_2.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert int(rows[-1]["iteration"]) == 18  # 6 epochs of 24 faces in batches of 8
    assert float(rows[-1]["validation"]) == pytest.approx(
        done.measured.errors("inter_ocular", 1).mean(), rel=1e-4
    )


def test_the_seed_decides(recipe: Path) -> None:
    edit(str(recipe), "epochs: 8", "epochs: 1")
    for out, seed in (("a", None), ("b", 0), ("c", 1)):
        train_recipe(recipe, out, seed, report=silent)
    assert weights("a") == weights("b")
    assert all(one != other for one, other in zip(weights("a"), weights("c"), strict=True))
    assert "seed: 1" in (Path("c") / "recipe.prototxt").read_text()


class StoppedError(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["level_1: iteration 15", "level_2: iteration 10"])
def test_a_stopped_recipe_goes_on_bit_for_bit(
    recipe: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    monkeypatch.setattr(trainer, "SNAPSHOT_SECONDS", 0)
    train_recipe(recipe, "whole", report=silent)

    def stopping(line: str) -> None:
        if line.startswith(stop):
            raise StoppedError

    with pytest.raises(StoppedError):
        train_recipe(recipe, "stopped", report=stopping)
    lines: list[str] = []
    train_recipe(recipe, "stopped", report=lines.append)
    assert any("resuming from" in line for line in lines)
    assert weights("stopped") == weights("whole")
    for name in ("level_1", "level_2"):
        assert Path(f"stopped/{name}.csv").read_text() == Path(f"whole/{name}.csv").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "stop", ["level_1: 24 faces", "level_1: iteration 20", "level_2: iteration 10"]
)
def test_a_signal_ends_a_recipe_with_a_snapshot(recipe: Path, stop: str, number: int) -> None:
    """At any iteration, also where no row of the log ends; it goes on bit for bit."""
    edit(str(recipe), "epochs: 8", "epochs: 20")  # 60 iterations, a row for two
    train_recipe(recipe, "whole", report=silent)
    lines: list[str] = []

    def stopping(line: str) -> None:
        lines.append(line)
        if line.startswith(stop):
            os.kill(os.getpid(), number)

    outside = stop.endswith("faces")  # of the loop, where nothing needs to be written
    with handled(interrupt) if outside else nullcontext(), pytest.raises(Interrupted) as ended:
        train_recipe(recipe, "stopped", report=stopping)
    assert ended.value.signum == number
    if not outside:
        assert re.fullmatch(
            r"level_.: stopped after .* with stopped/.*; run again to resume", lines[-1]
        )
    train_recipe(recipe, "stopped", report=lines.append)
    assert any("resuming from" in line for line in lines) == (not outside)
    assert weights("stopped") == weights("whole")
    for name in ("level_1", "level_2"):
        assert Path(f"stopped/{name}.csv").read_text() == Path(f"whole/{name}.csv").read_text()
    assert not list(Path("stopped").glob("*.pt"))


@pytest.mark.slow
def test_a_signal_between_two_rows(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The losses since the last row are in the snapshot."""
    edit(str(recipe), "epochs: 8", "epochs: 60")  # 180 iterations, a row for five
    train_recipe(recipe, "whole", report=silent)
    step = StageTrainer.step

    def stopping(self: StageTrainer, batch: Batch) -> torch.Tensor:
        if self.iteration == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(StageTrainer, "step", stopping)
        with pytest.raises(Interrupted):
            train_recipe(recipe, "stopped", report=silent)
    lines: list[str] = []
    train_recipe(recipe, "stopped", report=lines.append)
    assert any(line.endswith("snapshot.pt, iteration 8") for line in lines)
    assert weights("stopped") == weights("whole")
    assert Path("stopped/level_1.csv").read_text() == Path("whole/level_1.csv").read_text()


def test_a_second_recipe_in_a_folder_is_refused(recipe: Path) -> None:
    with (
        alone(Path("out") / LOCK),
        pytest.raises(ProtofaceError, match=rf"process {os.getpid()} on .* works here"),
    ):
        train_recipe(recipe, "out", report=silent)
    assert not list(Path("out").iterdir())


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_recipe_goes_on_after(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(str(recipe), "epochs: 8", "epochs: 1")
    monkeypatch.setattr(trainer, "SNAPSHOT_SECONDS", 0)
    train_recipe(recipe, "whole", report=silent)
    before = 0
    for size in (300, 3000, 40_000):
        with limited(size), pytest.raises(ProtofaceError, match=r"out/.* cannot be written: File too"):
            train_recipe(recipe, "out", report=silent)
        files = {path.name for path in Path("out").iterdir()}
        assert not any(name.startswith(".") for name in files)
        assert len(files) >= before
        before = len(files)
    train_recipe(recipe, "out", report=silent)
    assert weights("out") == weights("whole")
    assert Path("out/level_1.csv").read_text() == Path("whole/level_1.csv").read_text()


def test_a_snapshot_that_a_killed_run_left_beside_the_weights_is_removed(recipe: Path) -> None:
    edit(str(recipe), "epochs: 8", "epochs: 1")
    train_recipe(recipe, "out", report=silent)
    Path("out/level_1.snapshot.pt").write_bytes(b"old")
    train_recipe(recipe, "out", report=silent)
    assert not list(Path("out").glob("*.pt"))


def test_trained_stages_are_left_alone(recipe: Path) -> None:
    edit(str(recipe), "epochs: 8", "epochs: 1")
    train_recipe(recipe, "out", report=silent)
    before = Path("out/level_1.caffemodel").stat().st_mtime_ns
    Path("out/level_2.caffemodel").unlink()
    train_recipe(recipe, "out", report=silent)
    assert Path("out/level_1.caffemodel").stat().st_mtime_ns == before
    assert Path("out/level_2.caffemodel").is_file()


def test_patches_and_drawn_faces(recipe: Path) -> None:
    """A third stage with a window for each point, trained on faces drawn for the recipe."""
    net = Path("net.prototxt").read_text()
    Path("patches.prototxt").write_text(net.replace("dim: [1, 3, 16, 16]", "dim: [1, 15, 16, 16]"))
    with open("cascade.prototxt", "a") as file:
        file.write(
            f'stage {{ name: "level_3" net: "patches.prototxt" {PREPROCESS} '
            f"window {{ similarity {{ {SHAPE} patch: 0.5 }} }} }}"
        )
    edit(str(recipe), 'data { folder: "faces" partition: "train" }', "synthetic { count: 12 seed: 3 }")
    done = train_recipe(recipe, "out", threads=1, epochs_factor=0.3, report=silent)
    (face,) = load(done.folder).detect(np.zeros((60, 50, 3), np.uint8))
    assert len(face.stages) == 3
    assert len(list(Path("out/faces/images").iterdir())) == 12
    assert "epochs_factor" in Path("out/recipe.prototxt").read_text()


def test_drawn_faces_for_one_stage_alone(recipe: Path) -> None:
    """Smaller ones than otherwise, and scattered in the pictures."""
    drawn = 'synthetic { count: 12 seed: 3 narrowest: 0.1 stage: "level_1" }'
    edit(str(recipe), "training { batch", f"{drawn} training {{ scatter {{ probability: 0.5 }} batch")
    said: list[str] = []
    train_recipe(recipe, "out", threads=1, epochs_factor=0.3, report=said.append)
    faces = [line.split(",")[0] for line in said if " faces, " in line]
    real = len(read_dataset("faces", "train"))
    assert faces == [f"level_1: {real + 12} faces", f"level_2: {real} faces"]
    boxes = Path("out/faces/list_bbox_celeba.txt").read_text().splitlines()[2:]
    widths = [float(line.split()[3]) for line in boxes]
    assert min(widths) < 0.2 * 256 < max(widths)


def test_stages_of_another_recipe_are_taken_over(recipe: Path) -> None:
    edit(str(recipe), "epochs: 8", "epochs: 1")
    train_recipe(recipe, "first", report=silent)
    edit(str(recipe), "epochs: 6", "epochs: 2")
    edit(str(recipe), 'name: "small"', 'name: "small" start: "first"')
    edit("cascade.prototxt", '"level_2"', '"other"')
    edit(str(recipe), '"level_2"', '"other"')
    train_recipe(recipe, "second", report=silent)
    assert Path("second/level_1.caffemodel").read_bytes() == weights("first")[0]
    assert Path("second/other.caffemodel").is_file()
    edit("net.prototxt", "num_output: 8", "num_output: 9")
    with pytest.raises(ProtofaceError, match=r"first/level_1.prototxt: another net than that of stage"):
        train_recipe(recipe, "third", report=silent)


def test_a_stage_begins_with_given_weights(recipe: Path) -> None:
    """Those of a training before, from which next to no training leads away; level 1 is taken over."""
    train_recipe(recipe, "first", report=silent)
    again = 'name: "level_2" weights: "first/level_2.caffemodel"'
    edit(str(recipe), 'name: "level_2"', again)
    edit(str(recipe), 'name: "small"', 'name: "small" start: "first"')
    edit(str(recipe), "base_lr: 0.01", "base_lr: 1e-9")
    train_recipe(recipe, "second", epochs_factor=0.01, report=silent)
    (level_1, before), (taken, after) = weights("first"), weights("second")
    assert taken == level_1
    assert after != before  # BatchNorm's statistics, if nothing else
    kernels = [
        read_weights(f"{folder}/level_2.caffemodel").layer[1].blobs[0].data
        for folder in ("first", "second")
    ]
    np.testing.assert_allclose(*kernels, atol=1e-6)
    edit(str(recipe), "first/level_2.caffemodel", "first/no.caffemodel")
    with pytest.raises(ProtofaceError, match=r"begins with first/no.caffemodel, which is not there"):
        train_recipe(recipe, "third", report=silent)


def test_another_recipe_is_refused_its_folder(recipe: Path) -> None:
    edit(str(recipe), "epochs: 8", "epochs: 1")
    train_recipe(recipe, "out", report=silent)
    with pytest.raises(
        ProtofaceError, match=r"out/recipe.prototxt: this folder was begun with another"
    ):
        train_recipe(recipe, "out", seed=9, report=silent)
    edit("net.prototxt", "num_output: 8", "num_output: 9")
    with pytest.raises(
        ProtofaceError, match=r"out/level_1.prototxt: this folder was begun with another"
    ):
        train_recipe(recipe, "out", report=silent)


def test_a_loss_that_is_not_finite_stops_the_training(recipe: Path) -> None:
    edit(str(recipe), "base_lr: 0.01", "base_lr: 1e30")
    with pytest.raises(ProtofaceError, match="level_1: the loss is nan before iteration"):
        train_recipe(recipe, "out", report=silent)


def test_a_foreign_snapshot_is_refused(recipe: Path) -> None:
    Path("out").mkdir()
    Path("out/level_1.snapshot.pt").write_bytes(b"no snapshot")
    with pytest.raises(ProtofaceError, match=r"out/level_1.snapshot.pt: no snapshot of this stage"):
        train_recipe(recipe, "out", report=silent)


def test_missing_folders_and_other_points_are_named(recipe: Path) -> None:
    edit(str(recipe), 'folder: "faces" partition: "train"', 'folder: "elsewhere"')
    with pytest.raises(ProtofaceError, match="elsewhere: not a folder"):
        train_recipe(recipe, "out", report=silent)
    edit("cascade.prototxt", 'point { name: "nose" }', 'point { name: "nose" } point { name: "chin" }')
    edit("cascade.prototxt", "shape { x: 0 y: 0.1 }", "shape { x: 0 y: 0.1 } shape { x: 0 y: 1 }")
    with pytest.raises(
        ProtofaceError, match=r"its cascade on faces: .*'celeba5' cannot .* to \(6 points"
    ):
        train_recipe(recipe, "out2", report=silent)


@pytest.mark.slow
def test_a_short_training_finds_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both levels, from 160 drawn faces, with half of the channels of `fast`."""
    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path, 200)
    net = generate.deploy_file("net", generate.Size(24, 0.5, net="small"))["deploy.prototxt"]
    (tmp_path / "net.prototxt").write_text(net)
    edit("cascade.prototxt", "size: 16", "size: 24")
    edit(str(recipe), "batch_size: 8 epochs: 8", "batch_size: 16 epochs: 200")
    edit(str(recipe), "epochs: 6 ", "epochs: 200 ")
    edit(str(recipe), "base_lr: 0.01", "base_lr: 0.004 dropout: 0 ema: 0.98")
    done = train_recipe(recipe, "out", report=silent)
    assert done.measured is not None
    still = done.measured.truth.mean(axis=0)
    lengths = done.measured.lengths("inter_ocular", 0)
    mean_face = (point_errors(still, done.measured.truth).mean(axis=1) / lengths).mean()
    first, second = (done.measured.errors("inter_ocular", level).mean() for level in (0, 1))
    assert first < 0.7 * mean_face
    assert second < 0.93 * first


def test_a_name_that_leads_elsewhere(recipe: Path) -> None:
    for name, message in (
        ("../level_2", "stage number 2: the name .* becomes a file's"),
        ("recipe", "'recipe.prototxt' would be written twice; rename a stage"),
    ):
        text = Path("cascade.prototxt").read_text()
        Path("cascade.prototxt").write_text(text.replace('"level_2"', f'"{name}"'))
        edit(str(recipe), 'name: "level_2"', f'name: "{name}"')
        with pytest.raises(ProtofaceError, match=message):
            train_recipe(recipe, "sub/out", report=silent)
        edit(str(recipe), f'name: "{name}"', 'name: "level_2"')
        Path("cascade.prototxt").write_text(text)
        assert not [path for path in Path("sub").rglob("*") if path.name.startswith("level")]


def test_a_link_that_waits_in_the_folder(recipe: Path) -> None:
    Path("out").mkdir()
    Path("mine").write_text("mine")
    Path("out/level_1.csv").symlink_to(Path("mine").resolve())
    with pytest.raises(ProtofaceError, match=r"level_1.csv leads out of the folder that is written"):
        train_recipe(recipe, "out", report=silent)
    assert Path("mine").read_text() == "mine"
