"""What a stage is trained to do: what it is shown, its loss, and how well it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from .recipe_run import RecipeRun


class Shown(Protocol):
    """A batch: `inputs` (n, channels, h, w) in channels_last memory, and what the loss needs."""

    @property
    def inputs(self) -> Tensor:
        """What the net is shown."""

    def to(self, device: torch.device) -> Any:
        """The same on another device."""


#: The loss, one number with a gradient, of what a net answers, by the names of its outputs, to a batch.
Objective = Callable[[Mapping[str, Tensor], Any], Tensor]
#: What the averaged net answers to inputs (n, channels, h, w), by the names of its outputs.
Answer = Callable[[NDArray[Any]], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Validated:
    """A figure on the validation pictures, and what is said of it."""

    value: float
    text: str


class Task(ABC):
    """The training of one stage, made of the run and the stage's number.

    `size` pictures are an epoch; `shown` says what they are.
    """

    size: int
    shown: str

    @abstractmethod
    def __init__(self, run: RecipeRun, index: int) -> None: ...

    @abstractmethod
    def batch(self, number: int) -> Shown:
        """What the net is shown in iteration `number`: the same for the same seed, in any order."""

    @abstractmethod
    def objective(self, outputs: Mapping[str, Tensor], batch: Any) -> Tensor:
        """See `Objective`."""

    @abstractmethod
    def validate(self, answer: Answer) -> Validated | None:
        """How well a net does, None where there is nothing to measure it on."""
