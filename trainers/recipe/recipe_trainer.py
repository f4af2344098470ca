"""Trains the whole cascade of a recipe, stage by stage; run again, it resumes."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from google.protobuf.message import Message

from protoface.cascade import cascade_pb2
from protoface.cascade.answers.points import PointsAnswer
from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import FILE, load_nets, weight_files
from protoface.cascade.parallel import cores, in_order
from protoface.cascade.views.pixels import PixelsView
from protoface.cascade.windows import clean
from protoface.converters import ProtofaceError, convert, read_net
from protoface.converters.files import PathLike, replacing, write_text
from protoface.converters.graph import Net
from protoface.converters.locking import LOCK, alone
from protoface.converters.paths import written
from protoface.converters.prototxt import to_text
from protoface.converters.stopping import stopping
from protoface.converters.weights import write_weights
from protoface.eval.datasets.dataset import Dataset
from protoface.eval.evaluation import Measured, cascade_finder, evaluate

from ..net.device import torch_device
from ..net.memory import keep_freed_memory
from .jitter import Complex, Floats, Jitter, mean_shape, measured_jitter, pose_weights
from .recipe import Recipe, TrainingParameter, read_recipe
from .sampler import Sampler
from .sources import read_sources
from .stage_log import StageLog
from .stage_trainer import StageTrainer
from .training_pictures import read_pictures, training_pictures
from .validation import Validation, show

Say = Callable[[str], None]
COPY = "recipe.prototxt"
#: What is written of each stage, behind its name.
SUFFIXES = (".prototxt", ".caffemodel", ".onnx", ".csv", ".snapshot.pt")
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
    run = _Run(recipe, folder, definition, validation, place, workers, report)
    for index, stage in enumerate(definition.stage):
        if recipe.owner(stage.name) != stage.name:
            continue
        if (folder / stage.weights).exists():
            report(f"{stage.name}: {folder / stage.weights} is there already")
            run.snapshot(stage.name).unlink(missing_ok=True)  # of a run that was killed at its end
        else:
            run.train_stage(index)
        net, weights = folder / stage.net, folder / stage.weights
        convert(net, weights, weights.with_suffix(".onnx"), fold_bn=True)
    measured = None if validation is None else run.measure(validation)
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

    Raises ProtofaceError if its net is another one.
    """
    start, weights = Path(recipe.parameter.start), f"{stage}.caffemodel"
    if not recipe.parameter.start or not (start / weights).exists() or (out / weights).exists():
        return
    if read_net(start / f"{stage}.prototxt") != net:
        raise ProtofaceError(
            f"{start / stage}.prototxt: another net than that of stage '{stage}' in {recipe.source}; "
            "give the stage another name to train it"
        )
    with replacing(out / weights) as path:
        shutil.copyfile(start / weights, path)


@dataclass
class _Run:
    """A recipe on its way, and what its stages share."""

    recipe: Recipe
    out: Path
    definition: cascade_pb2.CascadeParameter
    validation: Dataset | None
    device: torch.device
    workers: int
    report: Say

    @cached_property
    def photographs(self) -> list[Dataset]:
        """The recipe's `data`, read when the first stage needs them."""
        return [read_pictures(data, self.recipe, self.report) for data in self.recipe.parameter.data]

    def snapshot(self, stage: str) -> Path:
        """Where a stage's training is kept until its end."""
        return self.out / f"{stage}.snapshot.pt"

    def train_stage(self, index: int) -> None:
        """Train a stage from its snapshot, if there is one, and write its weights."""
        parameter = self.definition.stage[index]
        training = self.recipe.training(parameter.name)
        view = self.recipe.view(parameter)
        seen = None
        if self.validation is not None:
            seen = show(self.validation, view, self._cascade(index) if index else None)
        sampler = self._sampler(parameter.name, view, training, index, seen)
        faces, seed = len(sampler.sources), self.recipe.parameter.seed
        factor = self.recipe.parameter.epochs_factor
        iterations = max(1, round(training.epochs * factor * faces / training.batch_size))
        note = "" if factor == 1 else f", epochs times {factor:g}"
        self.report(f"{parameter.name}: {faces} faces, {iterations} iterations, seed {seed}{note}")
        net = self.out / parameter.net
        trainer = StageTrainer(
            read_net(net), str(net), training, iterations, [seed, index], self.device
        )
        snapshot = self.snapshot(parameter.name)
        if snapshot.exists():
            trainer.restore(snapshot)
            self.report(f"{parameter.name}: resuming from {snapshot}, iteration {trainer.iteration}")

        answer = PointsAnswer(cascade_pb2.PointsAnswer(), view.layout, clean)

        def error() -> float | None:
            return None if seen is None else seen.error(answer, trainer.forward)

        with StageLog(
            self.out / f"{parameter.name}.csv",
            parameter.name,
            trainer.iteration,
            iterations,
            training.batch_size,
            self.report,
        ) as log:
            _train(trainer, sampler, error, snapshot, log)
        write_weights(self.out / parameter.weights, trainer.weights())
        snapshot.unlink(missing_ok=True)

    def measure(self, validation: Dataset) -> Measured:
        """Errors of every level on the validation pictures, which are reported."""
        measured = evaluate(cascade_finder(self._cascade(len(self.definition.stage))), validation)
        for level, stage in enumerate(self.definition.stage):
            summary = measured.summary("inter_ocular", level)
            if summary is not None:
                self.report(
                    f"{stage.name} on {validation.name} (n = {summary.n}), % of the eye distance: mean "
                    f"{100 * summary.mean:.2f}, median {100 * summary.median:.2f}, above 10 %: "
                    f"{100 * summary.failure_rate:.2f} % of the pictures"
                )
        return measured

    def _sampler(
        self,
        name: str,
        view: PixelsView,
        training: TrainingParameter,
        index: int,
        seen: Validation | None,
    ) -> Sampler:
        pictures = training_pictures(self.recipe, name, self.photographs, self.out, self.workers)
        sources, kept = read_sources(name, view, pictures.paths, pictures.truth, self.workers)
        if len(kept) < len(pictures):
            missing = len(pictures) - len(kept)
            self.report(f"{name}: {missing} faces are too small for its window, left out")
        shape = mean_shape(pictures.truth, view.layout)
        weights: Floats = pictures.weights[kept]
        if training.hard_pose:
            weights = weights * pose_weights(shape, pictures.truth[kept], training.hard_pose)
        jitter = self._jitter(shape, training, seen) if view.needs_points else None
        alike = bool((weights == weights[0]).all())
        seed = [self.recipe.parameter.seed, index]
        return Sampler(view, sources, training, seed, None if alike else weights, jitter)

    def _jitter(self, shape: Complex, training: TrainingParameter, seen: Validation | None) -> Jitter:
        """Errors of the stages before; none without validation pictures (see `read_recipe`)."""
        flip, options = self.recipe.layout.flip, training.jitter
        if seen is None:
            return Jitter(shape, np.zeros((1, len(shape)), np.complex128), flip, options.noise)
        found, truth = seen.found_before, seen.dataset.truth
        return measured_jitter(shape, found, truth, flip, options)

    def _cascade(self, count: int) -> Cascade:
        """The first `count` stages as trained; run by PyTorch, which is there on every machine."""
        definition = cascade_pb2.CascadeParameter()
        definition.CopyFrom(self.definition)
        del definition.stage[count:]
        nets = load_nets(definition, self.out, weight_files(definition, self.out))
        return Cascade(definition, nets, "torch")


def _train(
    trainer: StageTrainer,
    sampler: Sampler,
    error: Callable[[], float | None],
    snapshot: Path,
    log: StageLog,
) -> None:
    """The loop. A signal ends it with a snapshot; others are made now and then."""
    every, saved = math.ceil(trainer.iterations / ROWS), time.monotonic()
    numbers = range(trainer.iteration, trainer.iterations)
    with ThreadPoolExecutor(1) as pool, stopping() as stop:
        for batch in in_order(pool, sampler.batch, numbers, AHEAD):
            rate = trainer.rate()
            trainer.step(batch)
            _note(trainer, rate, every, error, log)
            if stop or time.monotonic() - saved > SNAPSHOT_SECONDS:
                trainer.save(snapshot)
                saved = time.monotonic()
            if stop:
                log.report(
                    f"{log.name}: stopped after iteration {trainer.iteration} with {snapshot}; "
                    "run again to resume"
                )
                break


def _note(
    trainer: StageTrainer, rate: float, every: int, error: Callable[[], float | None], log: StageLog
) -> None:
    """Show how far the training is, or write a row of the log where one ends."""
    count, done = trainer.iteration % every, trainer.iteration == trainer.iterations
    if count and not done:
        log.show(trainer.iteration, lambda: float(trainer.total) / count)
        return
    validated = error() if done or trainer.iteration % (every * VALIDATE) == 0 else None
    log.row(trainer.iteration, rate, float(trainer.total) / (count or every), validated)
    trainer.total.zero_()
