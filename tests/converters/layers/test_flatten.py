"""Flatten of any run of axes."""

import pytest

from protoface.converters import ProtofaceError, build_graph


def flatten(first, last):
    def reference(bottoms, blobs):
        shape = bottoms[0].shape
        return bottoms[0].reshape(*shape[:first], -1, *shape[last + 1 :])

    return reference


@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        ("", 1, 3),
        ("axis: 2", 2, 3),
        ("axis: 1 end_axis: 2", 1, 2),
        ("axis: -2 end_axis: -1", 2, 3),
        ("axis: 2 end_axis: 2", 2, 2),
        ("axis: 0", 0, 3),
        ("axis: 0 end_axis: 1", 0, 1),
    ],
)
def test_axes(parity, options, first, last):
    parity("Flatten", f"flatten_param {{ {options} }}", [(1, 3, 4, 5)], flatten(first, last))


def test_a_matrix_stays(parity):
    parity("Flatten", "", [(1, 6)], flatten(1, 1))


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("axis: 2 end_axis: 1", [(1, 3, 4)], "axis 2 lies behind end_axis 1"),
        ("axis: 3", [(1, 3, 4)], "axis 3 is outside"),
        ("end_axis: -4", [(1, 3, 4)], "axis -4 is outside"),
        ("", [(1, 3), (1, 3)], "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Flatten", f"flatten_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Flatten\): .*{message}"):
        build_graph(net, "net")


def test_behind_another_reshape(agree, net_of, filled):
    """OpenCV 5 merges Reshapes in a row, wrongly if the second one keeps axes by 0."""
    agree(
        filled(
            net_of("""
        layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 2, 3, 4] } } }
        layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y'
                inner_product_param { num_output: 5 axis: 2 } }
        layer { name: 'f' type: 'Flatten' bottom: 'y' top: 'z' flatten_param { axis: 2 } }
        layer { name: 'g' type: 'Flatten' bottom: 'z' top: 'w' }""")
        )
    )
