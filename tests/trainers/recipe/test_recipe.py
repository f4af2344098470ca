"""Recipes as they are written down: what holds for which stage, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from protoface.cascade.layouts import find_layout
from protoface.converters import ProtofaceError
from protoface.trainers.recipe.recipe import read_recipe

from ..solver.small_run import edit
from .recipe_run import CASCADE, RECIPE

RECIPES = Path(__file__).parents[3] / "trainers" / "recipes"
COMMITTED = sorted([*RECIPES.glob("*.prototxt"), *RECIPES.glob("ablation/*.prototxt")])


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    (tmp_path / "cascade.prototxt").write_text(CASCADE)
    (tmp_path / "recipe.prototxt").write_text(RECIPE)
    return str(tmp_path / "recipe.prototxt")


def test_a_stage_overrides_what_holds_for_all(recipe: str) -> None:
    read = read_recipe(recipe)
    first, second = read.training("level_1"), read.training("level_2")
    assert (first.epochs, second.epochs) == (8, 6)
    assert first.batch_size == second.batch_size == 8
    assert first.augment.shift == pytest.approx(0.04)
    assert second.augment.shift == pytest.approx(0.01)
    assert second.augment.rotation == first.augment.rotation == 12
    assert read.layout is find_layout("celeba5")


def test_a_recipe_like_another_one(recipe: str, tmp_path: Path) -> None:
    """It may lie in another folder, the cascade is found where it is named."""
    (tmp_path / "more").mkdir()
    own = tmp_path / "more" / "own.prototxt"
    own.write_text('like: "../recipe.prototxt" stage { name: "level_2" training { base_lr: 0.5 } }')
    read = read_recipe(own)
    assert read.folder == tmp_path / "more" / ".."
    assert read.parameter.name == "small"
    assert not read.parameter.like
    second = read.training("level_2")
    assert (second.base_lr, second.epochs, second.augment.shift) == pytest.approx((0.5, 6, 0.01))
    assert [data.folder for data in read.parameter.data] == ["faces"]
    own.write_text('like: "../recipe.prototxt" data { folder: "a" } data { folder: "b" }')
    assert [data.folder for data in read_recipe(own).parameter.data] == ["a", "b"]
    other = tmp_path / "more" / "other.prototxt"
    other.write_text('like: "own.prototxt"')
    with pytest.raises(ProtofaceError, match=r"like own\.prototxt, which is itself like another"):
        read_recipe(other)


def test_seed_and_epochs_factor_stand_in_for_the_files(recipe: str) -> None:
    read = read_recipe(recipe, 5, 0.5)
    assert (read.parameter.seed, read.parameter.epochs_factor) == (5, 0.5)
    assert (read_recipe(recipe).parameter.seed, read_recipe(recipe).parameter.epochs_factor) == (0, 1)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_the_committed_recipes_are_right(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that some go on from need not be trained for this."""
    monkeypatch.chdir(tmp_path)
    for name in ("fast", "fast_first"):
        Path("build/models", name).mkdir(parents=True)
        for file in ("cascade.prototxt", "level_2.caffemodel"):
            Path("build/models", name, file).touch()
    read = read_recipe(path)
    assert read.parameter.name == path.stem
    assert f"protoface recipe {path.relative_to(RECIPES.parent.parent).as_posix()}" in path.read_text()
    for stage in read.definition.stage:
        assert (read.folder / stage.net).is_file()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name: "level_2"', 'name: "level_3"', "no stage 'level_3'; it has level_1, level_2"),
        ('validation { folder: "faces" partition: "val" }', "", "stage 'level_2': its jitter is drawn"),
        ('data { folder: "faces" partition: "train" }', "", "no data and no synthetic"),
        ('data { folder: "faces"', "data {", "without a folder"),
        ('data { folder: "faces"', 'data { weight: 0 folder: "faces"', "weight is 0"),
        ('cascade: "cascade.prototxt"', "", "names no cascade"),
        ('cascade: "cascade.prototxt"', 'cascade: "other.prototxt"', "other.prototxt"),
        ("batch_size: 8", "batch_size: 1", "stage 'level_1': batch_size is 1; it must be at least 2"),
        ("base_lr: 0.01", "base_lr: 0", "base_lr is 0; it must be positive"),
        ("base_lr: 0.01", "ema: 1", "ema is 1; it must be at least 0 and below 1"),
        ("shift: 0.01", "shift: -1", "stage 'level_2': augment's shift is -1; it must not be negative"),
        ("shift: 0.01", "flip: 1.5", "augment's flip is 1.5; it must be from 0 to 1"),
        ("shift: 0.01", "shft: 0.01", "line 7"),
        ("base_lr: 0.01", "jitter { factor: -1 }", "jitter's factor is -1; it must not be negative"),
        (
            "base_lr: 0.01",
            "jitter { factor: 1 least_factor: 2 }",
            "least_factor 2 is not in 0 .. factor",
        ),
        ('name: "small"', 'start: "nowhere"', "start nowhere has no cascade"),
        ("base_lr: 0.01", "loss { width: 0 }", "loss's width is 0; it must be positive"),
        ("base_lr: 0.01", "loss { type: L3 }", "line 6"),
        (
            "base_lr: 0.01",
            "scatter { probability: 2 }",
            "scatter's probability is 2; it must be from 0 to 1",
        ),
        (
            "base_lr: 0.01",
            "scatter { least_eyes: 0.5 greatest_eyes: 0.4 }",
            "scatter's least_eyes and greatest_eyes must be above 0",
        ),
        ("base_lr: 0.01", "scatter { aspect: -1 }", "scatter's aspect is -1; it must not be negative"),
        (
            'name: "small"',
            "synthetic { count: 5 narrowest: 0.9 }",
            "synthetic's narrowest is not in 0 .. 0.6",
        ),
        ('name: "small"', 'synthetic { count: 5 stage: "level_3" }', "synthetic faces for 'level_3'"),
        (
            'partition: "train" }',
            'partition: "train" stage: "level_3" }',
            "data faces for 'level_3', which is not a stage that is trained",
        ),
        (
            'partition: "train" }',
            'partition: "train" stage: "level_1" }',
            "stage 'level_2' has nothing to train on",
        ),
        (
            'data { folder: "faces" partition: "train" }',
            'synthetic { count: 5 stage: "level_1" }',
            "stage 'level_2' has nothing to train on",
        ),
    ],
)
def test_what_is_wrong_is_named(recipe: str, old: str, new: str, message: str) -> None:
    edit(recipe, old, new)
    with pytest.raises(ProtofaceError, match=message) as caught:
        read_recipe(recipe)
    assert "\n" not in str(caught.value)


def test_without_jitter_no_validation_is_needed(recipe: str) -> None:
    edit(recipe, 'validation { folder: "faces" partition: "val" }', "")
    edit(recipe, "base_lr: 0.01", "jitter { factor: 0 }")
    assert not read_recipe(recipe).parameter.HasField("validation")


def test_a_box_is_not_trained(recipe: str) -> None:
    edit(str(Path(recipe).with_name("cascade.prototxt")), "picture {}", "box {}")
    with pytest.raises(ProtofaceError, match="stage 'level_1': looks through a box"):
        read_recipe(recipe)


def test_an_onnx_file_is_not_trained(recipe: str) -> None:
    edit(str(Path(recipe).with_name("cascade.prototxt")), 'net: "net.prototxt"', 'onnx: "net.onnx"')
    with pytest.raises(ProtofaceError, match="stage 'level_1': runs an ONNX file as it is"):
        read_recipe(recipe)


def test_a_stage_that_looks_again_is_not_trained_by_itself(recipe: str) -> None:
    edit(
        str(Path(recipe).with_name("cascade.prototxt")),
        'name: "level_2" net: "net.prototxt"',
        'name: "level_2" net: "net.prototxt" weights: "w.caffemodel"',
    )
    assert read_recipe(recipe).owner("level_2") == "level_2"
    with open(Path(recipe).with_name("cascade.prototxt"), "a") as file:
        file.write(
            'stage { name: "again" net: "net.prototxt" weights: "w.caffemodel" '
            "preprocess { size: 16 } window { picture {} } }"
        )
    assert read_recipe(recipe).owner("again") == "level_2"
    edit(recipe, 'name: "level_2"', 'name: "again"')
    with pytest.raises(ProtofaceError, match="'again' has the net and weights of 'level_2'"):
        read_recipe(recipe)


@pytest.mark.parametrize(
    "more",
    [
        'answer { blob: "fc" points {} }',
        'view { blob: "a" pixels { preprocess { size: 8 } window { picture {} } } }'
        'view { blob: "b" pixels { preprocess { size: 8 } window { picture {} } } }',
    ],
)
def test_several_views_or_named_answers_are_not_trained(recipe: str, more: str) -> None:
    with open(Path(recipe).with_name("cascade.prototxt"), "a") as file:
        short = "" if more.startswith("view") else "preprocess { size: 8 } window { picture {} }"
        file.write(f'stage {{ name: "more" net: "net.prototxt" {short} {more} }}')
    with pytest.raises(
        ProtofaceError,
        match="stage 'more': a recipe trains nets with one view of pixels that answer points",
    ):
        read_recipe(recipe)


def test_what_a_recipe_names_lies_in_its_folder(recipe: str, tmp_path: Path) -> None:
    """Its cascade, that one's nets by way of `..` too; a recipe that it is like may lie above."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "cascade.prototxt").rename(inner / "cascade.prototxt")
    edit(recipe, 'cascade: "cascade.prototxt"', 'cascade: "inner/cascade.prototxt"')
    edit(str(inner / "cascade.prototxt"), 'net: "net.prototxt"', 'net: "../net.prototxt"')
    assert read_recipe(recipe).folder == inner
    edit(str(inner / "cascade.prototxt"), 'net: "../net.prototxt"', 'net: "../../net.prototxt"')
    with pytest.raises(ProtofaceError, match=r"net '../../net.prototxt' is not in the folder .*--outs"):
        read_recipe(recipe)
    assert read_recipe(recipe, outside=True).folder == inner


@pytest.mark.parametrize("name", ["/etc/passwd", "../elsewhere/cascade.prototxt", "link"])
def test_a_cascade_elsewhere(recipe: str, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    edit(recipe, 'cascade: "cascade.prototxt"', f'cascade: "{name}"')
    with pytest.raises(
        ProtofaceError, match=r"recipe.prototxt: cascade '.*' is not in the folder"
    ) as e:
        read_recipe(recipe)
    assert "root" not in str(e.value).replace("pytest-of-root", "")


def test_a_recipe_like_what_is_none(recipe: str, tmp_path: Path) -> None:
    """Nothing of that file is told."""
    (tmp_path / "more").mkdir()
    (tmp_path / "secret").write_text("hunter2: 1")
    own = tmp_path / "more" / "own.prototxt"
    own.write_text('like: "../secret"')
    with pytest.raises(ProtofaceError, match="secret: cannot be read as a recipe") as caught:
        read_recipe(own)
    assert "hunter2" not in str(caught.value)
    own.write_text(f'like: "{tmp_path}/recipe.prototxt"')
    with pytest.raises(ProtofaceError, match=r"own.prototxt: like .* is absolute; .*--outside"):
        read_recipe(own)
    assert read_recipe(own, outside=True).parameter.name == "small"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("base_lr: 0.01", "base_lr: nan", r"recipe.prototxt: line \d+: base_lr is not a finite number"),
        ("base_lr: 0.01", "scatter { aspect: inf }", r"line \d+: aspect is not a finite number"),
        (
            "batch_size: 8",
            "batch_size: 4000000000",
            "batch_size is 4000000000; it must be at most 65536",
        ),
        ('name: "small"', "synthetic { count: 4000000000 }", "count is 4000000000; it must be at most"),
        (
            'name: "small"',
            "synthetic { count: 1 views: 4000000000 }",
            "views is 4000000000; it must be",
        ),
        ("epochs: 8", "epochs: 1e30", "epochs is .*; it must be at most 1000000"),
        ('name: "small"', 'name: "small" stage { ' * 5000, "messages are nested too deeply"),
    ],
)
def test_numbers_without_measure(recipe: str, old: str, new: str, message: str) -> None:
    edit(recipe, old, new)
    with pytest.raises(ProtofaceError, match=message):
        read_recipe(recipe)


@pytest.mark.parametrize("name", ["level_1", "LEVEL_1"])
def test_two_stages_that_would_be_one_file(recipe: str, name: str) -> None:
    edit(str(Path(recipe).with_name("cascade.prototxt")), '"level_2"', f'"{name}"')
    edit(recipe, 'name: "level_2"', f'name: "{name}"')
    with pytest.raises(ProtofaceError, match=f"recipe.prototxt: two stages are named '{name}'"):
        read_recipe(recipe)
