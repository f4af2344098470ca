"""The net of a stage: ONNX files as they are, and the mean over a picture and its mirror image."""

import re
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from protoface.cascade import BACKENDS, ProtofaceError, load
from protoface.cascade.backends import choice as backends
from protoface.cascade.backends.choice import OnnxRuntime
from protoface.cascade.measure.bench import load_cascades
from protoface.cascade.nets import mirror_averaged
from protoface.converters.conversion import convert
from protoface.converters.pytorch import to_pytorch

from ..constant_cascade import FIRST, NET, SECOND, constant_weights

ORDER = [1, 0, 2, 4, 3]
ONNX_BACKENDS = [name for name in ("opencv", "onnxruntime") if BACKENDS[name].missing() is None]


@pytest.fixture
def random_folder(folder: Path) -> Path:
    """The constant cascade, but the answers move with what there is to see."""
    for name, answer in (("one", FIRST), ("two", SECOND)):
        constant_weights(folder / f"{name}.caffemodel", answer, spread=2e-4)
    return folder


@pytest.fixture
def onnx_folder(random_folder: Path) -> Path:
    """The same with ONNX files in place of nets and weights."""
    file = random_folder / "cascade.prototxt"
    text = file.read_text()
    for name in ("one", "two"):
        weights = random_folder / f"{name}.caffemodel"
        convert(random_folder / "net.prototxt", weights, random_folder / f"{name}.onnx")
        old = f'net: "net.prototxt" weights: "{name}.caffemodel"'
        assert old in text
        text = text.replace(old, f'onnx: "{name}.onnx"')
    (random_folder / "whole").mkdir()
    (random_folder / "whole" / "cascade.prototxt").write_text(text)
    for name in ("one", "two"):
        (random_folder / f"{name}.onnx").rename(random_folder / "whole" / f"{name}.onnx")
    return random_folder / "whole"


@pytest.fixture
def image() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 5)


@pytest.mark.parametrize("points", [1, 5])
def test_the_mean_of_a_picture_and_its_mirror_image_by_hand(points):
    """A net whose answer is known: x is the mean of the left columns, y that of the right ones."""
    order = ORDER if points == 5 else [0]

    def forward(batch: np.ndarray) -> np.ndarray:
        parts = batch.reshape(len(batch), points, 3, 4, 6)
        return np.stack([parts[..., :3].mean((2, 3, 4)), parts[..., 3:].mean((2, 3, 4))], 2).reshape(
            len(batch), -1
        )

    batch = np.random.default_rng(0).normal(size=(2, 3 * points, 4, 6)).astype(np.float32)
    x, y = forward(batch).reshape(2, points, 2).transpose(2, 0, 1)
    # the mirrored picture's left columns are the right ones, and each patch is its partner's
    expected = np.stack([(x - y) / 2, (y + x) / 2], 2).reshape(2, -1)
    np.testing.assert_allclose(mirror_averaged(forward, order)(batch), expected, atol=1e-6)


def test_a_mirrored_picture_gets_mirrored_points(random_folder, image):
    """What averaging is for: the answer no longer depends on the side one looks from."""
    file = random_folder / "cascade.prototxt"
    plain = load(random_folder)
    file.write_text(file.read_text().replace('name: "level', 'flip_average: true name: "level'))
    averaged = load(random_folder)
    other = image[:, ::-1].copy()
    for found, same in ((averaged, True), (plain, False)):
        points, mirrored = found.detect(image).points, found.detect(other).points
        back = mirrored[ORDER] * (-1, 1) + (image.shape[1] - 1, 0)
        assert (np.abs(points - back).max() < 0.2) == same  # warpAffine rounds positions
    one, two = averaged.detect_batch([image, other])
    np.testing.assert_allclose(one.points, averaged.detect(image).points, atol=1e-4)
    np.testing.assert_allclose(two.points, averaged.detect(other).points, atol=1e-4)


@pytest.mark.parametrize("backend", ONNX_BACKENDS)
def test_an_onnx_file_is_its_net_and_weights(backend, random_folder, onnx_folder, image):
    expected = load(random_folder, backend="opencv").detect_batch([image, image[:50]])
    found = load(onnx_folder, backend=backend).detect_batch([image, image[:50]])
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one.points, other.points, atol=1e-3)
    files = [onnx_folder / f"{name}.onnx" for name in ("one", "two")]
    given = load(random_folder, backend=backend, weights=files).detect(image)
    np.testing.assert_allclose(given.points, expected[0].points, atol=1e-3)


def quantised(path: Path, style: str) -> None:
    """Quantise an ONNX file in place by ONNX Runtime's own tool."""
    quantization = pytest.importorskip("onnxruntime.quantization", reason="needs onnxruntime")

    class Calibration(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            batches = np.random.default_rng(0).uniform(-127, 128, (20, 1, 3, 8, 8))
            self.batches = iter([{"data": batch.astype(np.float32)} for batch in batches])

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.batches, None)

    style = quantization.QuantFormat[style]
    quantization.quantize_static(path, path, Calibration(), quant_format=style)
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(path).graph.node)


@pytest.mark.parametrize("style", ["QDQ", "QOperator"])
def test_int8_is_the_net_but_for_rounding(style, random_folder, onnx_folder, image):
    for name in ("one", "two"):
        quantised(onnx_folder / f"{name}.onnx", style)
    expected = load(random_folder, backend="opencv").detect(image)
    found = load(onnx_folder, backend="onnxruntime").detect(image)
    assert 0 < np.abs(found.points - expected.points).max() < 0.03 * expected.windows[1].width


@pytest.mark.parametrize("reference", ["ONNX Runtime", "ONNX"])
@pytest.mark.parametrize("style", ["QDQ", "QOperator"])
def test_opencv_runs_int8_right_or_not_at_all(style, reference, onnx_folder, image, monkeypatch):
    for name in ("one", "two"):
        quantised(onnx_folder / f"{name}.onnx", style)
    expected = load(onnx_folder, backend="onnxruntime").detect(image)
    if reference == "ONNX":
        monkeypatch.setattr(OnnxRuntime, "missing", lambda self: "made to be missing")
    found = refusal = None
    try:
        found = load(onnx_folder, backend="opencv").detect(image)
    except ProtofaceError as error:
        refusal = str(error)
    if found:
        np.testing.assert_allclose(found.points, expected.points, atol=0.5)
    else:
        assert re.match(r"stage 'level_1' \(one.onnx\): OpenCV .* (refuse|cannot|something)", refusal)


def test_an_onnx_file_that_opencv_computes_wrong_is_refused(onnx_folder, monkeypatch):
    wrong = cv2.dnn.readNetFromONNX(str(onnx_folder / "two.onnx"))
    monkeypatch.setattr(backends, "opencv_net_from_onnx", lambda *_, **__: wrong)
    with pytest.raises(ProtofaceError, match=r"'level_1' \(one.onnx\): .* computes something else"):
        load(onnx_folder, backend="opencv")


def test_pytorch_refuses_an_onnx_file_by_name(onnx_folder):
    with pytest.raises(
        ProtofaceError,
        match=r"'level_1' \(one.onnx\) is an ONNX file, which PyTorch does not run; use .*: opencv, ",
    ):
        load(onnx_folder, backend="torch")
    cascades, real = load_cascades(onnx_folder, (), (), "clean", 1)
    assert real
    assert [cascade.backend for cascade in cascades] == [
        name for name, backend in BACKENDS.items() if backend.runs_onnx and not backend.missing()
    ]


@pytest.mark.parametrize("backend", ONNX_BACKENDS)
def test_an_operator_that_a_runtime_does_not_know_is_named(backend, onnx_folder):
    model = onnx.load(onnx_folder / "one.onnx")
    model.graph.node[-1].op_type = "Nonsense"
    onnx.save(model, onnx_folder / "one.onnx")
    with pytest.raises(ProtofaceError, match=r"stage 'level_1' \(one.onnx\): .* refuses it: "):
        load(onnx_folder, backend=backend)


def test_onnx_files_that_do_not_fit_are_refused(random_folder, onnx_folder):
    file, path = onnx_folder / "cascade.prototxt", onnx_folder / "one.onnx"
    text, model = file.read_text(), onnx.load(path)
    file.write_text(text.replace("size: 8", "size: 9", 1))
    with pytest.raises(ProtofaceError, match=r"one.onnx: stage 'level_1' makes pictures of 3 x 9 x 9"):
        load(onnx_folder)
    file.write_text(text.replace("onnx:", 'net: "net.prototxt" onnx:', 1))
    with pytest.raises(ProtofaceError, match="needs a name, and a net or an ONNX file"):
        load(onnx_folder)
    file.write_text(text)
    with pytest.raises(ProtofaceError, match=r"one.caffemodel: stage 'level_1' is an ONNX file, so"):
        load(onnx_folder, weights=[random_folder / f"{name}.caffemodel" for name in ("one", "two")])
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, path)
    with pytest.raises(
        ProtofaceError, match=r"one.onnx: its batch size must be free, it takes \[\[1, "
    ):
        load(onnx_folder)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ProtofaceError, match=r"one.onnx: not an ONNX model, or a truncated one"):
        load(onnx_folder)
    path.unlink()
    with pytest.raises(ProtofaceError, match=r"one.onnx: no weights for level_1"):
        load(onnx_folder)


def test_patches_of_a_mirrored_face_are_their_partners():
    """`mirror_averaged` against PyTorch: flip, swap patches, run, swap points, negate x."""
    import torch

    from protoface.converters.fillers import fill
    from protoface.converters.graph import deployed
    from protoface.converters.prototxt import parse_message
    from protoface.converters.weights import Net

    text = NET.replace("1, 3, 8, 8", "1, 15, 8, 8").replace(
        "num_output: 10", 'num_output: 10 weight_filler { type: "xavier" }'
    )
    module = to_pytorch(fill(deployed(parse_message(text, Net(), "net")), 0), "net")
    batch = torch.randn(3, 15, 8, 8)
    with torch.no_grad():
        flipped = batch.flip(3).view(3, 5, 3, 8, 8)[:, ORDER].reshape(3, 15, 8, 8)
        mirrored = module(flipped).view(3, 5, 2)[:, ORDER] * torch.tensor((-1, 1))
        expected = (module(batch).view(3, 5, 2) + mirrored) / 2

        def forward(batch: np.ndarray) -> np.ndarray:
            return module(torch.from_numpy(batch)).numpy()

        found = mirror_averaged(forward, ORDER)(batch.numpy())
    np.testing.assert_allclose(found, expected.reshape(3, 10), atol=1e-5)
