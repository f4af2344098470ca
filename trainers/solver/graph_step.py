"""One iteration of a solver as a CUDA graph, without waiting for the host.

Forward pass, backward pass and update are recorded once. Before each run the host leaves three things
on the device, in the order of its commands and without waiting: which rows of the data to take, the
learning rate, and Adam's correction. The solver is that of `solvers`, the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from protoface.converters import ProtofaceError, caffe_pb2
from protoface.converters.cuda_graph import record

from ..data.batches import Batches
from ..net.parameters import Parameters
from .learning_rate import learning_rate
from .solvers import correction, update

Solver = caffe_pb2.SolverParameter
#: From a list of tops the net's loss.
LossOf = Callable[[list[Tensor]], Tensor]


class GraphStep:
    """Calls take one iteration each; what they return stays on the device.

    `loss` computes the net's loss of a list of tops, `learned` are the blobs with a gradient. On a CPU
    nothing is recorded, and the same operations run one by one. Raises ProtofaceError naming the layer
    whose data is not on the device, and at the first call for a net that cannot be recorded.
    """

    def __init__(
        self,
        solver: Solver,
        data: dict[str, Batches],
        loss: LossOf,
        learned: Sequence[nn.Parameter],
        parameters: Parameters,
        history: Tensor,
    ) -> None:
        for name, batches in data.items():
            if not batches.on_device:
                raise ProtofaceError(
                    f"layer '{name}': its data is too large for the GPU's memory, and a CUDA graph "
                    "cannot fetch it; train without one (--no-graph)"
                )
        self.solver, self.data, self.loss = solver, list(data.values()), loss
        self.learned, self.parameters, self.history = learned, parameters, history
        values = parameters.values
        self.rows = [
            [
                torch.zeros(batches.batch_size, dtype=torch.long, device=values.device)
                for batches in self.data
            ]
            for _ in range(solver.iter_size)
        ]
        self.rate, self.correction, self.result = (values.new_zeros(()) for _ in range(3))
        self._run: Callable[[], None] | None = None

    def __call__(self, iteration: int) -> Tensor:
        """The iteration of that number, from 0; the weighted loss, averaged over `iter_size`."""
        for part in self.rows:
            for rows, batches in zip(part, self.data, strict=True):
                rows.copy_(batches.next_rows())
        self.rate.fill_(learning_rate(self.solver, iteration))
        self.correction.fill_(correction(self.solver, iteration))
        if self._run is None:
            self._run = self._recorded() if self.result.is_cuda else self.compute
        self._run()
        return self.result.clone()

    def compute(self) -> None:
        """An iteration that reads only tensors of the device, and leaves the loss in `result`."""
        self.parameters.gradient.zero_()
        losses = []
        for part in self.rows:
            fed = zip(part, self.data, strict=True)
            loss = self.loss([top for rows, batches in fed for top in batches.tops(rows)])
            # all blobs at once: `backward` would take a kernel for each
            found = torch.autograd.grad(loss, self.learned, allow_unused=True)
            pairs = zip(self.learned, found, strict=True)
            reached = [
                (blob.grad, own) for blob, own in pairs if blob.grad is not None and own is not None
            ]
            torch._foreach_add_([total for total, _ in reached], [own for _, own in reached])
            losses.append(loss.detach())
        with torch.no_grad():
            update(self.solver, self.rate, self.correction, self.parameters, self.history)
        self.result.copy_(losses[0] if len(losses) == 1 else torch.stack(losses).mean())

    def _recorded(self) -> Callable[[], None]:
        """`compute` as a CUDA graph; what the runs before recording have changed is put back."""
        device, changed = self.result.device, (self.parameters.values, self.history)
        kept, random = [tensor.clone() for tensor in changed], torch.cuda.get_rng_state(device)
        run, _ = record(self.compute, device, "this net (train without one: --no-graph)")
        for tensor, before in zip(changed, kept, strict=True):
            tensor.copy_(before)
        torch.cuda.set_rng_state(random, device)
        return run


def merged(loss: LossOf, source: str) -> LossOf:
    """The same computed by fewer and larger kernels, forward and backward: by torch.compile.

    Calls raise ProtofaceError naming `source` for a net that it cannot take as a whole.
    """
    from torch._dynamo.exc import TorchDynamoException  # takes a second

    run = torch.compile(loss, fullgraph=True, dynamic=False)

    def call(tops: list[Tensor]) -> Tensor:
        try:
            return run(tops)
        except TorchDynamoException as error:
            reason = " ".join(str(error).strip().splitlines()[:2])
            raise ProtofaceError(
                f"{source}: torch.compile cannot merge this net ({reason}); leave --compile out"
            ) from error

    return call
