"""The view of a feature: what a stage before has answered for this one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..layouts import Layout
from ..windows.halves import Picture
from ..windows.mode import Mode
from ..windows.window import Window
from .view_kind import VIEWS, Batch, ViewKind


@VIEWS.register("feature")
class FeatureView(ViewKind):
    """The numbers of the answer `feature` of the same name, in whatever shape the net takes them."""

    mirrors = False
    pixels = 1
    shape: tuple[int, ...] = ()

    def __init__(
        self, parameter: cascade_pb2.FeatureView, layout: Layout, mode: Mode, where: str
    ) -> None:
        super().__init__(parameter, layout, mode, where)
        if not parameter.name:
            raise ProtofaceError(f"{where}: a view of a feature needs its name")
        self.reads = parameter.name

    @property
    def wanted(self) -> None:
        """Any shape: see `told`."""
        return

    def told(self, shape: tuple[int, ...]) -> None:  # noqa: D102
        self.shape = shape

    def windows(self, candidates: Sequence[Candidate]) -> list[Window]:
        """See ViewKind; it looks nowhere."""
        raise ProtofaceError("a feature cannot be the first view: it has no window")

    def windows_beside(
        self, candidates: Sequence[Candidate], others: Sequence[Sequence[Window]]
    ) -> Sequence[Window]:
        """See ViewKind: the first view's."""
        return others[0]

    def show(
        self,
        images: Sequence[Picture],
        windows: Sequence[Window],
        candidates: Sequence[Candidate],
    ) -> Batch:
        """See ViewKind. Raises ProtofaceError for a feature of another size."""
        batch = np.zeros((len(candidates), *self.shape), np.float32)
        for row, candidate in zip(batch, candidates, strict=True):
            feature = candidate.features[self.reads]
            if feature.size != row.size:
                raise ProtofaceError(
                    f"feature '{self.reads}' is of shape {list(feature.shape)}, the net that reads it "
                    f"takes {list(self.shape)} in '{self.blob}'"
                )
            row[...] = feature.reshape(self.shape)
        return batch

    def mirrored(self, batch: Batch) -> Batch:
        """See ViewKind: it is not known."""
        raise NotImplementedError
