"""A recipe on its way, and what its stages share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from protoface.cascade import cascade_pb2
from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import load_nets, weight_files
from protoface.eval.datasets.dataset import Dataset

from .recipe import Recipe
from .training_pictures import read_pictures

Made = TypeVar("Made")


@dataclass
class RecipeRun:
    """A recipe that is trained into the folder `out`; `definition` is the cascade as it is there.

    `validation`: the recipe's pictures for that, if it names some. `workers` threads read pictures.
    """

    recipe: Recipe
    out: Path
    definition: cascade_pb2.CascadeParameter
    validation: Dataset | None
    workers: int
    report: Callable[[str], None]
    _remembered: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def photographs(self) -> list[Dataset]:
        """The recipe's `data`, read when the first stage needs them."""
        return [read_pictures(data, self.recipe, self.report) for data in self.recipe.parameter.data]

    def remembered(self, key: str, make: Callable[[], Made]) -> Made:
        """What `make` makes, once for all stages that ask for `key`: pictures are decoded once."""
        if key not in self._remembered:
            self._remembered[key] = make()
        made: Made = self._remembered[key]
        return made

    def snapshot(self, stage: str) -> Path:
        """Where a stage's training is kept until its end."""
        return self.out / f"{stage}.snapshot.pt"

    def cascade(self, count: int) -> Cascade:
        """The first `count` stages as trained; run by PyTorch, which is there on every machine."""
        definition = cascade_pb2.CascadeParameter()
        definition.CopyFrom(self.definition)
        del definition.stage[count:]
        nets = load_nets(definition, self.out, weight_files(definition, self.out))
        return Cascade(definition, nets, "torch")
