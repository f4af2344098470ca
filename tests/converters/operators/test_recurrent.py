"""LSTM against ONNX Runtime, and PyTorch's own."""

import io
import warnings

import numpy as np
import onnx
import pytest
import torch

from protoface.converters import ProtofaceError, from_onnx
from protoface.converters.opencv_net import has_caffe_importer
from protoface.converters.runtimes import run_pytorch

T, N, D, H = 4, 2, 5, 3
X = f"float[{T},{N},{D}] x"
STATE = f"float[1,{N},{H}]"


@pytest.fixture
def weights(noise):
    """W, R and B of one direction."""
    return {"W": noise(1, 4 * H, D), "R": noise(1, 4 * H, H, seed=1), "B": noise(1, 8 * H, seed=2)}


@pytest.mark.parametrize(
    ("inputs", "outputs", "body"),
    [
        ("", "float y", "y = LSTM<hidden_size=3>(x, W, R, B)"),
        ("", "float y", "y = LSTM<hidden_size=3>(x, W, R)"),
        ("", "float y, float h, float c", "y, h, c = LSTM<hidden_size=3>(x, W, R, B)"),
        ("", "float h", '"", h = LSTM<hidden_size=3>(x, W, R, B)'),
        (
            f", {STATE} h0, {STATE} c0",
            "float c",
            '"", "", c = LSTM<hidden_size=3>(x, W, R, B, "", h0, c0)',
        ),
        (f", {STATE} h0", "float y", 'y = LSTM<hidden_size=3>(x, W, R, B, "", h0)'),
    ],
)
def test_lstm(carried, weights, inputs, outputs, body):
    text = f"({X}{inputs}) => ({outputs}) {{ {body} }}"
    # `cont` is a Parameter
    reason = "nor compute layers that read nothing else"
    apart = {"opencv-onnx": reason, "opencv-caffe": reason} if has_caffe_importer() else {}
    net = carried(text, weights, batches=(None,), apart=apart)
    assert "LSTM" in [layer.type for layer in net.layer]


class Last(torch.nn.Module):
    """The last step of two layers."""

    def __init__(self, batch_first):
        super().__init__()
        self.lstm = torch.nn.LSTM(D, H, 2, batch_first=batch_first)

    def forward(self, x):
        y, _ = self.lstm(x)
        return y[:, -1] if self.lstm.batch_first else y[-1]


@pytest.mark.parametrize("batch_first", [False, True])
def test_what_pytorch_exports(batch_first):
    module, x, buffer = Last(batch_first).eval(), torch.randn(2, 4, D), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, x, buffer, dynamo=False, input_names=["x"], output_names=["y"])
    net = from_onnx(onnx.load_from_string(buffer.getvalue()), "m.onnx")
    found = run_pytorch(net, np.float64)({"x": x.numpy()})["y"]
    assert np.abs(found - module(x).detach().numpy()).max() < 1e-6


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('y = LSTM<hidden_size=3, direction="reverse">(x, W, R, B)', "direction reverse"),
        ("y = LSTM<hidden_size=3, clip=1.0>(x, W, R, B)", "clip"),
        ("y = LSTM<hidden_size=3>(x, W, R, B, n)", "lengths"),
        ("y = LSTM<hidden_size=3>(x, R, R, B)", "do not fit"),
        ("y = LSTM<hidden_size=3>(x, W, V, B)", "are not of one direction"),
        ("y = LSTM<hidden_size=3>(x, W, R, V)", "two numbers for each"),
        ("y = LSTM<hidden_size=3>(x, x, R)", "input 1 must be a constant"),
    ],
)
def test_what_caffe_cannot(model_of, noise, weights, body, message):
    weights["V"], weights["n"] = noise(2, 4 * H, H), np.array([4, 4], np.int32)
    with pytest.raises(ProtofaceError, match=f"m.onnx: node '.*{message}"):
        from_onnx(model_of(f"({X}) => (float y) {{ {body} }}", weights), "m.onnx")
