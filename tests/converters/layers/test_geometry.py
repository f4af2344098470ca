"""Kernel, pad, stride and dilation; what layers make of them is in their own tests."""

import pytest

from protoface.converters.layers.geometry import Geometry


@pytest.mark.parametrize(
    ("kernel", "dilation", "extent"),
    [((3, 3), (1, 1), (3, 3)), ((3, 5), (2, 1), (5, 5)), ((1, 1), (4, 4), (1, 1))],
)
def test_extent_of_a_dilated_kernel(kernel, dilation, extent):
    assert Geometry(kernel, (0, 0), (1, 1), dilation).extent == extent
