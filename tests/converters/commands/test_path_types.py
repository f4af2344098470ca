"""Paths of verbs: what is read is not written."""

from pathlib import Path

import click
import pytest

from protoface.cli import VERBS, protoface, run
from protoface.converters.commands.path_types import FILE_IN, FILE_OUT, FOLDER_IN, FOLDER_OUT
from protoface.converters.terminal import say


@click.command()
@click.option("--read", type=FILE_IN, multiple=True)
@click.option("--data", type=FOLDER_IN)
@click.option("--out", type=FILE_OUT)
@click.option("--folder", type=FOLDER_OUT)
def verb(**options: object) -> None:
    """Does nothing."""
    say("done")


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "elsewhere").symlink_to("data")
    return tmp_path


@pytest.mark.parametrize(
    "given",
    [
        "--read file --out file",
        "--out file --read link",
        "--out link --read file --read link",
        "--data data --folder elsewhere",
        "--folder ./data --data data",
    ],
)
def test_what_is_read_is_not_written_in_any_order(given, here, capsys):
    assert run(verb, given.split()) == 2
    assert "is read, so it cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["--read file --out new", "--data data --folder new", "--out file"])
def test_other_paths_are_taken(given, here, capsys):
    assert run(verb, given.split()) == 0


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_results_on_standard_output_have_it_for_themselves(name, here, capsys):
    assert run(verb, ["--out", name]) == 0
    assert capsys.readouterr() == ("", "done\n")


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_takes_its_paths_so(name):
    """A click.Path of its own would not be compared."""
    command = protoface.get_command(click.Context(protoface), name)
    own = [one.name for one in command.params if type(one.type) is click.Path]
    assert own == (["out"] if name == "convert" else [])
