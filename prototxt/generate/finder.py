"""The net for faces of any size anywhere in the picture."""

from __future__ import annotations

from .mobilenet import Block, Table

#: The last map has 6 x 6 places, not 3 x 3, and no layer that would have to learn each place of a face
#: by itself.
FINDER = Table(
    16,
    (
        Block("conv1_1", 4, 24, 2),
        Block("conv1_2", 4, 24, 1),
        Block("conv2_1", 4, 32, 2),
        Block("conv2_2", 4, 32, 1),
        Block("conv3_1", 4, 64, 1),
        Block("conv3_2", 4, 64, 1),
    ),
    None,
)
