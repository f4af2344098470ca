"""What a data layer read, before it is cut into batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from protoface.converters import caffe_pb2
from protoface.converters.blobs import Shape

LayerParameter = caffe_pb2.LayerParameter


@dataclass(frozen=True)
class Columns:
    """What a data layer read: one tensor a top, equally many rows in each.

    Pictures are uint8 (rows, height, width, channels), BGR; everything else is float. `prepare` makes
    the first top's batch out of its rows.
    """

    tensors: tuple[Tensor, ...]
    shapes: tuple[Shape, ...]
    prepare: Callable[[Tensor], Tensor]

    @property
    def rows(self) -> int:
        """Number of pictures."""
        return len(self.tensors[0])
