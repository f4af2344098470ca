"""A finder in training: it learns, the same from the same seed, also after it was stopped; mistakes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from protoface.cascade import load
from protoface.converters import ProtofaceError
from protoface.trainers.recipe import recipe_trainer as trainer
from protoface.trainers.recipe.recipe_trainer import train_recipe

from ..solver.small_run import edit
from .finder_run import counted, write_faces, write_finder

NAMES = [f"WIDER_train/images/0--Event/{number:03d}.png" for number in range(24)]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory with a recipe that may be edited."""
    monkeypatch.chdir(tmp_path)
    return write_finder(tmp_path)


def silent(line: str) -> None:
    pass


@pytest.mark.slow
def test_it_learns_to_find_heads(recipe: Path) -> None:
    """Those of pictures that it has not seen, by the cascade as it is used."""
    lines: list[str] = []
    done = train_recipe(recipe, "out", report=lines.append)
    found, alarms = counted(load(done.folder))
    assert found >= 13  # of 15
    assert alarms <= 2
    assert "AP of faces from 12 pixels" in lines[-1]
    rows = list(csv.DictReader((done.folder / "finder.csv").read_text().splitlines()))
    assert float(rows[-1]["validation"]) > 0.9
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])


@pytest.mark.slow
def test_a_stopped_training_goes_on_bit_for_bit(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(str(recipe), "epochs: 40", "epochs: 8")
    monkeypatch.setattr(trainer, "SNAPSHOT_SECONDS", 0)
    train_recipe(recipe, "whole", report=silent)

    class StoppedError(Exception):
        pass

    def stopping(line: str) -> None:
        if "iteration 5" in line:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_recipe(recipe, "stopped", report=stopping)
    lines: list[str] = []
    train_recipe(recipe, "stopped", report=lines.append)
    assert any("resuming from" in line for line in lines)
    whole, stopped = (Path(name) / "finder.caffemodel" for name in ("whole", "stopped"))
    assert whole.read_bytes() == stopped.read_bytes()


def test_faces_with_points_are_put_into_the_crops(recipe: Path, tmp_path: Path) -> None:
    write_faces(tmp_path)
    edit(str(recipe), "crop: 64", 'data { folder: "faces" }\n      crop: 64')
    edit(str(recipe), "epochs: 40", "epochs: 1")
    lines: list[str] = []
    train_recipe(recipe, "out", report=lines.append)
    assert any("faces all: 6 pictures to train on, 0 kept from it" in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("crop: 64", "crop: 60", "finder's crop is 60; it must be at most 4096 and a multiple"),
        ("crop: 64", "crop: 0", "finder's least_face and greatest_face must be above 0"),
        (
            "least_face: 12",
            "least_face: 40",
            "least_face and greatest_face must be above 0, in this order",
        ),
        ("least_face: 12", "least_face: nan", "is not|must be|finite"),
        ("crop: 64", "crop: 64 focus: 1.5", "finder's focus is 1.5; it must be from 0 to 1"),
        ("crop: 64", "crop: 64 paste: -1", "finder's paste is -1; it must be from 0 to 1"),
        ("crop: 64", "crop: 64 box: -1", "finder's box is -1; it must be from 0 to 1000"),
        ("crop: 64", "crop: 64 smallest_face: 20", "smallest_face 20 is not in 0 .. least_face"),
        ("weight: 0.3", "weight: 0", "weight is 0, it must be positive"),
        (
            "validation_share: 0.3 weight",
            "validation_share: 1 weight",
            "validation_share is 1; it must",
        ),
        ('folder: "empty"', 'partition: "train"', "finder's data without a folder"),
        ('folder: "empty"', 'folder: "nowhere"', "nowhere: not a folder"),
        ('folder: "empty"', 'folder: "empty" stage: "finder"', "data of a finder has no stage"),
        ('folder: "empty"', 'folder: "empty" leave_out: "x.png"', "'x.png' is to stay out, but"),
    ],
)
def test_mistakes(recipe: Path, old: str, new: str, message: str) -> None:
    edit(str(recipe), old, new)
    with pytest.raises(ProtofaceError, match=message):
        train_recipe(recipe, "out", report=silent)


def test_a_finder_without_data(recipe: Path) -> None:
    text = recipe.read_text()
    lines = [line for line in text.splitlines() if "data {" not in line]
    recipe.write_text("\n".join(lines))
    with pytest.raises(ProtofaceError, match="stage 'finder': its finder has no data to train on"):
        train_recipe(recipe, "out", report=silent)


def test_answers_that_no_finder_has(recipe: Path, tmp_path: Path) -> None:
    edit(
        str(tmp_path / "cascade.prototxt"),
        'answer { blob: "points" points {} map { cell: 8 stride: 8 } }',
        "",
    )
    with pytest.raises(
        ProtofaceError, match="a finder is trained with a score, a box and points of each"
    ):
        train_recipe(recipe, "out", report=silent)


def test_faces_with_points_alone_are_not_enough(recipe: Path, tmp_path: Path) -> None:
    write_faces(tmp_path)
    lines = [line for line in recipe.read_text().splitlines() if "data {" not in line]
    recipe.write_text("\n".join(lines).replace("crop: 64", 'data { folder: "faces" } crop: 64'))
    with pytest.raises(ProtofaceError, match="needs pictures whose faces are all known"):
        train_recipe(recipe, "out", report=silent)


def test_a_picture_that_cannot_be_read(recipe: Path) -> None:
    (Path("empty") / "5.png").write_bytes(b"no picture")
    with pytest.raises(ProtofaceError, match=r"5\.png"):
        train_recipe(recipe, "out", report=silent)


def test_held_pictures_are_not_trained_on(recipe: Path) -> None:
    """As many as the share of their names says, and always the same."""
    from protoface.trainers.faces.face_scene import set_aside

    lines: list[str] = []
    edit(str(recipe), "epochs: 40", "epochs: 0.5")
    train_recipe(recipe, "out", report=lines.append)
    kept = sum(set_aside(name, 0.3) for name in NAMES)
    assert 0 < kept < 24
    assert f"heads train: {24 - kept} pictures to train on, {kept} kept from it" in lines
