"""LSTM against Caffe's units, one step of one sequence at a time."""

import numpy as np
import pytest

from protoface.converters import ProtofaceError, build_graph

T, N, H = 4, 2, 3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(exposed=False, static=False):
    def reference(bottoms, blobs):
        x, cont, *rest = bottoms
        weight, bias, recurrent = blobs[0], blobs[1], blobs[-1]
        steps, count, size = *x.shape[:2], recurrent.shape[1]
        hs, last = np.zeros((steps, count, size)), np.zeros((2, 1, count, size))
        for n in range(count):
            h, c = (rest[-2][0, n], rest[-1][0, n]) if exposed else (np.zeros(size), np.zeros(size))
            for t in range(steps):
                gates = weight @ x[t, n].ravel() + bias + recurrent @ (cont[t, n] * h)
                if static:
                    gates = gates + blobs[2] @ rest[0][n].ravel()
                i, f, o, g = gates.reshape(4, size)
                c = cont[t, n] * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
                hs[t, n] = h
            last[:, 0, n] = h, c
        return [hs, *last] if exposed else hs

    return reference


STATE = [(1, N, H), (1, N, H)]


@pytest.mark.parametrize("shape", [(T, N, 5), (T, N, 2, 3)])
@pytest.mark.parametrize("static", [[], [(N, 4)], [(N, 2, 2)]])
def test_bottoms(parity, shape, static):
    options = f"recurrent_param {{ num_output: {H} }}"
    parity("LSTM", options, [shape, shape[:2], *static], lstm(static=bool(static)), batches=[None])


@pytest.fixture
def steps(one_layer, filled, agree):
    """Runs a layer whose inputs are noise but for `cont`, which is 0 or 1."""

    def check(shapes, options="", tops=1, reference=None):
        text = f"recurrent_param {{ num_output: {H} {options} }}"
        net = filled(one_layer("LSTM", text, [(T, N, 5), (T, N), *shapes], tops))
        layer = net.layer[-1]
        blobs = [np.reshape(np.float64(blob.data), blob.shape.dim) for blob in layer.blobs]
        copy = type(layer)()
        copy.CopyFrom(layer)
        copy.bottom[1] = "cont"
        del net.layer[-1]
        net.layer.add(name="cont", type="Threshold", bottom=["x1"], top=["cont"])
        net.layer.append(copy)

        def expected(feed):
            bottoms = [np.float64(feed[f"x{index}"]) for index in range(len(shapes) + 2)]
            bottoms[1] = (bottoms[1] > 0) * 1.0
            outputs = reference(bottoms, blobs)
            return dict(zip(copy.top, outputs if tops > 1 else [outputs], strict=True))

        agree(net, expected, batches=[None])

    return check


def test_cont_begins_again(steps):
    steps([], reference=lstm())


def test_with_static(steps):
    steps([(N, 4)], reference=lstm(static=True))


def test_the_state_before_and_after(steps):
    steps(STATE, "expose_hidden: true", 3, lstm(exposed=True))


def test_all_together(steps):
    steps([(N, 4), *STATE], "expose_hidden: true", 3, lstm(exposed=True, static=True))


def test_blobs_and_multiply_adds(one_layer):
    shapes = [(T, N, 5), (T, N), (N, 6)]
    graph = build_graph(one_layer("LSTM", "recurrent_param { num_output: 3 }", shapes), "net")
    specs = graph.blob_specs().values()
    assert [spec.shape for spec in specs] == [(12, 5), (12,), (12, 6), (12, 3)]
    assert graph.multiply_adds() == N * 12 * (T * (5 + H) + 6)


@pytest.mark.parametrize(
    ("options", "shapes", "message"),
    [
        ("", [(T, N, 5), (T, N)], "num_output must be at least 1"),
        ("num_output: 3", [(T, N, 5)], "has 1 bottoms"),
        ("num_output: 3", [(T, N, 5), (T, N), *STATE], "has 4 bottoms"),
        ("num_output: 3", [(T, N), (T, N)], "must be T x N x ..."),
        ("num_output: 3", [(T, N, 5), (N, T)], "must be T x N x ..."),
        ("num_output: 3", [(T, N, 5), (T, N), (3, 4)], r"static \[3, 4\] must be 2 x ..."),
        ("num_output: 2 expose_hidden: true", [(T, N, 5), (T, N), *STATE], "state before must be"),
    ],
)
def test_bad_options(one_layer, options, shapes, message):
    net = one_layer("LSTM", f"recurrent_param {{ {options} }}", shapes)
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(LSTM\): .*{message}"):
        build_graph(net, "net")
