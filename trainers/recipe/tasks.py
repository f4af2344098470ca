"""Which task a stage has, by the fields of its training."""

from __future__ import annotations

from .classifier_task import ClassifierTask
from .finder_task import FinderTask
from .points_task import PointsTask
from .recipe_run import RecipeRun
from .task import Task

#: Field of TrainingParameter -> the task of a stage that sets it.
TASKS: dict[str, type[Task]] = {"finder": FinderTask, "classifier": ClassifierTask}


def make_task(run: RecipeRun, index: int) -> Task:
    """The task of the stage of that number: to answer points, unless its training says more."""
    name = run.recipe.task(run.definition.stage[index].name)
    return TASKS.get(name, PointsTask)(run, index)
