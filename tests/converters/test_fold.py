"""BatchNorm and Scale folded away: fewer layers, the same function."""

import numpy as np
import pytest

from protoface.converters import fold_batch_norm, load_net
from protoface.converters.blobs import to_array
from protoface.converters.graph import build_graph
from protoface.converters.runtimes import run_pytorch
from protoface.converters.weights import arrays_of, with_arrays

INPUT = "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: [1, 3, 7, 6] } } }"
CONV = """layer { name: 'conv' type: 'Convolution' bottom: 'x' top: 'c'
          convolution_param { num_output: 4 kernel_size: 3 } }"""
IN_PLACE = """layer { name: 'bn' type: 'BatchNorm' bottom: 'c' top: 'c' }
              layer { name: 'sc' type: 'Scale' bottom: 'c' top: 'c' scale_param { bias_term: true } }"""


@pytest.fixture
def folded(net_of, filled):
    """Fold a net of random weights in float64, check that it computes the same; its layers' names."""

    def fold(text):
        net = filled(net_of(INPUT + text))
        exact = {key: array.astype(np.float64) for key, array in arrays_of(net, "net").items()}
        net = with_arrays(net, build_graph(net, "net"), exact)
        result = fold_batch_norm(net, "net")
        feed = {"x": np.random.default_rng(0).normal(size=(2, 3, 7, 6))}
        before, after = (run_pytorch(one, np.float64)(feed) for one in (net, result))
        assert before.keys() == after.keys()
        for name, expected in before.items():
            np.testing.assert_allclose(after[name], expected, rtol=1e-10, atol=1e-10)
        return [layer.name for layer in result.layer[1:]]

    return fold


def test_in_place(folded):
    assert folded(CONV + IN_PLACE) == ["conv"]


def test_under_names_of_their_own(folded):
    assert folded(
        CONV
        + """
        layer { name: 'bn' type: 'BatchNorm' bottom: 'c' top: 'b' }
        layer { name: 'sc' type: 'Scale' bottom: 'b' top: 's' scale_param { bias_term: true } }
        layer { name: 'r' type: 'ReLU' bottom: 's' top: 'r' }"""
    ) == ["conv", "r"]


def test_pairs_are_found_by_blob_not_by_position(folded):
    assert folded("""
        layer { name: 'c1' type: 'Convolution' bottom: 'x' top: 'a'
                convolution_param { num_output: 4 kernel_size: 1 } }
        layer { name: 'c2' type: 'Convolution' bottom: 'x' top: 'b'
                convolution_param { num_output: 4 kernel_size: 1 bias_term: false } }
        layer { name: 'bn1' type: 'BatchNorm' bottom: 'a' top: 'a' }
        layer { name: 'bn2' type: 'BatchNorm' bottom: 'b' top: 'b' }
        layer { name: 's2' type: 'Scale' bottom: 'b' top: 'b' }
        layer { name: 's1' type: 'Scale' bottom: 'a' top: 'a' }
        layer { name: 'e' type: 'Eltwise' bottom: 'a' bottom: 'b' top: 'e'
                eltwise_param { coeff: [1, -2] } }""") == ["c1", "c2", "e"]


def test_batch_norm_alone_and_scale_alone(folded):
    assert folded(CONV + "layer { name: 'bn' type: 'BatchNorm' bottom: 'c' top: 'c' }") == ["conv"]
    for bias in ("true", "false"):
        scale = f"scale_param {{ bias_term: {bias} }}"
        assert folded(CONV + f"layer {{ name: 's' type: 'Scale' bottom: 'c' top: 'c' {scale} }}") == [
            "conv"
        ]


def test_group_and_depthwise(folded):
    conv = CONV.replace("num_output: 4", "num_output: 6 group: 3")
    assert folded(conv + IN_PLACE) == ["conv"]
    assert folded(conv.replace("'Convolution'", "'ConvolutionDepthwise'") + IN_PLACE) == ["conv"]


@pytest.mark.parametrize("options", ["", "transpose: true", "bias_term: false"])
def test_inner_product(folded, options):
    product = f"""layer {{ name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'c'
                  inner_product_param {{ num_output: 5 {options} }} }}"""
    assert folded(product + IN_PLACE) == ["ip"]


def test_inner_product_along_another_axis_is_not_folded(folded):
    """Its outputs are the last axis; the channels that BatchNorm sees are others, here as many."""
    product = """layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'c'
                 inner_product_param { num_output: 3 axis: 2 } }"""
    assert folded(product + IN_PLACE) == ["ip", "bn", "sc"]


def test_a_result_that_two_layers_read_is_not_folded(folded):
    assert folded(
        CONV
        + """
        layer { name: 'bn' type: 'BatchNorm' bottom: 'c' top: 'b' }
        layer { name: 'e' type: 'Eltwise' bottom: 'c' bottom: 'b' top: 'e' }"""
    ) == ["conv", "bn", "e"]


def test_an_activation_in_between_is_not_jumped(folded):
    relu = "layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c' }"
    assert folded(CONV + relu + IN_PLACE) == ["conv", "r", "bn", "sc"]


def test_a_batch_norm_of_the_input_stays(folded):
    assert folded("""layer { name: 'bn' type: 'BatchNorm' bottom: 'x' top: 'b' }
                     layer { name: 's' type: 'Scale' bottom: 'b' top: 's' }""") == ["bn", "s"]


def test_shared_weights_are_not_folded(folded):
    conv = CONV.replace("num_output: 4", "num_output: 3 pad: 1")
    shared = conv.replace("type:", "param { name: 'w' } type:")
    second = shared.replace("'conv'", "'conv2'").replace("'x'", "'c'").replace("top: 'c'", "top: 'd'")
    assert folded(shared + IN_PLACE + second) == ["conv", "bn", "sc", "conv2"]


def test_a_scale_shared_with_another_stays_with_the_other(folded):
    scale = "layer { name: '%s' type: 'Scale' bottom: '%s' top: '%s' param { name: 'g' } }"
    text = CONV + scale % ("s1", "c", "c") + "layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'r' }"
    assert folded(text + scale % ("s2", "r", "y")) == ["conv", "r", "s2"]


@pytest.mark.parametrize(
    "options", ["axis: 2", "num_axes: 2", "num_axes: 0", "axis: -1", "num_axes: -1"]
)
def test_scales_of_other_axes_stay(folded, options):
    text = (
        CONV + f"layer {{ name: 's' type: 'Scale' bottom: 'c' top: 'c' scale_param {{ {options} }} }}"
    )
    assert folded(text) == ["conv", "s"]


def test_a_scale_by_another_blob_stays(folded):
    assert folded(
        CONV
        + """
        layer { name: 'c2' type: 'Convolution' bottom: 'x' top: 'd'
                convolution_param { num_output: 4 kernel_size: 3 } }
        layer { name: 's' type: 'Scale' bottom: 'c' bottom: 'd' top: 's' scale_param { axis: 0 } }"""
    ) == ["conv", "c2", "s"]


def test_several_outputs_are_all_kept(folded):
    """Each net's output stays an output under its name, whichever layer wrote it."""
    assert folded(
        CONV
        + IN_PLACE
        + """
        layer { name: 'c2' type: 'Convolution' bottom: 'x' top: 'd'
                convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: 'bn2' type: 'BatchNorm' bottom: 'd' top: 'out' }"""
    ) == ["conv", "c2"]


def test_batch_statistics_are_not_folded(net_of, filled):
    """`use_global_stats: false`: the normalisation depends on the batch."""
    net = filled(
        net_of(
            INPUT
            + CONV
            + """layer { name: 'bn' type: 'BatchNorm' bottom: 'c' top: 'c'
                                          batch_norm_param { use_global_stats: false } }"""
        )
    )
    assert [layer.name for layer in fold_batch_norm(net, "net").layer] == ["in", "conv", "bn"]


def test_weights_keep_their_type(net_of, filled):
    net = filled(net_of(INPUT + CONV + IN_PLACE))
    folded_net = fold_batch_norm(net, "net")
    assert {to_array(blob, "n").dtype for blob in folded_net.layer[1].blobs} == {np.dtype(np.float32)}
    assert folded_net.layer[1].convolution_param.bias_term


def test_published_nets(published):
    for level in (1, 2):
        net = load_net(*published(level))
        folded_net = fold_batch_norm(net, "net")
        kinds = [layer.type for layer in folded_net.layer]
        assert len(net.layer) - len(kinds) == 38
        assert not {"BatchNorm", "Scale"} & set(kinds)
        feed = {"data": np.random.default_rng(1).uniform(-128, 128, (2, 3, 48, 48))}
        before, after = (run_pytorch(one, np.float64)(feed)["fc2"] for one in (net, folded_net))
        assert np.abs(before - after).max() < 1e-6 * np.abs(before).max()
