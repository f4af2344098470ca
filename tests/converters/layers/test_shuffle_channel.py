"""ShuffleChannel."""

import pytest

from protoface.converters import ProtofaceError, build_graph


@pytest.mark.parametrize("group", [1, 2, 3, 6])
def test_group(parity, group):
    def shuffled(bottoms, blobs):
        count = 6 // group
        return bottoms[0][:, [row * count + column for column in range(count) for row in range(group)]]

    parity("ShuffleChannel", f"shuffle_channel_param {{ group: {group} }}", [(1, 6, 3, 4)], shuffled)


def test_one_group_is_the_default(parity):
    parity("ShuffleChannel", "", [(1, 6, 3, 4)], lambda bottoms, blobs: bottoms[0])


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("group: 4", [(1, 6, 3, 4)], "6 channels do not fall into 4 groups"),
        ("group: 0", [(1, 6, 3, 4)], "into 0 groups"),
        ("", [(1, 6)], "is not N x C x H x W"),
        ("", [(1, 6, 3, 4)] * 2, "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("ShuffleChannel", f"shuffle_channel_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(ShuffleChannel\): .*{message}"):
        build_graph(net, "net")
