"""What goes into a net and comes out of it, whatever it is written in; needs no library but numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Blobs = dict[str, NDArray[Any]]
#: A net at work: an array for each input blob in, one for each output blob out.
Run = Callable[[Blobs], Blobs]


@dataclass(frozen=True)
class Value:
    """What one layer wrote into a blob: a name unique in the graph, the blob's name, its shape.

    An input bears its blob's name, and so does what was written last into any other blob.
    """

    name: str
    blob: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Ends:
    """What goes into a net and comes out of it; `name` stands for it in errors.

    A value's `name` is the runtime's, its `blob` the caller's. Shapes begin with the batch.
    """

    name: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
