"""The net for inputs of half the size."""

from __future__ import annotations

from .mobilenet import Block, Table

#: The first block keeps its resolution, so 24 pixels end in 3 x 3.
SMALL = Table(
    16,
    (
        Block("conv1_1", 4, 24, 1),
        Block("conv1_2", 4, 24, 1),
        Block("conv2_1", 4, 32, 2),
        Block("conv2_2", 4, 32, 1),
        Block("conv3_1", 4, 64, 2),
        Block("conv3_2", 4, 64, 1),
    ),
    128,
)
