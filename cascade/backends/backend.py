"""The interface of a backend: it runs a net, or says what this machine lacks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from protoface.converters.ends import Ends, Run
from protoface.converters.onnx_file import OnnxFile

if TYPE_CHECKING:
    from onnx import ModelProto

    from protoface.converters.graph import Net

#: Below so many multiply-adds for a picture threads wait for each other longer than they save.
SMALL_NET = 100_000_000
#: A net with strides uses each weight at no more than a tenth of its input's pixels.
STRIDED = 10


def few_threads(multiply_adds: float) -> int | None:
    """The threads for a net where none are asked for: 1 for a small one, else the runtime's choice."""
    return 1 if multiply_adds < SMALL_NET else None


def estimated_work(model_bytes: int, pixels: int) -> float:
    """Multiply-adds of an ONNX model that nobody has read, by its size and its input's pixels."""
    return model_bytes / 4 * pixels / STRIDED


class Backend(Protocol):
    """How one runtime is asked whether it is there, and makes a net run.

    `runs_onnx`: whether it can run an ONNX model as it is. `reads_onnx`: whether it takes nets as ONNX
    only, so that an ONNX file beside the weights is as good as these. `own_threads`: whether their
    number is each net's own, not that of the whole process.
    """

    runs_onnx: bool
    reads_onnx: bool
    own_threads: bool

    def missing(self) -> str | None:
        """What this machine lacks, in one line with the remedy; None if the backend can run."""

    def run(self, net: Net | ModelProto, source: str, threads: int | None, multiple: int = 0) -> Run:
        """Make `net`, which holds its weights, run: input blobs in, output blobs out.

        `source` names it in errors; `threads` limits the runtime's. If `multiple` is not 0 the sides of
        inputs are any multiples of so many pixels. Raises ProtofaceError.
        """

    def open(self, file: OnnxFile, threads: int | None) -> tuple[Ends, Run]:
        """Make an ONNX file run that the runtime reads by itself; a size that it leaves open is 0.

        Raises ProtofaceError.
        """
