"""A batch of another size: where it computes the same, and what is declared where it does not."""

import pytest

from protoface.converters import build_graph, to_onnx
from protoface.converters.batch import open_shapes
from protoface.converters.check import check_converted
from protoface.converters.conversion import Converted
from protoface.converters.onnx_export import write_onnx


def shapes(model):
    """Name -> shape of every input and output."""
    return {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }


@pytest.mark.parametrize(
    ("kind", "options", "sizes", "top"),
    [
        ("ArgMax", "argmax_param { axis: 0 }", [(2, 4, 3, 5)], [1, 4, 3, 5]),
        ("InnerProduct", "inner_product_param { num_output: 3 axis: 0 }", [(2, 4, 3, 5)], [3]),
        ("Reshape", "reshape_param { shape { dim: 8 dim: -1 } }", [(2, 4, 3, 5)], [8, 15]),
        ("Reduction", "reduction_param { operation: MEAN }", [(2, 4, 3, 5)], []),
        ("Scale", "scale_param { axis: 0 num_axes: 2 }", [(2, 4, 3, 5)], [2, 4, 3, 5]),
    ],
)
def test_the_batch_is_fixed_where_a_layer_works_along_it(
    one_layer, filled, agree, kind, options, sizes, top
):
    """Another batch would be an error in the middle of the net, or wrong numbers."""
    net = filled(one_layer(kind, options, sizes))
    assert list(shapes(to_onnx(net, "net")).values()) == [*map(list, sizes), top]
    agree(net, batches=[None])


def test_the_batch_elsewhere(one_layer, filled, agree):
    net = filled(one_layer("Permute", "permute_param { order: 1 order: 0 }", [(2, 4, 3, 5)]))
    assert shapes(to_onnx(net, "net")) == {"x0": ["N", 4, 3, 5], "y": [4, "N", 3, 5]}
    agree(net, batches=[1, 2, 3])


def test_an_input_without_a_batch_axis(one_layer, filled, agree):
    net = filled(one_layer("Scale", "scale_param { axis: 2 }", [(2, 4, 3, 5), (3, 5)]))
    found = shapes(to_onnx(net, "net"))
    assert found == {"x0": ["N", 4, 3, 5], "x1": [3, 5], "y": ["N", 4, 3, 5]}
    agree(net, batches=[None])


def test_losses_and_labels_do_not_matter(net_of, filled):
    net = net_of(
        "input: 'x' input_shape { dim: [2, 3] } input: 'label' input_shape { dim: [2] } "
        "layer { name: 'f' type: 'InnerProduct' bottom: 'x' top: 'f' "
        "inner_product_param { num_output: 2 } }"
        "layer { name: 'l' type: 'SoftmaxWithLoss' bottom: 'f' bottom: 'label' top: 'l' }"
    )
    assert shapes(to_onnx(filled(net), "net"))["f"] == ["N", 2]


def test_many_inputs(one_layer):
    net = one_layer("Eltwise", "", [(1, 3)] * 7)
    assert open_shapes(net, build_graph(net, "net"), "net")["y"] == ["N", 3]


@pytest.mark.parametrize(
    ("kind", "options", "sizes"),
    [
        ("LSTM", "recurrent_param { num_output: 3 }", [(4, 2, 5), (4, 2)]),
        ("Scale", "scale_param { axis: 2 }", [(1, 4, 3, 5), (3, 5)]),
        ("Reduction", "reduction_param { operation: MEAN }", [(3, 4)]),
    ],
)
def test_the_check_feeds_what_fits(tmp_path, one_layer, filled, kind, options, sizes):
    net = filled(one_layer(kind, options, sizes))
    write_onnx(tmp_path / "n.onnx", to_onnx(net, "net"))
    found = check_converted(tmp_path / "n.onnx", Converted(net, net, ()))
    assert found
    assert all(difference.agrees for difference in found)
