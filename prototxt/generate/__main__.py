"""The command `python -m protoface.prototxt.generate`; see the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from protoface.converters.files import write_text
from protoface.converters.locking import LOCK, alone
from protoface.converters.terminal import say

from . import dan, dan_files, mtcnn
from .level_files import FOLDER, ITERATIONS, deploy_file, files
from .net_bodies import BODIES, FOR_RECIPES
from .size import Size


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=FOLDER,
    show_default="prototxt/",
    help="The folder to write.",
)
@click.option(
    "--net",
    type=click.Choice([*BODIES, mtcnn.NAME, *dan.TABLES]),
    default="original",
    show_default=True,
    help="Which net; mtcnn writes its three, whose sizes are fixed, dan... a cascade of several.",
)
@click.option(
    "--size",
    "pixels",
    type=click.IntRange(min=16),
    show_default="48, of dan 112",
    help="Height and width of the net's input, pixels.",
)
@click.option(
    "--width",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiply the channels of every layer.",
)
@click.option(
    "--points",
    type=click.IntRange(min=1),
    show_default="5, of dan 68",
    help="How many points the net finds: 5, 68, 77 or 98 for the layouts of prototxt/points/.",
)
@click.option(
    "--patches",
    is_flag=True,
    help="Three input channels for each point, those of a patch around it; with --deploy.",
)
@click.option(
    "--level",
    "levels",
    type=click.Choice(list(ITERATIONS)),
    multiple=True,
    help="Only this level. Default: both.",
)
@click.option(
    "--stages",
    type=click.IntRange(1, 9),
    show_default="2",
    help="Stages of dan, dan_mobile and dan_dense.",
)
@click.option(
    "--shape",
    type=click.Path(path_type=Path),
    help="A file with the mean face that dan starts from: shape: [x1, y1, x2, ...].",
)
@click.option(
    "--deploy", multiple=True, metavar="NAME", help="Write only NAME/deploy.prototxt, for a recipe."
)
def main(
    out: Path,
    net: str,
    pixels: int | None,
    width: float,
    points: int | None,
    patches: bool,
    levels: Sequence[str],
    stages: int | None,
    shape: Path | None,
    deploy: Sequence[str],
) -> None:
    """Write train_val, deploy and solver.prototxt of all nets, or nets for a recipe.

    Without options these are both levels of the original, and MTCNN's three nets.

    \b
    Example:
      python -m protoface.prototxt.generate --net finder --points 68 --out nets --deploy level_1
      python -m protoface.prototxt.generate --net dan_mobile --size 64 --stages 3 --out nets
    """
    if net in dan.TABLES:
        if levels or deploy or out == FOLDER:
            raise click.UsageError(f"--net {net} needs --out, and takes neither --level nor --deploy")
        size = Size(pixels or dan.PIXELS, width, points or dan.POINTS, net, patches)
        head = dan_files.head(size, stages or dan.STAGES, shape)
        _write(out, dan_files.files(size, stages or dan.STAGES, shape, head))
        return
    if stages or shape:
        raise click.UsageError("--stages and --shape are those of dan, dan_mobile and dan_dense")
    if patches and not deploy:
        raise click.UsageError("--patches needs --deploy: ImageData has no patches to train on")
    if net in FOR_RECIPES and not deploy:
        raise click.UsageError(f"--net {net} needs --deploy: it answers maps, which recipes train")
    size = Size(pixels or Size.pixels, width, points or Size.points, net, patches)
    given = bool(deploy or levels or replace(size, net=Size.net) != Size())
    if given and net == mtcnn.NAME:
        raise click.UsageError("--net mtcnn has sizes of its own; it takes no option but --out")
    folder = "prototxt" if out == FOLDER else out.as_posix()
    written = {} if net == mtcnn.NAME else _levels(folder, size, levels, deploy)
    if not given and net in (mtcnn.NAME, Size.net):
        written |= mtcnn.files(folder)
    _write(out, written)


def _write(out: Path, written: Mapping[str, Mapping[str, str]]) -> None:
    """Write texts: folder -> file name -> text."""
    with alone(out / LOCK):
        for name, texts in written.items():
            for file, text in texts.items():
                write_text(out / name / file, text)
                say(str(out / name / file))


def _levels(
    folder: str, size: Size, levels: Sequence[str], deploy: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Folder of each net of a Size -> file name -> text."""
    if deploy:
        return {name: deploy_file(name, size) for name in deploy}
    return {
        name: files(name, f"{folder}/{name}", size, ITERATIONS[name]) for name in levels or ITERATIONS
    }


if __name__ == "__main__":
    main(prog_name="python -m protoface.prototxt.generate")
