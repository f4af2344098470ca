"""Reading and checking a recipe: one file for one experiment."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from protoface.cascade import cascade_pb2
from protoface.cascade.definition import FILE, read_definition
from protoface.cascade.layouts import Layout, layout_of
from protoface.cascade.views.pixels import PixelsView, only_pixels
from protoface.cascade.windows import clean
from protoface.converters import ProtofaceError
from protoface.converters.files import PathLike
from protoface.converters.paths import anywhere, discreet, inside, shown
from protoface.converters.prototxt import read_message

from ..drawn.faces import WIDEST
from . import recipe_pb2
from .classifier_options import check_classifier
from .finder_options import check_finder

TrainingParameter = recipe_pb2.TrainingParameter
#: More than any experiment needs; a number without measure would take all memory, disk or time.
MOST = {
    "batch_size": 1 << 16,
    "epochs": 1_000_000,
    "count": 10_000_000,
    "views": 1000,
    "windows": 1 << 30,
}


@dataclass(frozen=True)
class Recipe:
    """A recipe, the cascade that it trains, and the folder that the cascade's nets are relative to."""

    parameter: recipe_pb2.RecipeParameter
    definition: cascade_pb2.CascadeParameter
    folder: Path
    source: str

    @property
    def layout(self) -> Layout:
        """Which points the cascade finds."""
        return layout_of(self.definition, self.source)

    def view(self, stage: cascade_pb2.StageParameter) -> PixelsView:
        """What a stage looks through. Raises ProtofaceError for what no recipe trains."""
        where = f"{self.source}: stage '{stage.name}'"
        view = only_pixels(stage, self.layout, clean, where)
        if view is None or stage.answer or view.begins or not view.plain:
            raise ProtofaceError(
                f"{where}: a recipe trains nets with one view of pixels that answer points, in colour"
            )
        return view

    def owner(self, name: str) -> str:
        """The first stage with the net and weights of the stage `name`: the one that trains them."""
        files = {stage.name: (stage.net, stage.weights) for stage in self.definition.stage}
        if not files[name][1]:
            return name
        return next(stage for stage, pair in files.items() if pair == files[name])

    def draws_for(self, name: str) -> bool:
        """Whether the stage `name` is trained on drawn faces."""
        drawn = self.parameter.synthetic
        return bool(drawn.count) and (not drawn.stage or name in drawn.stage)

    def shows(self, data: recipe_pb2.PicturesParameter, name: str) -> bool:
        """Whether the stage `name` is trained on the pictures `data`."""
        return not data.stage or name in data.stage

    def first_weights(self, name: str) -> str:
        """The file that the stage `name` begins with; "" for the net's fillers."""
        return next((stage.weights for stage in self.parameter.stage if stage.name == name), "")

    def task(self, name: str) -> str:
        """The field of TrainingParameter that is the task of the stage `name`; "": to answer points."""
        return self.training(self.owner(name)).WhichOneof("task") or ""

    def training(self, name: str) -> TrainingParameter:
        """How the stage `name` is trained: what holds for all, overridden by what is its own."""
        merged = TrainingParameter()
        merged.CopyFrom(self.parameter.training)
        for stage in self.parameter.stage:
            if stage.name == name:
                merged.MergeFrom(stage.training)
        return merged


def read_recipe(
    path: PathLike,
    seed: int | None = None,
    epochs_factor: float | None = None,
    outside: bool = False,
) -> Recipe:
    """The recipe in a file, checked; `seed` and `epochs_factor` stand in for the file's.

    Its cascade and that one's nets lie in the folder of the recipe, of the other one if that names the
    cascade; anywhere if the user trusts files `outside`. Raises ProtofaceError naming file and line,
    field or stage.
    """
    source = os.fspath(path)
    parameter, folder = _with_base(path, outside)
    if seed is not None:
        parameter.seed = seed
    if epochs_factor is not None:
        parameter.epochs_factor = epochs_factor
    if not parameter.cascade:
        raise ProtofaceError(f"{source}: names no cascade to train")
    if parameter.start and not (Path(parameter.start) / FILE).is_file():
        raise ProtofaceError(
            f"{source}: start {parameter.start} has no {FILE}; train that recipe first"
        )
    find = anywhere if outside else inside
    file = find(folder, parameter.cascade, f"{source}: cascade")
    recipe = Recipe(parameter, read_definition(file, outside, folder), file.parent, source)
    _check_data(recipe)
    _check_stages(recipe)
    return recipe


def _with_base(path: PathLike, outside: bool) -> tuple[recipe_pb2.RecipeParameter, Path]:
    """A recipe over the one that it is like, and the folder that its cascade is relative to.

    The other one may lie above or beside this one's folder: nothing but a recipe is read from there,
    and nothing of what else it may be is told.
    """
    own, folder = read_message(path, recipe_pb2.RecipeParameter()), Path(path).parent
    if not own.like:
        return own, folder
    where = f"{os.fspath(path)}: like"
    if Path(own.like).is_absolute() and not outside:
        raise ProtofaceError(
            f"{where} {shown(own.like)} is absolute; name it relative to the folder {folder}, or say "
            "that files outside are trusted (--outside)"
        )
    other = anywhere(folder, own.like, where)
    with discreet(other, [folder], "a recipe"):
        base = read_message(other, recipe_pb2.RecipeParameter())
    if base.like:
        raise ProtofaceError(f"{os.fspath(path)}: like {own.like}, which is itself like another recipe")
    if own.data:
        base.ClearField("data")
    if not own.cascade:
        folder = other.parent
    base.MergeFrom(own)
    base.ClearField("like")
    return base, folder


def _check_data(recipe: Recipe) -> None:
    parameter = recipe.parameter
    tasks = [recipe.task(stage.name) for stage in recipe.definition.stage]
    if not parameter.data and not parameter.synthetic.count and not all(tasks):
        raise ProtofaceError(f"{recipe.source}: has no data and no synthetic faces to train on")
    for weight in (*(data.weight for data in parameter.data), parameter.synthetic.weight):
        if weight <= 0:
            raise ProtofaceError(f"{recipe.source}: weight is {weight:g}, it must be positive")
    _check_drawn(recipe)
    named = [*parameter.data, *([parameter.validation] if parameter.HasField("validation") else [])]
    if not all(data.folder for data in named):
        raise ProtofaceError(f"{recipe.source}: data or validation without a folder")
    if parameter.epochs_factor <= 0:
        raise ProtofaceError(f"{recipe.source}: epochs_factor must be positive")


def _check_measure(message: Message, where: str) -> None:
    for name, most in MOST.items():
        value = getattr(message, name, 0)
        if value > most:
            raise ProtofaceError(f"{where}: {name} is {value}; it must be at most {most}")


def _check_drawn(recipe: Recipe) -> None:
    drawn, names = recipe.parameter.synthetic, [stage.name for stage in recipe.definition.stage]
    _check_measure(drawn, f"{recipe.source}: synthetic")
    if drawn.count and not 0 < drawn.narrowest <= WIDEST:
        raise ProtofaceError(f"{recipe.source}: synthetic's narrowest is not in 0 .. {WIDEST:g}")
    for what, stages in [
        ("synthetic faces", drawn.stage),
        *((f"data {data.folder}", data.stage) for data in recipe.parameter.data),
    ]:
        for name in stages:
            if name not in names or recipe.owner(name) != name:
                raise ProtofaceError(
                    f"{recipe.source}: {what} for '{name}', which is not a stage that is trained"
                )
    for name in (name for name in names if not recipe.task(name)):
        shown = any(recipe.shows(data, recipe.owner(name)) for data in recipe.parameter.data)
        if not shown and not recipe.draws_for(recipe.owner(name)):
            raise ProtofaceError(f"{recipe.source}: stage '{name}' has nothing to train on")


def _check_stages(recipe: Recipe) -> None:
    names = [stage.name for stage in recipe.definition.stage]
    _check_different(names, recipe.source)
    for given in recipe.parameter.stage:
        if given.name not in names:
            raise ProtofaceError(
                f"{recipe.source}: the cascade has no stage '{given.name}'; it has {', '.join(names)}"
            )
        if recipe.owner(given.name) != given.name:
            raise ProtofaceError(
                f"{recipe.source}: stage '{given.name}' has the net and weights of "
                f"'{recipe.owner(given.name)}', which trains them; set the training there"
            )
        if given.weights and not Path(given.weights).is_file():
            raise ProtofaceError(
                f"{recipe.source}: stage '{given.name}' begins with {given.weights}, which is not "
                "there; train the recipe that writes it first"
            )
    for stage in recipe.definition.stage:
        where = f"{recipe.source}: stage '{stage.name}'"
        if not stage.net:
            raise ProtofaceError(f"{where}: runs an ONNX file as it is; name a net to train")
        training = recipe.training(stage.name)
        _check_training(training, where)
        _check_measure(training, where)
        CHECKS[recipe.task(stage.name)](recipe, stage, where)


def _check_points(recipe: Recipe, stage: cascade_pb2.StageParameter, where: str) -> None:
    view, training = recipe.view(stage), recipe.training(stage.name)
    if view.needs_box:
        raise ProtofaceError(f"{where}: looks through a box window, which a recipe cannot train")
    least = training.jitter.least_factor
    if not 0 <= least <= training.jitter.factor:
        raise ProtofaceError(f"{where}: jitter's least_factor {least:g} is not in 0 .. factor")
    jitters = training.jitter.factor and view.needs_points
    if jitters and not recipe.parameter.HasField("validation"):
        raise ProtofaceError(
            f"{where}: its jitter is drawn from errors on validation pictures; name a "
            "validation set, or set jitter { factor: 0 }"
        )


def _check_finder(recipe: Recipe, stage: cascade_pb2.StageParameter, where: str) -> None:
    check_finder(recipe.training(stage.name).finder, stage, where)


def _check_classifier(recipe: Recipe, stage: cascade_pb2.StageParameter, where: str) -> None:
    classifier = recipe.training(stage.name).classifier
    _check_measure(classifier, where)
    check_classifier(classifier, stage, recipe.layout, where)


#: Field of a stage's task in TrainingParameter, "" for points -> what its training needs.
CHECKS: dict[str, Callable[[Recipe, cascade_pb2.StageParameter, str], None]] = {
    "": _check_points,
    "finder": _check_finder,
    "classifier": _check_classifier,
}


def _check_different(names: Sequence[str], source: str) -> None:
    """Each stage has files of its own; on some systems big and small letters are alike."""
    folded = [name.casefold() for name in names]
    for index, name in enumerate(names):
        if folded[index] in folded[:index]:
            raise ProtofaceError(f"{source}: two stages are named '{name}'; rename one of them")


def _check_training(training: TrainingParameter, where: str) -> None:
    augment, loss, jitter = training.augment, training.loss, training.jitter
    scatter = training.scatter
    positive = {"epochs": training.epochs, "base_lr": training.base_lr}
    positive.update({"loss's width": loss.width, "loss's curvature": loss.curvature})
    below_1 = ("beta1", "beta2", "ema", "statistics", "dropout", "warm_up")
    shares = ("flip", "gray", "blur", "occlusion", "occlusion_size", "jpeg")
    parts = {f"augment's {name}": getattr(augment, name) for name in shares}
    parts["scatter's probability"] = scatter.probability
    sigmas = ("shift", "scale", "rotation", "contrast", "brightness", "color", "noise")
    not_negative = {f"augment's {name}": getattr(augment, name) for name in sigmas}
    not_negative.update({"jitter's factor": jitter.factor, "jitter's noise": jitter.noise})
    not_negative["scatter's aspect"] = scatter.aspect
    wrong = {
        f"batch_size is {training.batch_size}; it must be at least 2": training.batch_size < 2,
        **{
            f"{name} is {value:g}; it must be positive": not value > 0
            for name, value in positive.items()
        },
        **{
            f"{name} is {value:g}; it must not be negative": not value >= 0
            for name, value in not_negative.items()
        },
        **{
            f"{name} is {getattr(training, name):g}; it must be at least 0 and below 1": not (
                0 <= getattr(training, name) < 1
            )
            for name in below_1
        },
        **{
            f"{name} is {value:g}; it must be from 0 to 1": not 0 <= value <= 1
            for name, value in parts.items()
        },
        "scatter's least_eyes and greatest_eyes must be above 0, in this order, and at most 0.5": not (
            0 < scatter.least_eyes <= scatter.greatest_eyes <= 0.5
        ),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise ProtofaceError(f"{where}: {message}")
