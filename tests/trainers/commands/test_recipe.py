"""`protoface recipe`: a cascade by the command line, and none of the options of `train`."""

from __future__ import annotations

from pathlib import Path

import pytest

from protoface.cascade import load
from protoface.cli import protoface, run

from ..recipe.recipe_run import write_recipe


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_recipe(tmp_path)


def test_the_command_trains_a_cascade(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(recipe), "--out", "out", "--epochs-factor", "0.1", "--threads", "1", "--seed", "5"]
    assert run(protoface, ["recipe", *words]) == 0
    assert "the cascade is in out" in capsys.readouterr().out
    assert [stage.name for stage in load("out").stages] == ["level_1", "level_2"]
    assert "seed: 5" in Path("out/recipe.prototxt").read_text()
    assert "epochs_factor: 0.1" in Path("out/recipe.prototxt").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'RECIPE'"),
        (["recipe.prototxt"], "Missing option '--out'"),
        (["recipe.prototxt", "--out", "o", "--epochs-factor", "0"], "0.0 is not in the range x>0"),
        (["recipe.prototxt", "--out", "o", "--max-iter", "3"], "No such option '--max-iter'"),
        (["recipe.prototxt", "--out", "o", "--precision", "bf16"], "No such option '--precision'"),
        (["none.prototxt", "--out", "o"], "'none.prototxt' does not exist"),
        (["net.prototxt", "--out", "o"], "net.prototxt: "),
    ],
)
def test_wrong_arguments(
    recipe: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(protoface, ["recipe", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not Path("o").exists()
