"""The interface of a backend: it runs a net, or says what this machine lacks for it."""

from __future__ import annotations

from typing import Protocol

from onnx import ModelProto

from protoface.converters.graph import Net
from protoface.converters.runtimes import Run


class Backend(Protocol):
    """How one runtime is asked whether it is there, and makes a net run.

    `runs_onnx`: whether it can run an ONNX model as it is.
    """

    runs_onnx: bool

    def missing(self) -> str | None:
        """What this machine lacks, in one line with the remedy; None if the backend can run."""

    def run(self, net: Net | ModelProto, source: str, threads: int | None) -> Run:
        """Make `net`, which holds its weights, run: input blobs in, output blobs out.

        `source` names it in errors; `threads` limits the runtime's. Raises ProtofaceError.
        """
