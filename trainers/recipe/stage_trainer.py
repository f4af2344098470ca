"""Training of one stage: its net, AdamW and the average of its weights, one batch at a time."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from protoface.cascade.views.view_kind import Batch as Input
from protoface.converters import ProtofaceError, filter_net
from protoface.converters.files import PathLike, check_readable, replacing
from protoface.converters.graph import TEST, TRAIN, Net
from protoface.converters.weights import read_weights, weights_of, with_arrays

from ..net.memory import laid_out
from ..net.parameters import flatten, share
from ..net.solver_net import solver_net
from . import recipe_pb2
from .adamw import AdamW, average, one_cycle
from .task import Objective, Shown

#: What a random number is for; part of its seed. 0, 1 and 4 are the sampler's.
FILLERS, DROPOUT = 2, 3


class StageTrainer:
    """A stage's net that is ready to take steps.

    `net` is the deploy net, `source` its file, `iterations` the length of the training, `seed` a
    sequence of numbers. Sets PyTorch's own random state. `ema` is the average, as a flat vector, that
    is kept in the end; `total` is the sum of the losses since it was last set to 0. `objective` makes
    the loss of a batch out of what the net answers.
    """

    def __init__(
        self,
        net: Net,
        source: str,
        training: recipe_pb2.TrainingParameter,
        objective: Objective,
        iterations: int,
        seed: list[int],
        device: torch.device,
    ) -> None:
        self.training, self.iterations, self.seed, self.device = training, iterations, seed, device
        self.objective = objective
        self.deploy = filter_net(net, TEST)
        filling = _number(seed, FILLERS)
        self.net = solver_net(_trained(net, training), source, {}, filling, needs_loss=False).to(device)
        self.parameters = flatten(self.net, torch.float32, device)
        self.adamw = AdamW(training, self.parameters)
        self.ema = self.parameters.values.clone()
        self.total = torch.zeros((), device=device)
        self.averaged = solver_net(self.deploy, source, {}, filling).to(device)
        share(self.averaged, replace(self.parameters, values=self.ema))

    @property
    def iteration(self) -> int:
        """Updates made."""
        return self.adamw.iteration

    def begin_with(self, path: PathLike) -> None:
        """Take the first weights from a file, by the layers' names; call it before any step.

        Raises ProtofaceError naming the file and the layer that is not in it, or is another one.
        """
        arrays = weights_of(read_weights(path), self.net.graph, os.fspath(path))
        self.parameters.load(self.parameters.values, arrays)
        self.ema.copy_(self.parameters.values)

    def rate(self) -> float:
        """The learning rate of the iteration to come."""
        return one_cycle(self.training, self.iteration, self.iterations)

    def step(self, batch: Shown) -> torch.Tensor:
        """One update of the weights and their average; returns the loss, which stays on the device."""
        batch = batch.to(self.device)
        torch.manual_seed(_number(self.seed, DROPOUT, self.iteration))
        self.parameters.gradient.zero_()
        outputs, _ = self.net.results(laid_out(batch.inputs))
        loss = self.objective(outputs, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self.adamw.step(self.rate())
            average(self.ema, self.parameters.values, self.training.ema, self.iteration)
        self.total += loss.detach()
        return loss.detach()

    def forward(self, inputs: Input) -> NDArray[Any]:
        """The averaged net's first output, as detection runs it: (n, channels, h, w) in."""
        return np.asarray(self.answers(inputs)[self.averaged.outputs[0]].cpu().numpy())

    def answers(self, inputs: Input) -> dict[str, torch.Tensor]:
        """All outputs of the averaged net, on the device, by their names."""
        with torch.no_grad():
            return self.averaged.results(laid_out(torch.from_numpy(inputs).to(self.device)))[0]

    def weights(self) -> Net:
        """The deploy net with the averaged weights. Raises ProtofaceError if one is not finite."""
        if not bool(self.ema.isfinite().all()):
            raise ProtofaceError(f"weights are not finite after iteration {self.iteration - 1}")
        return with_arrays(self.deploy, self.averaged.graph, self.parameters.arrays(self.ema))

    def save(self, path: Path) -> None:
        """Write a snapshot, whole or not at all; `restore` resumes from it, bit for bit on a CPU."""
        with replacing(path) as temporary:
            kept = {
                "iteration": torch.tensor(self.iteration),
                "channels_last": torch.tensor(self.parameters.channels_last),
                **self._state(),
            }
            torch.save(kept, temporary)

    def restore(self, path: Path) -> None:
        """Resume from a snapshot. Raises ProtofaceError if it belongs to another net or is damaged."""
        check_readable(path)
        try:
            saved = torch.load(path, map_location=self.device, weights_only=True)
            if bool(saved.get("channels_last", True)) != self.parameters.channels_last:
                raise ValueError("trained on another kind of device")
            # once snapshots were only made where it was 0, and did not hold it
            saved.setdefault("total", torch.zeros_like(self.total))
            for name, tensor in self._state().items():
                tensor.copy_(saved[name])
            self.adamw.iteration = int(saved["iteration"])
        except Exception as error:  # torch raises a dozen kinds for foreign and truncated files
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ProtofaceError(
                f"{path}: no snapshot of this stage ({reason}); remove it to train from the start"
            ) from error

    def _state(self) -> dict[str, torch.Tensor]:
        adamw = self.adamw
        return {
            "values": self.parameters.values,
            "ema": self.ema,
            "first": adamw.first,
            "second": adamw.second,
            "total": self.total,
        }


def _trained(net: Net, training: recipe_pb2.TrainingParameter) -> Net:
    """The TRAIN phase of a deploy net, as a recipe changes it."""
    changed = filter_net(net, TRAIN)
    for layer in changed.layer:
        if layer.type == "BatchNorm":
            layer.batch_norm_param.moving_average_fraction = training.statistics
        if layer.type == "Dropout" and training.HasField("dropout"):
            layer.dropout_param.dropout_ratio = training.dropout
    return changed


def _number(seed: list[int], *purpose: int) -> int:
    """One number of 63 bits out of several, for random states that take no more."""
    return int(np.random.SeedSequence([*seed, *purpose]).generate_state(1, np.uint64)[0] >> 1)
