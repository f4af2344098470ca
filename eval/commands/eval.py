"""The verb `eval`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import click
import cv2

from protoface.cascade.cascade import load
from protoface.cascade.commands.options import (
    backend_option,
    mode_option,
    model_option,
    outside_option,
    weights_option,
)
from protoface.cascade.commands.pixel_options import set_pixels_option
from protoface.cascade.definition import model_files
from protoface.cascade.measure.machine import machine, versions
from protoface.converters.commands.path_types import FILE_OUT, FOLDER_OUT
from protoface.converters.files import refuse_inputs, write_text
from protoface.converters.terminal import say

from ..datasets.dataset import read_dataset
from ..evaluation import Measured, as_json, check_names, evaluate_cascade
from ..groups import groups
from ..peers import evaluate_peer, open_peers
from ..report import HEADS, group_row, main_normaliser, peer_row, summary_rows, write_report
from ..summary import NORMALISERS
from .data_options import data_option, partition_option
from .progress import show_progress
from .read_files import set_files


@click.command("eval")
@data_option
@partition_option()
@model_option
@weights_option
@outside_option
@backend_option
@mode_option
@click.option(
    "--peer",
    "peers",
    multiple=True,
    help="Another finder to measure, too: NAME, NAME=MODELFILE_OUT or all. Default: none.",
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
    model: str,
    weights: tuple[Path, ...],
    outside: bool,
    backend: str,
    mode: str,
    peers: tuple[str, ...],
    json_file: Path | None,
    report: Path | None,
) -> int:
    """Measure a cascade on an annotated set, and print every figure with its normaliser and n.

    Pictures that cannot be measured are listed on stderr, the others are measured, and the exit status
    is 2.

    \b
    Example:
      protoface eval --data celeba/ --partition test --model my_cascade --report report/
    """
    outputs = [json_file, None if report is None else report / "index.html"]
    refuse_inputs(filter(None, outputs), chain(model_files(model, weights, outside), set_files(data)))
    cv2.setNumThreads(1)  # as the runtime: the time of a picture is that of one thread
    cascade = load(model, backend, mode, weights, threads=1, outside=outside)
    if json_file is not None:
        check_names([stage.name for stage in cascade.stages])
    others, absent = open_peers(peers)
    for line in absent:
        say(f"left out: {line}")
    dataset = read_dataset(data, partition)
    measured = evaluate_cascade(cascade, dataset, show_progress)
    found = {name: evaluate_peer(finder, dataset, show_progress) for name, finder in others.items()}
    setting = f"{cascade.name}, backend {cascade.backend}, mode {cascade.mode}"
    if not (
        measured.layout.same_points(dataset.layout) and measured.layout.same_points(cascade.layout)
    ):
        setting += f", points compared as {measured.layout.name}"
    _print(measured, found, setting)
    command = shlex.join(["protoface", *sys.argv[1:]])
    if json_file is not None:
        content = {**as_json(measured, NORMALISERS), **_context(measured, found, setting, command)}
        write_text(json_file, json.dumps(content, indent=1) + "\n")
    if report is not None:
        write_report(report / "index.html", measured, setting, command, found)
        say(f"written: {report / 'index.html'}")
    return 2 if measured.skipped else 0


def _print(measured: Measured, peers: dict[str, Measured], setting: str) -> None:
    for line in measured.skipped:
        say(f"protoface: {line}", err=True)
    say(
        f"{setting}: {measured.dataset.name}, {len(measured.kept)} measured, "
        f"{len(measured.skipped)} skipped; errors in % of the normaliser"
    )
    normaliser = main_normaliser(measured)
    n, _, mean, median, failures, ms = peer_row(measured, normaliser)
    say(
        f"mean error {mean} % of {normaliser} after {measured.names[-1]}, median {median} %, "
        f"failures {failures} %, n {n}, {ms} ms per picture"
    )
    widths = (max(9, 2 + max(map(len, measured.names))), 15, 7, 7, 7, 7, 7, 7, 16, 9, 7)
    say("".join(f"{head:>{width}}" for head, width in zip(HEADS, widths, strict=True)))
    for level, name in enumerate(measured.names):
        for row in summary_rows(name, measured, level):
            say("".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)))
    for group in groups(measured):
        n, mean, median, failures = group_row(group)
        say(f"{group}: n {n}, of inter_ocular mean {mean} %, median {median} %, failures {failures} %")
    for name, found in peers.items():
        n, missed, mean, median, failures, ms = peer_row(found)
        say(
            f"{name}: n {n}, not measured {missed}; of inter_ocular mean {mean} %, median {median} %, "
            f"failures {failures} %; {ms} ms per picture"
        )
    if peers:
        say("(finders define their points differently: small differences do not rank them)")


def _context(
    measured: Measured, peers: dict[str, Measured], setting: str, command: str
) -> dict[str, Any]:
    return {
        "data": measured.dataset.name,
        "setting": setting,
        "stages": list(measured.names),
        "groups": [asdict(group) for group in groups(measured)],
        "ms_per_picture": measured.milliseconds,
        "peers": {
            name: {"seconds": found.seconds, **as_json(found, NORMALISERS)}
            for name, found in peers.items()
        },
        "command": command,
        "machine": machine(),
        "versions": versions(),
    }
