"""What the generator's tests share: the command, the committed files, the published weights."""

from pathlib import Path

from click.testing import CliRunner

from protoface.prototxt.generate import __main__ as command

PROTOTXT = Path(__file__).parents[3] / "prototxt"
LEVELS = ["level_1", "level_2"]
FILES = ["train_val.prototxt", "deploy.prototxt", "solver.prototxt"]


def run(*arguments):
    """What the command prints; its error is raised."""
    result = CliRunner().invoke(command.main, [str(a) for a in arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def published(shared, level):
    return shared / "original" / f"l{level[-1]}_net.caffemodel"
