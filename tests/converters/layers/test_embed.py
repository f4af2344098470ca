"""Embed: the bottom holds numbers of rows."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph


@pytest.fixture
def embed(one_layer, filled, agree):
    """Runs a layer of 5 rows, 4 columns behind a layer that makes whole numbers of noise."""

    def check(options, shape, batches=(1, 2)):
        net = one_layer("Embed", f"embed_param {{ num_output: 4 input_dim: 5 {options} }}", [shape])
        net = filled(net)
        blobs = [np.reshape(np.float64(blob.data), blob.shape.dim) for blob in net.layer[1].blobs]
        layer = net.layer[1]
        layer.bottom[0] = "t"
        del net.layer[1]
        net.layer.add(name="t", type="Threshold", bottom=["x0"], top=["h"])
        net.layer.add(name="p", type="Power", bottom=["h"], top=["t"]).power_param.scale = 3
        net.layer.append(layer)

        def expected(feed):
            rows = blobs[0][np.where(feed["x0"] > 0, 3, 0)]
            return {"y": rows + blobs[1] if len(blobs) > 1 else rows}

        agree(net, expected, batches)

    return check


@pytest.mark.parametrize("bias", ["", "bias_term: false"])
@pytest.mark.parametrize("shape", [(1, 6), (1, 2, 3), (3,)])
def test_formula(embed, shape, bias):
    embed(bias, shape, (1, 2) if len(shape) > 1 else (3,))


def test_shapes(one_layer):
    graph = build_graph(
        one_layer("Embed", "embed_param { num_output: 4 input_dim: 5 }", [(2, 3)]), "net"
    )
    assert graph.outputs[0].shape == (2, 3, 4)
    assert [spec.shape for spec in graph.blob_specs().values()] == [(5, 4), (4,)]


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("num_output: 4", [(1, 2)], "must be at least 1"),
        ("input_dim: 4", [(1, 2)], "must be at least 1"),
        ("num_output: 4 input_dim: 5", [(1, 2)] * 2, "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("Embed", f"embed_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(Embed\): .*{message}"):
        build_graph(net, "net")
