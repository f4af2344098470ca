"""Nets that judge windows in training: they learn, the same also after a stop; mistakes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from protoface.cascade import load
from protoface.converters import ProtofaceError
from protoface.trainers.recipe import recipe_trainer as trainer
from protoface.trainers.recipe.recipe import read_recipe
from protoface.trainers.recipe.recipe_trainer import train_recipe

from ..solver.small_run import edit
from .classifier_run import write_classifiers
from .finder_run import counted

ROOT = Path(__file__).parents[3]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory with a recipe that may be edited."""
    monkeypatch.chdir(tmp_path)
    return write_classifiers(tmp_path)


def silent(line: str) -> None:
    pass


@pytest.mark.slow
def test_they_learn_to_find_heads(recipe: Path) -> None:
    """Those of pictures that they have not seen, by the cascade as it is used."""
    lines: list[str] = []
    edit(str(recipe), "epochs: 3", "epochs: 6")
    done = train_recipe(recipe, "out", report=lines.append)
    found, alarms = counted(load(done.folder))
    assert found >= 12  # of 15
    assert alarms <= 3
    rows = list(csv.DictReader((done.folder / "second.csv").read_text().splitlines()))
    assert float(rows[-1]["validation"]) > 0.9
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert any("windows that the stages before keep" in line for line in lines)
    # pictures are read once, though both stages are trained on them
    assert sum("heads train: " in line for line in lines) == 1


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["first", "second"])
def test_a_stopped_training_goes_on_bit_for_bit(
    recipe: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    edit(str(recipe), "epochs: 3", "epochs: 1")
    monkeypatch.setattr(trainer, "SNAPSHOT_SECONDS", 0)
    train_recipe(recipe, "whole", report=silent)

    class StoppedError(Exception):
        pass

    def stopping(line: str) -> None:
        if line.startswith(f"{stage}: iteration 1"):
            raise StoppedError

    with pytest.raises(StoppedError):
        train_recipe(recipe, "stopped", report=stopping)
    lines: list[str] = []
    train_recipe(recipe, "stopped", report=lines.append)
    assert any(line.startswith(f"{stage}: resuming from") for line in lines)
    for name in ("first", "second"):
        whole, stopped = (Path(out) / f"{name}.caffemodel" for out in ("whole", "stopped"))
        assert whole.read_bytes() == stopped.read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("windows: 2000", "positive: 0.3", "overlaps must be 0 < negative <= part <= positive < 1"),
        ("windows: 2000", "negative: 0.5", "not 0.5, 0.4, 0.65"),
        ("windows: 2000", "part: 0.7", "not 0.3, 0.7, 0.65"),
        ("windows: 2000", "positive: 1", "overlaps must be"),
        ("windows: 2000", "negative: nan", "is not|must be|finite"),
        ("windows: 2000", "windows: 0", "classifier's windows is 0; an epoch has one at least"),
        ("windows: 2000", "hard: 0", "classifier's hard is 0; it must be above 0 and at most 1"),
        ("windows: 2000", "hard: 1.1", "classifier's hard is 1.1"),
        ("windows: 2000", "let_through: -1", "classifier's let_through is -1; it must be from 0 to 1"),
        ("windows: 2000", "box: -1", "classifier's box is -1; it must be from 0 to 1000"),
        ("windows: 2000", "mix { part: -1 }", "classifier's mix's part is -1"),
        ("windows: 2000", "mix { positive: 0 }", "mix needs negative and positive windows"),
        ("least_face: 12", "least_face: 0", "classifier's least_face is 0; it must be 1 pixel or more"),
        ("weight: 0.3", "weight: 0", "weight is 0, it must be positive"),
        ('folder: "empty"', 'partition: "train"', "classifier's data without a folder"),
        ('folder: "empty"', 'folder: "nowhere"', "nowhere: not a folder"),
        ('folder: "empty"', 'folder: "empty" stage: "first"', "data of a classifier has no stage"),
        ('folder: "faces"', 'folder: "faces" validation_share: 0.5', "has no boxes, so it takes no"),
        ("least_face: 12", "least_face: 70", "no square window of 70 pixels and more is a face"),
    ],
)
def test_mistakes(recipe: Path, old: str, new: str, message: str) -> None:
    edit(str(recipe), old, new)
    with pytest.raises(ProtofaceError, match=message):
        train_recipe(recipe, "out", report=silent)


def without_data(recipe: Path, kept: str) -> None:
    """Take away the sets of a recipe but for those named so."""
    lines = recipe.read_text().splitlines()
    recipe.write_text("\n".join(line for line in lines if "data {" not in line or kept in line))


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ("nothing", "stage 'first': its classifier has no data to train on"),
        ('"empty"', "no square window of 12 pixels and more is a face; add pictures with larger"),
        ('"faces"', "stage 'first': needs pictures with a box around every face"),
    ],
)
def test_data_that_is_not_enough(recipe: Path, kept: str, message: str) -> None:
    without_data(recipe, kept)
    with pytest.raises(ProtofaceError, match=message):
        train_recipe(recipe, "out", report=silent)


def test_points_need_pictures_with_points(recipe: Path) -> None:
    lines = [line for line in recipe.read_text().splitlines() if '"faces"' not in line]
    recipe.write_text("\n".join(lines))
    edit(str(recipe), "epochs: 3", "epochs: 0.02")
    with pytest.raises(ProtofaceError, match="no picture has points; add a set with points, or mix"):
        train_recipe(recipe, "out", report=silent)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "score { channel: 1 } map { cell: 12 stride: 2 }",
            "points {} map { cell: 12 stride: 2 }",
            "one",
        ),
        ("box {} map", "box { form: DISTANCES } map", "answers one score, one box of form CORNERS"),
        (
            "window { box { square: true border: BLACK } }",
            "window { picture {} }",
            "at cells of a picture's levels",
        ),
        ("color_order: RGB", "color_order: GRAY", "a classifier looks, in colour, at cells"),
        ('layout: "celeba5"', 'layout: "ibug68"', "points are those of the layout celeba5"),
    ],
)
def test_stages_that_are_no_classifiers(recipe: Path, old: str, new: str, message: str) -> None:
    edit("two.prototxt", old, new)
    with pytest.raises(ProtofaceError, match=message):
        train_recipe(recipe, "out", report=silent)


def test_a_cell_that_is_not_the_nets_input(recipe: Path) -> None:
    edit("two.prototxt", "map { cell: 12 stride: 2 }", "map { cell: 16 stride: 2 }")
    with pytest.raises(ProtofaceError, match="blob 'score' has 3 x 3 places for one window"):
        train_recipe(recipe, "out", report=silent)


def test_a_picture_that_cannot_be_read(recipe: Path) -> None:
    (Path("empty") / "5.png").write_bytes(b"no picture")
    with pytest.raises(ProtofaceError, match=r"5\.png"):
        train_recipe(recipe, "out", report=silent)


def test_the_recipe_of_mtcnn() -> None:
    """It trains the nets of prototxt/mtcnn, with the numbers of the paper."""
    recipe = read_recipe(ROOT / "trainers" / "recipes" / "mtcnn.prototxt")
    for stage in recipe.definition.stage:
        one = recipe.training(stage.name).classifier
        assert (one.positive, one.part, one.negative) == pytest.approx((0.65, 0.4, 0.3))
        assert one.hard == pytest.approx(0.7)
        assert (one.score, one.box) == (1, 0.5)
        assert one.points == (1 if stage.name == "onet" else 0.5)
        files = (folder / stage.net for folder in (recipe.folder, ROOT / "prototxt" / "mtcnn"))
        texts = [path.read_text() for path in files]
        assert texts[0] == texts[1]
