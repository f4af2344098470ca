"""The net of a stage: what fits it, ONNX files as they are, the mean with the mirror image's answer."""

import re
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from protoface.cascade import BACKENDS, ProtofaceError, cascade_pb2, load
from protoface.cascade.answers.answer_kind import make_answers
from protoface.cascade.backends import opencv_backend as opencv
from protoface.cascade.backends.onnxruntime_backend import OnnxRuntime
from protoface.cascade.layouts import layout_of
from protoface.cascade.measure.step_times import load_cascades
from protoface.cascade.nets import mirror_averaged
from protoface.cascade.views.view_kind import make_views
from protoface.cascade.windows import clean
from protoface.converters.conversion import convert
from protoface.converters.prototxt import parse_message
from protoface.converters.pytorch import to_pytorch
from protoface.converters.runtimes import Blobs, Run

from ..constant_cascade import CASCADE, NET, SIMILARITY, SQUARE
from .two_views import ANSWERS, FAR, NEAR, write_two_views

ORDER = [1, 0, 2, 4, 3]
PATCHES = SIMILARITY.replace("} } }", "} patch: 0.5 } }")
ONNX_BACKENDS = [name for name in ("opencv", "onnxruntime") if BACKENDS[name].missing() is None]


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


def averaged(forward: Run, window: str, size: str, points: str) -> Run:
    """`mirror_averaged` for a stage with that window, whose net has blobs `data` and `points`."""
    text = f'{points} stage {{ name: "s" window {{ {window} }} preprocess {{ size: {size} }} }}'
    definition = parse_message(text, cascade_pb2.CascadeParameter(), "text")
    (stage,), layout = definition.stage, layout_of(definition, "text")
    (view,) = make_views(stage, layout, clean, "s")
    (answer,) = make_answers(stage, layout, clean, "s")
    return mirror_averaged(forward, {"data": view}, {"points": answer})


@pytest.mark.parametrize("points", [1, 5])
def test_the_mean_of_a_picture_and_its_mirror_image_by_hand(points):
    """A net whose answer is known: x is the mean of the left columns, y that of the right ones."""
    window, layout = "picture {}", 'point { name: "nose" }'
    if points == 5:
        window, layout = PATCHES[len("window {") : -1], CASCADE[: CASCADE.index("stage {")]

    def forward(inputs: Blobs) -> Blobs:
        (batch,) = inputs.values()
        parts = batch.reshape(len(batch), points, 3, 4, 6)
        means = [parts[..., :3].mean((2, 3, 4)), parts[..., 3:].mean((2, 3, 4))]
        return {"points": np.stack(means, 2).reshape(len(batch), -1)}

    batch = np.random.default_rng(0).normal(size=(2, 3 * points, 4, 6)).astype(np.float32)
    x, y = forward({"data": batch})["points"].reshape(2, points, 2).transpose(2, 0, 1)
    # the mirrored picture's left columns are the right ones, and each patch is its partner's
    expected = np.stack([(x - y) / 2, (y + x) / 2], 2).reshape(2, -1)
    found = averaged(forward, window, "4 size: 6", layout)({"data": batch})
    np.testing.assert_allclose(found["points"], expected, atol=1e-6)


def test_a_mirrored_picture_gets_mirrored_points(random_folder, image):
    """What averaging is for: the answer no longer depends on the side one looks from."""
    file = random_folder / "cascade.prototxt"
    plain = load(random_folder)
    file.write_text(file.read_text().replace('name: "level', 'flip_average: true name: "level'))
    averaged = load(random_folder)
    other = image[:, ::-1].copy()
    for found, same in ((averaged, True), (plain, False)):
        points, mirrored = found.detect(image)[0].points, found.detect(other)[0].points
        back = mirrored[ORDER] * (-1, 1) + (image.shape[1] - 1, 0)
        assert (np.abs(points - back).max() < 0.2) == same  # warpAffine rounds positions
    (one,), (two,) = averaged.detect_batch([image, other])
    np.testing.assert_allclose(one.points, averaged.detect(image)[0].points, atol=1e-4)
    np.testing.assert_allclose(two.points, averaged.detect(other)[0].points, atol=1e-4)


@pytest.mark.parametrize("backend", ONNX_BACKENDS)
def test_an_onnx_file_is_its_net_and_weights(backend, random_folder, onnx_folder, image):
    expected = load(random_folder, backend="opencv").detect_batch([image, image[:50]])
    found = load(onnx_folder, backend=backend).detect_batch([image, image[:50]])
    for (one,), (other,) in zip(expected, found, strict=True):
        np.testing.assert_allclose(one.points, other.points, atol=1e-3)
    files = [onnx_folder / f"{name}.onnx" for name in ("one", "two")]
    (given,) = load(random_folder, backend=backend, weights=files).detect(image)
    np.testing.assert_allclose(given.points, expected[0][0].points, atol=1e-3)


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
    (expected,) = load(random_folder, backend="opencv").detect(image)
    (found,) = load(onnx_folder, backend="onnxruntime").detect(image)
    assert 0 < np.abs(found.points - expected.points).max() < 0.03 * expected.windows[1].width


@pytest.mark.parametrize("reference", ["ONNX Runtime", "ONNX"])
@pytest.mark.parametrize("style", ["QDQ", "QOperator"])
def test_opencv_runs_int8_right_or_not_at_all(style, reference, onnx_folder, image, monkeypatch):
    for name in ("one", "two"):
        quantised(onnx_folder / f"{name}.onnx", style)
    (expected,) = load(onnx_folder, backend="onnxruntime").detect(image)
    if reference == "ONNX":
        monkeypatch.setattr(OnnxRuntime, "missing", lambda self: "made to be missing")
    found = refusal = None
    try:
        (found,) = load(onnx_folder, backend="opencv").detect(image)
    except ProtofaceError as error:
        refusal = str(error)
    if found:
        np.testing.assert_allclose(found.points, expected.points, atol=0.5)
    else:
        assert re.match(r"stage 'level_1' \(one.onnx\): OpenCV .* (refuse|cannot|wrongly)", refusal)


def test_an_onnx_file_that_opencv_computes_wrong_is_refused(onnx_folder, monkeypatch):
    wrong = cv2.dnn.readNetFromONNX(str(onnx_folder / "two.onnx"))
    monkeypatch.setattr(opencv, "opencv_net_from_onnx", lambda *_, **__: wrong)
    with pytest.raises(ProtofaceError, match=r"'level_1' \(one.onnx\): .* computes it wrongly"):
        load(onnx_folder, backend="opencv")


def test_pytorch_refuses_an_onnx_file_by_name(onnx_folder):
    with pytest.raises(
        ProtofaceError,
        match=r"'level_1' \(one.onnx\) is an ONNX file, which PyTorch .*: onnxruntime or opencv$",
    ):
        load(onnx_folder, backend="torch")
    cascades, real = load_cascades(onnx_folder, (), (), "clean", 1)
    assert real
    assert [cascade.backend for cascade in cascades] == [
        name for name, backend in BACKENDS.items() if backend.runs_onnx and not backend.missing()
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size: 8", "size: 9", "makes an input of shape 3 x 9 x 9, the net takes 3 x 8 x 8 in 'data'"),
        (SQUARE, PATCHES, "makes an input of shape 15 x 8 x 8, the net takes 3 x 8 x 8 in 'data'"),
        (
            'point { name: "nose" }',
            'point { name: "nose" } point { name: "chin" }',
            "needs an output of shape 12, the net gives 10 in 'points'",
        ),
        ('name: "level_1"', 'name: "level_1" answer { blob: "point" points {} }', "needs an output of"),
        (
            "preprocess { mean: 127.5 size: 8 } window { picture {} }",
            'view { blob: "x" pixels { preprocess { size: 8 } window { picture {} } } }',
            "makes an input of blob 'x', the net takes data; name one of them",
        ),
    ],
)
def test_a_net_that_does_not_fit_its_stage_is_refused(old, new, message, folder):
    file = folder / "cascade.prototxt"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(ProtofaceError, match=rf"net.prototxt: stage 'level_.' {message}") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "files", ['net: "both.prototxt" weights: "both.caffemodel"', 'onnx: "both.onnx"']
)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (FAR, "", r"has 1 view\(s\), its net 2 input\(s\): near, far"),
        (NEAR, f"{NEAR} {NEAR.replace('near', 'third')}", r"has 3 view\(s\), its net 2 input\(s\)"),
        ('blob: "far"', "", "makes an input of blob '', the net takes near, far; name one of them"),
        ('blob: "far"', 'blob: "fare"', "makes an input of blob 'fare', the net takes near, far"),
        (
            "size: 6 size: 10",
            "size: 10 size: 6",
            "of shape 3 x 10 x 6, the net takes 3 x 6 x 10 in 'far'",
        ),
        (ANSWERS, "", "needs an output of blob '', the net gives coarse, fine; name one of them"),
        ('blob: "fine"', "", "needs an output of blob '', the net gives coarse, fine"),
        ('blob: "fine"', 'blob: "fin"', "needs an output of blob 'fin', the net gives coarse, fine"),
        ('blob: "fine"', 'blob: "near"', "needs an output of blob 'near', the net gives coarse, fine"),
    ],
)
def test_views_and_answers_that_are_not_the_nets_are_refused(old, new, message, files, folder):
    file = write_two_views(folder) / "cascade.prototxt"
    text = file.read_text().replace('net: "both.prototxt" weights: "both.caffemodel"', files)
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    with pytest.raises(ProtofaceError, match=rf"both\.\w+: stage 'both' .*{message}") as caught:
        load(folder)
    assert "\n" not in str(caught.value)


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
    with pytest.raises(
        ProtofaceError, match=r"one.onnx: stage 'level_1' makes an input of shape 3 x 9 x 9"
    ):
        load(onnx_folder)
    file.write_text(text.replace("onnx:", 'net: "net.prototxt" onnx:', 1))
    with pytest.raises(ProtofaceError, match="needs a name, and either a net or an ONNX file"):
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

        def forward(inputs: Blobs) -> Blobs:
            return {"points": module(torch.from_numpy(inputs["data"])).numpy()}

        points = CASCADE[: CASCADE.index("stage {")]
        run = averaged(forward, PATCHES[len("window {") : -1], "8", points)
        found = run({"data": batch.numpy()})["points"]
    np.testing.assert_allclose(found, expected.reshape(3, 10), atol=1e-5)
