"""The verb `eval`."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click
import cv2

from protoface.cascade.cascade import Cascade, load
from protoface.cascade.commands.options import (
    backend_option,
    least_score_option,
    mode_option,
    outside_option,
    weights_option,
)
from protoface.cascade.commands.pixel_options import set_pixels_option
from protoface.cascade.definition import DEFAULT, model_files
from protoface.cascade.measure.machine import machine, versions
from protoface.converters.commands.path_types import FILE_OUT, FOLDER_OUT
from protoface.converters.errors import ProtofaceError
from protoface.converters.files import refuse_inputs, write_text
from protoface.converters.terminal import say

from ..box_results import measure_boxes
from ..datasets.box_set import BoxSet
from ..datasets.dataset import Dataset, read_set
from ..evaluation import check_names, without_nan
from ..measurement import Measurement
from ..peers import open_peers
from ..point_results import measure_points
from .data_options import any_data_option, partition_option
from .progress import show_progress
from .read_files import set_files

#: A kind of set -> what measures on it.
MEASURES: dict[type, Callable[..., Measurement]] = {Dataset: measure_points, BoxSet: measure_boxes}


@click.command("eval")
@any_data_option
@partition_option()
@click.option(
    "--model",
    "models",
    multiple=True,
    default=(DEFAULT,),
    show_default=True,
    help="A cascade.prototxt, its folder, or a name that comes with the package; several times for "
    "several models on the same pictures. The report is about the first one.",
)
@weights_option
@outside_option
@backend_option
@mode_option
@least_score_option
@click.option(
    "--peer",
    "peers",
    multiple=True,
    help="Another finder to measure, too: NAME, NAME=MODELFILE or all. Default: none.",
)
@click.option(
    "--json",
    "json_file",
    type=FILE_OUT,
    help="File for the figures; errors are fractions of the normaliser.",
)
@click.option(
    "--report",
    type=FOLDER_OUT,
    help="Folder for index.html, a page with figures.",
)
@set_pixels_option
def eval(
    data: Path,
    partition: str | None,
    models: tuple[str, ...],
    weights: tuple[Path, ...],
    outside: bool,
    backend: str,
    mode: str,
    least_score: float | None,
    peers: tuple[str, ...],
    json_file: Path | None,
    report: Path | None,
) -> int:
    """Measure cascades on an annotated set, and print every figure with its normaliser and n.

    On faces with points these are their errors; on pictures with boxes of faces (WIDER FACE), average
    precision, recall and false alarms; on pictures without faces false alarms alone. Pictures that
    cannot be read are listed on stderr, the others are measured, and the exit status is 2.

    \b
    Examples:
      protoface eval --data celeba/ --partition test --model my_cascade --report report/
      protoface eval --data wider/ --partition val --model my_cascade --peer facenet --json ap.json
      protoface eval --data wider/ --partition val --model group --least-score 0.05
    """
    outputs = [json_file, None if report is None else report / "index.html"]
    read = chain(*(model_files(model, weights, outside) for model in models), set_files(data))
    refuse_inputs(filter(None, outputs), read)
    cv2.setNumThreads(1)  # as the runtime: the time of a picture is that of one thread
    cascades = _load(models, weights, outside, backend, mode, least_score)
    found = read_set(data, partition)
    if json_file is not None and isinstance(found, Dataset):
        for cascade in cascades.values():
            check_names([stage.name for stage in cascade.stages])
    others, absent = open_peers(peers)
    for line in absent:
        say(f"left out: {line}")
    results = MEASURES[type(found)](found, cascades, others, show_progress)
    _say(results, json_file, report)
    return 2 if results.skipped else 0


def _load(
    models: Sequence[str],
    weights: Sequence[Path],
    outside: bool,
    backend: str,
    mode: str,
    least_score: float | None,
) -> dict[str, Cascade]:
    """The cascades by their names, or by what was given where names are alike."""
    if weights and len(models) > 1:
        raise ProtofaceError(
            "--weights go with one --model; put those of each into its cascade.prototxt"
        )
    loaded = [load(model, backend, mode, weights, 1, outside, None, least_score) for model in models]
    names = [cascade.name for cascade in loaded]
    if len(set(names)) < len(names):
        names = list(models)
    if len(set(names)) < len(names):
        raise ProtofaceError(f"--model {max(names, key=names.count)}: given twice")
    return dict(zip(names, loaded, strict=True))


def _say(results: Measurement, json_file: Path | None, report: Path | None) -> None:
    """Print the results, and write what was asked for."""
    for line in results.skipped:
        say(f"protoface: {line}", err=True)
    for line in results.lines():
        say(line)
    command = shlex.join(["protoface", *sys.argv[1:]])
    if json_file is not None:
        content: dict[str, Any] = {
            **without_nan(results.json()),
            "command": command,
            "machine": machine(),
            "versions": versions(),
        }
        write_text(json_file, json.dumps(content, indent=1, allow_nan=False) + "\n")
    if report is not None:
        results.write_report(report / "index.html", command)
        say(f"written: {report / 'index.html'}")
