"""ONNX models as Caffe nets: PyTorch's exports, files on the command line, what is refused."""

import io
import warnings

import cv2
import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from protoface.converters import (
    ProtofaceError,
    convert_onnx,
    from_onnx,
    load_net,
    read_net_from_caffe,
    read_onnx,
    to_onnx,
)
from protoface.converters.check import largest_difference
from protoface.converters.commands import convert as commands
from protoface.converters.layers import layer_types
from protoface.converters.opencv_net import has_caffe_importer
from protoface.converters.runtimes import run_pytorch


class Residual(nn.Module):
    """ResNet's basic block."""

    def __init__(self, channels, outputs, stride):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.through = nn.Identity()
        if stride > 1 or channels != outputs:
            conv = nn.Conv2d(channels, outputs, 1, stride, bias=False)
            self.through = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.branch(x) + self.through(x))


class Inverted(nn.Module):
    """MobileNet-v2's block."""

    def __init__(self, channels, outputs, stride):
        super().__init__()
        inner = 4 * channels
        self.same = stride == 1 and channels == outputs
        self.branch = nn.Sequential(
            nn.Conv2d(channels, inner, 1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU6(),
            nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU6(),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        return x + self.branch(x) if self.same else self.branch(x)


class Squeezed(nn.Module):
    """A squeeze-and-excitation, as in MobileNet-v3."""

    def __init__(self, channels):
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x):
        factor = self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True))))
        return x * nn.functional.hardsigmoid(factor)


class Shuffled(nn.Module):
    """ShuffleNet's exchange of channels, written with views."""

    def forward(self, x):
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class Viewed(nn.Module):
    """A head that flattens by the batch size."""

    def __init__(self, channels):
        super().__init__()
        self.full = nn.Linear(channels, 5)

    def forward(self, x):
        x = nn.functional.adaptive_avg_pool2d(x, 1)
        return torch.softmax(self.full(x.view(x.size(0), -1)), 1)


def resnet():
    stem = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, Residual(8, 8, 1), Residual(8, 16, 2), Viewed(16))


def mobilenet_v2():
    stem = [nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6()]
    blocks = [Inverted(8, 8, 1), Inverted(8, 12, 2), Inverted(12, 12, 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 7))


def mobilenet_v3():
    stem = [nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish()]
    return nn.Sequential(*stem, Squeezed(8), nn.SiLU(), Shuffled(), nn.Dropout(), Viewed(8))


def autoencoder():
    down = [nn.Conv2d(3, 8, 3, 2, 1), nn.PReLU(8), nn.AvgPool2d(2), nn.ELU()]
    up = [nn.Upsample(scale_factor=2), nn.ConvTranspose2d(8, 6, 4, 2, 1), nn.LeakyReLU(0.1)]
    return nn.Sequential(*down, *up, nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(6, 3, 2), nn.Tanh())


MODELS = [resnet, mobilenet_v2, mobilenet_v3, autoencoder]


@pytest.fixture(params=MODELS, ids=lambda make: make.__name__)
def model(request):
    torch.manual_seed(0)
    module = request.param().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3)
            layer.running_var.uniform_(0.5, 2)
            layer.weight.data.uniform_(0.5, 2)
            layer.bias.data.normal_(0, 0.3)
    return module


def exported(module, size=32, free=False):
    """What torch.onnx.export writes, by the exporter that needs nothing else installed."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            torch.zeros(1, 3, size, size),
            buffer,
            dynamo=False,
            input_names=["picture"],
            output_names=["out"],
            dynamic_axes={"picture": {0: "n"}, "out": {0: "n"}} if free else None,
        )
    return buffer.getvalue()


def pictures(count):
    return np.random.default_rng(0).normal(size=(count, 3, 32, 32)).astype(np.float32)


@pytest.mark.parametrize("free", [False, True])
def test_what_pytorch_exports(agree, model, free):
    net = from_onnx(onnx.load_from_string(exported(model, free=free)), "model.onnx")
    x = pictures(3)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    actual = run_pytorch(net, np.float32)({"picture": x})["out"]
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    agree(net, batches=(1, 2), within=1e-4)


def test_files_load_in_opencv(tmp_path, model):
    """By `read_net_from_caffe` everywhere, and by OpenCV 4's own importer alone."""
    (tmp_path / "m.onnx").write_bytes(exported(model))
    files = tmp_path / "n.prototxt", tmp_path / "n.caffemodel"
    assert convert_onnx(tmp_path / "m.onnx", files[1]).written == (files[1], files[0])
    x = pictures(1)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    networks = [read_net_from_caffe(*files)]
    # 4.14 knows no Clip, and refuses every Pooling that says `round_mode`, as PyTorch's needs
    text = files[0].read_text()
    if has_caffe_importer() and "round_mode" not in text and "clip_param" not in text:
        networks.append(cv2.dnn.readNetFromCaffe(*map(str, files)))
    for network in networks:
        network.setInput(x)
        found = network.forward()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_on_the_command_line(tmp_path):
    torch.manual_seed(0)
    (tmp_path / "m.onnx").write_bytes(exported(mobilenet_v2().eval()))
    model, net, out = (str(tmp_path / name) for name in ("m.onnx", "n.prototxt", "n.caffemodel"))
    result = CliRunner().invoke(
        commands.convert, [model, "--out", out, "--fold-bn", "--check"], standalone_mode=False
    )
    assert result.exception is None
    assert result.return_value == 0
    assert "BatchNorm" not in {layer.type for layer in load_net(net, out).layer}
    result = CliRunner().invoke(
        commands.convert, [model, "--out", out, "--float16"], standalone_mode=False
    )
    assert "--float16 is for OUT.onnx" in str(result.exception)


def test_a_part_of_a_model_and_another_size(tmp_path):
    """`--output-blob` cuts behind an inner value, `--input-shape` replaces the declared size."""
    torch.manual_seed(0)
    (tmp_path / "m.onnx").write_bytes(exported(autoencoder().eval()))
    inner = read_onnx(tmp_path / "m.onnx").graph.node[3].output[0]
    model, net, out = (str(tmp_path / name) for name in ("m.onnx", "n.prototxt", "n.caffemodel"))
    options = ["--output-blob", inner, "--input-shape", "1,3,48,40", "--check"]
    result = CliRunner().invoke(
        commands.convert, [model, "--out", out, *options], standalone_mode=False
    )
    assert result.exception is None
    assert result.return_value == 0
    kinds = [layer.type for layer in load_net(net, out).layer]
    assert kinds == ["Input", "Convolution", "PReLU", "Pooling", "ELU"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "(float[1,4] x) => (float[1,4] y) { y = Erf(x) }",
            r"node 'y' \(Erf\): the operator Erf has no",
        ),
        (
            "(float[1,H] x) => (float[1,H] y) { y = Relu(x) }",
            "leaves sizes open; give --input-shape x=",
        ),
        ("(int64[1,4] x) => (int64[1,4] y) { y = Abs(x) }", "input 'x' does not hold floats"),
        ("(float[1,4] x) => (float[1,4] x) { y = Relu(x) }", "output 'x' is an input as well"),
        ("(float[1,4] x) => (float[1,4] z) { y = Relu(x) }", "output 'z' is not computed"),
        ("(float[1,4] x) => (float[1,4] y) { y = Relu(x) \n y = Abs(x) }", "another node makes too"),
    ],
)
def test_what_is_refused(text, message):
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> graph {text}')
    with pytest.raises(ProtofaceError, match=f"m.onnx: .*{message}"):
        from_onnx(model, "m.onnx")


def test_an_operator_of_another_domain():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17, "my" : 1]> '
        "graph (float[1,4] x) => (float[1,4] y) { y = my.Relu(x) }"
    )
    with pytest.raises(ProtofaceError, match=r"the operator my.Relu has no Caffe layer here"):
        from_onnx(model, "m.onnx")


@pytest.mark.parametrize("content", [b"no model", b"\x08\x08", exported(nn.ReLU())[:-9]])
def test_files_that_are_none(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ProtofaceError, match=r"m\.onnx: (not an ONNX model|holds no ONNX graph)"):
        read_onnx(tmp_path / "m.onnx")


def test_every_type_that_is_written_is_known():
    """Kinds that operators name; a renamed layer would be found here and not by a user."""
    written = {"Convolution", "Deconvolution", "Pooling", "BatchNorm", "Scale", "Bias", "Power", "Clip"}
    written |= {"InnerProduct", "Permute", "Reshape", "Flatten", "Slice", "Tile", "Interp", "Reduction"}
    assert written <= set(layer_types())


@pytest.mark.parametrize(
    ("kind", "options", "shapes", "tops"),
    [
        ("LSTM", "recurrent_param { num_output: 3 }", [(4, 2, 5), (4, 2)], 1),
        ("LSTM", "recurrent_param { num_output: 3 }", [(4, 2, 2, 3), (4, 2), (2, 4)], 1),
        (
            "LSTM",
            "recurrent_param { num_output: 3 expose_hidden: true }",
            [(4, 2, 5), (4, 2), (1, 2, 3), (1, 2, 3)],
            3,
        ),
        ("Embed", "embed_param { num_output: 3 input_dim: 5 }", [(2, 4)], 1),
        ("Parameter", "parameter_param { shape { dim: 2 dim: 3 } }", [], 1),
        ("Threshold", "threshold_param { threshold: 0.3 }", [(1, 5, 3, 3)], 1),
        ("PriorBox", "prior_box_param { min_size: 4 flip: true }", [(1, 5, 3, 3), (1, 3, 9, 9)], 1),
    ],
)
def test_what_random_nets_do_not_draw_comes_back(one_layer, filled, kind, options, shapes, tops):
    """`test_random_nets.py` does the others."""
    net = filled(one_layer(kind, options, shapes, tops))
    generator = np.random.default_rng(0)
    feed = {f"x{index}": generator.integers(0, 2, shape) for index, shape in enumerate(shapes)}
    back = from_onnx(to_onnx(net, "net"), "net.onnx")
    expected = run_pytorch(net, np.float64)(feed)
    assert largest_difference(expected, run_pytorch(back, np.float64)(feed)) < 1e-6


@pytest.mark.parametrize("way", ["link", "up", "absolute", "door/secret"])
def test_data_of_a_file_elsewhere(tmp_path, way):
    """External data lies beside the model, links followed."""
    (tmp_path / "model").mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(np.float32([1, 2]).tobytes())
    (tmp_path / "model" / "link").symlink_to(secret)
    (tmp_path / "model" / "door").symlink_to(tmp_path)
    location = {"up": "../secret", "absolute": str(secret)}.get(way, way)
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,2] x) => (float[1,2] y) '
        "<float[2] w = {1, 2}> { y = Add(x, w) }"
    )
    tensor = model.graph.initializer[0]
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32([1, 2]), "w"))
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    path = tmp_path / "model" / "n.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(
        ProtofaceError, match=r"n.onnx: the data of tensor 'w', .* is not in the folder"
    ):
        read_onnx(path)
    (tmp_path / "model" / "beside").write_bytes(secret.read_bytes())
    tensor.external_data[0].value = "beside"
    path.write_bytes(model.SerializeToString())
    assert onnx.numpy_helper.to_array(read_onnx(path).graph.initializer[0]).tolist() == [1, 2]
