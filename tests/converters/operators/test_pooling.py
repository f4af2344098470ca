"""MaxPool and AveragePool against ONNX Runtime: rounding, uneven pads, what is counted."""

import itertools

import pytest

from protoface.converters import ProtofaceError, from_onnx

IO = "(float[N,3,9,8] x) => (float[N,3,H,W] y)"
#: One window more or fewer than Caffe can make, whichever way it rounds.
REFUSED = set(itertools.product(["0,0,1,1", "0,1,1,1"], [1, 2], [0, 1])) - {
    ("0,0,1,1", 2, 0),
    ("0,1,1,1", 2, 0),
}
PADS = ["0,0,0,0", "1,1,1,1", "1,0,1,0", "0,0,1,1", "0,1,1,1"]


CASES = list(itertools.product(PADS, (1, 2, 3), (0, 1)))


@pytest.mark.parametrize(("pads", "stride", "ceil"), CASES)
@pytest.mark.parametrize("pool", ["MaxPool", "AveragePool", "AveragePool included"])
def test_windows(carried, model_of, pool, pads, stride, ceil):
    name, _, included = pool.partition(" ")
    attributes = f"kernel_shape=[3,2], strides=[{stride},{stride}], pads=[{pads}], ceil_mode={ceil}"
    text = f"{IO} {{ y = {name}<{attributes}{', count_include_pad=1' if included else ''}>(x) }}"
    if (pads, stride, ceil) in REFUSED:
        with pytest.raises(ProtofaceError, match="windows cannot be expressed in Caffe"):
            from_onnx(model_of(text), "m.onnx")
    else:
        assert carried(text).layer[1].type == "Pooling"


@pytest.mark.parametrize("operator", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global(carried, operator):
    net = carried(f"{IO} {{ y = {operator}(x) }}", batches=(1, 3))
    assert net.layer[1].pooling_param.global_pooling


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = MaxPool<kernel_shape=[2,2], dilations=[2,2]>(x)", "dilations cannot be"),
        ("y, i = MaxPool<kernel_shape=[2,2]>(x)", "indices"),
        ("y = MaxPool<kernel_shape=[20,2]>(x)", "larger than its padded input"),
        ("y = AveragePool<kernel_shape=[2]>(x)", "kernel_shape"),
    ],
)
def test_what_caffe_cannot(model_of, body, message):
    with pytest.raises(ProtofaceError, match=message):
        from_onnx(model_of(f"{IO} {{ {body} }}"), "m.onnx")
