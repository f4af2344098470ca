"""Channels of narrower and wider nets."""

from protoface.prototxt.generate import Size


def test_widths_are_multiples_of_eight():
    """Rounded half up, but 18 becomes 24, as 16 would be a tenth too few."""
    assert [Size(width=width).channels(24) for width in (1, 0.5, 0.75, 0.1, 2)] == [
        24,
        16,
        24,
        8,
        48,
    ]


def test_patches_are_three_channels_for_each_point():
    assert Size().input_channels == 3
    assert Size(points=68, patches=True).input_channels == 204
