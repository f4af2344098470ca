"""ArgMax against Caffe's sorted pairs."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

SHAPE = (1, 6, 3, 4)


def largest(values, count):
    """Caffe sorts pairs (value, place) downwards: of equal values the last place comes first."""
    return sorted(((value, place) for place, value in enumerate(values)), reverse=True)[:count]


def arg_max(axis=None, count=1, both=False):
    def reference(bottoms, blobs):
        x = bottoms[0]
        if axis is None:
            pairs = np.array([largest(row, count) for row in x.reshape(len(x), -1)])
            top = pairs[:, :, ::-1].transpose(0, 2, 1)[:, : 2 if both else 1]
            return top.reshape(*top.shape, *(1,) * (x.ndim - 3))
        chosen = 0 if both else 1
        return np.apply_along_axis(
            lambda values: np.array([pair[chosen] for pair in largest(values, count)]), axis, x
        )

    return reference


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("axis", [None, 1, 2, 3])
def test_options(parity, axis, count, both):
    options = f"top_k: {count} out_max_val: {str(both).lower()}"
    options += "" if axis is None else f" axis: {axis}"
    parity("ArgMax", f"argmax_param {{ {options} }}", [SHAPE], arg_max(axis, count, both))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 4)])
def test_fewer_axes(parity, shape, both):
    options = f"argmax_param {{ top_k: 2 out_max_val: {str(both).lower()} }}"
    parity("ArgMax", options, [shape], arg_max(None, 2, both))


def test_an_axis_from_behind(parity):
    parity("ArgMax", "argmax_param { axis: -1 }", [SHAPE], arg_max(3))


@pytest.mark.parametrize("options", ["", "axis: 1", "axis: 1 top_k: 3", "top_k: 4 out_max_val: true"])
def test_of_equal_values_the_last(agree, net_of, options):
    """A ReLU makes many zeros, and a Threshold ones."""
    axis = 1 if "axis" in options else None
    count = int(options.split("top_k: ")[1][0]) if "top_k" in options else 1
    for kind in ("ReLU", "Threshold"):
        net = net_of(f"""
            layer {{ name: 'x' type: 'Input' top: 'x'
                     input_param {{ shape {{ dim: {list(SHAPE)} }} }} }}
            layer {{ name: 'r' type: '{kind}' bottom: 'x' top: 'r' }}
            layer {{ name: 'a' type: 'ArgMax' bottom: 'r' top: 'y' argmax_param {{ {options} }} }}""")
        reference = arg_max(axis, count, "out_max_val" in options)

        def expected(feed, kind=kind, reference=reference):
            x = feed["x"].astype(np.float64)
            return {"y": reference([np.maximum(x, 0) if kind == "ReLU" else (x > 0) * 1.0], [])}

        agree(net, expected)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("top_k: 0", [(1, 6)], "top_k 0 must be 1 to 6"),
        ("top_k: 7", [(1, 6)], "top_k 7 must be 1 to 6"),
        ("top_k: 4 axis: 2", [SHAPE], "top_k 4 must be 1 to 3"),
        ("axis: 4", [SHAPE], "axis 4 is outside"),
        ("", [SHAPE, SHAPE], "has 2 bottoms"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("ArgMax", f"argmax_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(ArgMax\): .*{message}"):
        build_graph(net, "net")
