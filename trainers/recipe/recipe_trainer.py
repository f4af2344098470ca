"""Trains the whole cascade of a recipe, stage by stage; run again, it resumes."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from google.protobuf.message import Message

from protoface.cascade import cascade_pb2
from protoface.cascade.definition import FILE
from protoface.cascade.parallel import cores, in_order
from protoface.converters import ProtofaceError, convert, read_net
from protoface.converters.files import PathLike, replacing, write_text
from protoface.converters.graph import Net
from protoface.converters.locking import LOCK, alone
from protoface.converters.paths import written
from protoface.converters.prototxt import to_text
from protoface.converters.stopping import stopping
from protoface.converters.weights import write_weights
from protoface.eval.datasets.dataset import Dataset
from protoface.eval.evaluation import Measured, evaluate
from protoface.eval.finders import cascade_finder

from ..net.device import torch_device
from ..net.memory import keep_freed_memory
from .recipe import Recipe, read_recipe
from .recipe_run import RecipeRun
from .stage_log import StageLog
from .stage_trainer import StageTrainer
from .task import Task
from .tasks import make_task
from .training_pictures import read_pictures

Say = Callable[[str], None]
COPY = "recipe.prototxt"
#: What is written of each stage, behind its name.
SUFFIXES = (".prototxt", ".caffemodel", ".onnx", ".csv", ".snapshot.pt", ".windows.npz")
#: Rows of a stage's log, and every which of them has an error on the validation pictures.
ROWS, VALIDATE = 40, 5
SNAPSHOT_SECONDS = 60
#: Batches that are made while the net is at work.
AHEAD = 3


@dataclass(frozen=True, eq=False)
class RecipeTrained:
    """A trained recipe: the cascade's folder, and its errors if there is a validation set."""

    folder: Path
    measured: Measured | None


def train_recipe(
    path: PathLike,
    out: PathLike,
    seed: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    epochs_factor: float | None = None,
    report: Say = print,
    outside: bool = False,
) -> RecipeTrained:
    """Train every stage of the recipe in a file that is not trained yet, into the folder `out`.

    There are then `cascade.prototxt`, which names the nets and weights beside it, each stage as
    STAGE.prototxt, .caffemodel and .onnx (BatchNorm folded), its log STAGE.csv, and `recipe.prototxt`
    with the seed. `seed` and `epochs_factor` stand in for the recipe's; `threads` workers read
    pictures; `outside`: the recipe may name nets outside of its folder. SIGINT or SIGTERM ends a
    stage's training with a snapshot, from which the next run resumes, and raises Interrupted. Raises
    ProtofaceError for anything wrong with the files, if another process works in the folder, and if the
    loss is not finite.
    """
    recipe = read_recipe(path, seed, epochs_factor, outside)
    folder, place = Path(out), torch_device(device)
    with alone(folder / LOCK):
        return _train_stages(recipe, folder, place, cores(threads), report)


def _train_stages(
    recipe: Recipe, folder: Path, place: torch.device, workers: int, report: Say
) -> RecipeTrained:
    """Train and convert what is not there yet, in `folder`, and measure all of it."""
    definition = claim(recipe, folder)
    keep_freed_memory()
    cv2.setNumThreads(1)  # windows are so small that threads only wait for each other
    validation = None
    if recipe.parameter.HasField("validation"):
        validation = read_pictures(recipe.parameter.validation, recipe, report)
    run = RecipeRun(recipe, folder, definition, validation, workers, report)
    for index, stage in enumerate(definition.stage):
        if recipe.owner(stage.name) != stage.name:
            continue
        if (folder / stage.weights).exists():
            report(f"{stage.name}: {folder / stage.weights} is there already")
            run.snapshot(stage.name).unlink(missing_ok=True)  # of a run that was killed at its end
        else:
            train_stage(run, index, place)
        net, weights = folder / stage.net, folder / stage.weights
        convert(net, weights, weights.with_suffix(".onnx"), fold_bn=True)
    measured = None if validation is None else measure(run, validation)
    return RecipeTrained(folder, measured)


def claim(recipe: Recipe, out: Path) -> cascade_pb2.CascadeParameter:
    """Write the recipe, the cascade and its nets into `out`; returns the cascade as it is there.

    Raises ProtofaceError if the folder has another recipe's results.
    """
    definition = cascade_pb2.CascadeParameter()
    definition.CopyFrom(recipe.definition)
    nets: dict[str, Net] = {}
    for stage in definition.stage:
        owner = recipe.owner(stage.name)
        if owner == stage.name:
            nets[owner] = read_net(recipe.folder / stage.net)
        stage.net, stage.weights = f"{owner}.prototxt", f"{owner}.caffemodel"
    names = [COPY, FILE, *(f"{name}{suffix}" for name in nets for suffix in SUFFIXES)]
    paths = written(out, names, recipe.source)
    files: dict[str, Message] = {COPY: recipe.parameter, FILE: definition}
    files.update({f"{name}.prototxt": net for name, net in nets.items()})
    texts = {paths[name]: to_text(message) for name, message in files.items()}
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise ProtofaceError(
                f"{path}: this folder was begun with another recipe, cascade, net, seed or "
                "epochs_factor; remove it or name another one (--out)"
            )
    for path, text in texts.items():
        write_text(path, text)
    for name, net in nets.items():
        take_over(recipe, name, net, out)
    return definition


def take_over(recipe: Recipe, stage: str, net: Net, out: Path) -> None:
    """Copy a stage's weights from the recipe's `start`, if that has the stage and nothing is there yet.

    Not those of a stage that begins with `weights`. Raises ProtofaceError if its net is another one.
    """
    start, weights = Path(recipe.parameter.start), f"{stage}.caffemodel"
    if not recipe.parameter.start or recipe.first_weights(stage):
        return
    if not (start / weights).exists() or (out / weights).exists():
        return
    if read_net(start / f"{stage}.prototxt") != net:
        raise ProtofaceError(
            f"{start / stage}.prototxt: another net than that of stage '{stage}' in {recipe.source}; "
            "give the stage another name to train it"
        )
    with replacing(out / weights) as path:
        shutil.copyfile(start / weights, path)


def train_stage(run: RecipeRun, index: int, place: torch.device) -> None:
    """Train a stage from its snapshot, if there is one, and write its weights."""
    parameter, recipe = run.definition.stage[index], run.recipe
    training = recipe.training(parameter.name)
    task = make_task(run, index)
    seed, factor = recipe.parameter.seed, recipe.parameter.epochs_factor
    iterations = max(1, round(training.epochs * factor * task.size / training.batch_size))
    note = "" if factor == 1 else f", epochs times {factor:g}"
    run.report(f"{parameter.name}: {task.shown}, {iterations} iterations, seed {seed}{note}")
    net = run.out / parameter.net
    trainer = StageTrainer(
        read_net(net), str(net), training, task.objective, iterations, [seed, index], place
    )
    first, snapshot = recipe.first_weights(parameter.name), run.snapshot(parameter.name)
    if first:
        trainer.begin_with(first)
    if snapshot.exists():
        trainer.restore(snapshot)
        run.report(f"{parameter.name}: resuming from {snapshot}, iteration {trainer.iteration}")
    with StageLog(
        run.out / f"{parameter.name}.csv",
        parameter.name,
        trainer.iteration,
        iterations,
        training.batch_size,
        run.report,
    ) as log:
        _train(trainer, task, snapshot, log)
    write_weights(run.out / parameter.weights, trainer.weights())
    snapshot.unlink(missing_ok=True)


def measure(run: RecipeRun, validation: Dataset) -> Measured:
    """Errors of every level on the validation pictures, which are reported."""
    cascade = run.cascade(len(run.definition.stage))
    measured = evaluate(cascade_finder(cascade), validation)
    for level, stage in enumerate(run.definition.stage):
        summary = measured.summary("inter_ocular", level)
        if summary is not None:
            run.report(
                f"{stage.name} on {validation.name} (n = {summary.n}), % of the eye distance: mean "
                f"{100 * summary.mean:.2f}, median {100 * summary.median:.2f}, above 10 %: "
                f"{100 * summary.failure_rate:.2f} % of the pictures"
            )
    return measured


def _train(trainer: StageTrainer, task: Task, snapshot: Path, log: StageLog) -> None:
    """The loop. A signal ends it with a snapshot; others are made now and then."""
    every, saved = math.ceil(trainer.iterations / ROWS), time.monotonic()
    numbers = range(trainer.iteration, trainer.iterations)
    with ThreadPoolExecutor(1) as pool, stopping() as stop:
        for batch in in_order(pool, task.batch, numbers, AHEAD):
            rate = trainer.rate()
            trainer.step(batch)
            _note(trainer, rate, every, task, log)
            if stop or time.monotonic() - saved > SNAPSHOT_SECONDS:
                trainer.save(snapshot)
                saved = time.monotonic()
            if stop:
                log.report(
                    f"{log.name}: stopped after iteration {trainer.iteration} with {snapshot}; "
                    "run again to resume"
                )
                break


def _note(trainer: StageTrainer, rate: float, every: int, task: Task, log: StageLog) -> None:
    """Show how far the training is, or write a row of the log where one ends."""
    count, done = trainer.iteration % every, trainer.iteration == trainer.iterations
    if count and not done:
        log.show(trainer.iteration, lambda: float(trainer.total) / count)
        return
    due = done or trainer.iteration % (every * VALIDATE) == 0
    validated = task.validate(trainer.answers) if due else None
    log.row(trainer.iteration, rate, float(trainer.total) / (count or every), validated)
    trainer.total.zero_()
