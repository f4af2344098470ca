"""Conv, ConvTranspose and Pad against ONNX Runtime."""

import pytest

from protoface.converters import ProtofaceError, from_onnx

IO = "(float[N,4,9,8] x) => (float[N,M,H,W] y)"


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "pads=[1,1,1,1], strides=[2,2]",
        "pads=[1,0,1,0], strides=[1,2], dilations=[2,1]",
        "pads=[0,0,1,1], strides=[2,2]",
        "pads=[1,1,0,0], strides=[2,2]",
        "pads=[2,0,0,1], strides=[3,2]",
        "pads=[2,0,0,4], dilations=[2,2]",
        'auto_pad="SAME_UPPER", strides=[2,2]',
        'auto_pad="SAME_LOWER", strides=[2,3]',
        'auto_pad="VALID", strides=[2,1]',
    ],
)
@pytest.mark.parametrize("group", [1, 2])
def test_conv(carried, noise, attributes, group):
    listed = ", ".join([f"group={group}", *([attributes] if attributes else [])])
    net = carried(
        f"{IO} {{ y = Conv<{listed}>(x, w, b) }}",
        {"w": noise(6, 4 // group, 3, 2), "b": noise(6)},
        batches=(1, 2),
    )
    assert [layer.type for layer in net.layer] == ["Input", "Convolution"]


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "<strides=[2,3], pads=[1,0,1,0]>",
        "<group=2, strides=[2,2]>",
        "<strides=[2,2], pads=[1,1,1,1], output_padding=[1,1]>",
        "<strides=[3,4], pads=[0,1,0,1], output_padding=[2,1]>",
        "<strides=[2,2], pads=[0,2,1,0]>",
        "<strides=[2,3], pads=[2,0,0,1], output_padding=[0,2]>",
        "<strides=[4,4], dilations=[2,2], pads=[3,0,1,0], output_padding=[2,2]>",
    ],
)
def test_conv_transpose(carried, noise, attributes):
    carried(
        f"{IO} {{ y = ConvTranspose{attributes}(x, w, b) }}",
        {"w": noise(4, 3, 3, 3), "b": noise(6 if "group" in attributes else 3)},
    )


@pytest.mark.parametrize("pads", ["0,0,1,2,0,0,1,2", "0,0,2,1,0,0,2,1", "0,0,1,0,0,0,1,0"])
@pytest.mark.parametrize(
    "reader",
    [
        "y = Conv<strides=[2,2]>(p, w)",
        "y = Conv<pads=[1,1,1,1]>(p, w)",
        "y = AveragePool<kernel_shape=[3,3], strides=[3,3]>(p)",
    ],
)
def test_pad(carried, noise, pads, reader):
    net = carried(
        f"{IO} <int64[8] a = {{{pads}}}> {{ p = Pad(x, a) \n {reader} }}", {"w": noise(5, 4, 3, 3)}
    )
    assert net.layer[1].type in ("Convolution", "Pooling")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("y = ConvTranspose<output_shape=[9,9]>(x, w)", "output_shape"),
        ('y = ConvTranspose<auto_pad="SAME_UPPER">(x, w)', "auto_pad"),
        ("y = ConvTranspose<dilations=[2,2], pads=[0,0,1,1]>(x, w)", "differ before and behind"),
        ("y = Conv<dilations=[2,2], pads=[0,0,1,1]>(x, w)", "differ before and behind"),
        ("y = Conv(x, x)", "input 1 must be a constant"),
        ("p = Pad(x, a) \n y = Relu(p)", "Caffe pads in Convolution and Pooling only"),
        ('p = Pad<mode="reflect">(x, a) \n y = Conv(p, w)', "mode reflect"),
        ("p = Pad(x, a, one) \n y = Conv(p, w)", "fills in 1"),
        ("p = Pad(x, a, one) \n y = MaxPool<kernel_shape=[3,3]>(p)", "may be a window's maximum"),
    ],
)
def test_what_caffe_cannot(model_of, noise, body, message):
    text = f"{IO} <int64[8] a = {{0,0,1,1,0,0,1,1}}, float one = {{1}}> {{ {body} }}"
    with pytest.raises(ProtofaceError, match=f"m.onnx: node '.*{message}"):
        from_onnx(model_of(text, {"w": noise(4, 4, 3, 3)}), "m.onnx")
