"""The ONNX file that `pack` writes beside weights: run as it is if it is listed, never otherwise."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from protoface.cascade import BACKENDS, ProtofaceError, load
from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import NAMES, load_nets, read_definition, runnable_nets
from protoface.cascade.pack import pack
from protoface.converters.onnx_file import OnnxFile

MODELS = [name for name, path in NAMES.items() if (path.parent / "level_1.caffemodel").is_file()]
READING = [name for name, b in BACKENDS.items() if b.reads_onnx and b.missing() is None]


@pytest.fixture
def image() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (120, 100, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 5)


@pytest.fixture
def packed(random_folder: Path, tmp_path: Path) -> Path:
    """The cascade of random weights, packed: each stage has its own net, weights and ONNX file."""
    return pack(random_folder, tmp_path / "packed").parent


def runnable(folder: Path) -> list[object]:
    contents: dict[str, bytes] = {}
    definition = read_definition(folder / "cascade.prototxt", contents=contents)
    return list(runnable_nets(definition, folder, contents))


def edited(folder: Path, old: str, new: str) -> None:
    file = folder / "cascade.prototxt"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def other_answers(path: Path) -> None:
    """Another net in the place of an ONNX file."""
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor) * 0.5
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)


@pytest.mark.parametrize("backend", READING)
@pytest.mark.parametrize(
    "model", [name if name == "fast" else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
)
def test_the_answers_are_those_of_the_caffe_files(model, backend, image):
    """In [-1, 1] of each window, from the same inputs."""
    path = NAMES[model]
    shipped = load(model, backend)
    definition = read_definition(path)
    caffe = Cascade(definition, load_nets(definition, path.parent), backend)
    steps = caffe.steps([image, image[::-1].copy()])
    for step, stage in zip(steps, shipped.stages, strict=False):  # a finder may find nobody here
        found = stage.forward(step.inputs)
        atol = 1e-5 if "16" not in backend else 0.05
        for blob, expected in step.outputs.items():
            np.testing.assert_allclose(found[blob], expected, atol=atol)


@pytest.mark.parametrize("model", MODELS)
def test_the_models_of_the_package_run_their_onnx_files(model):
    nets = runnable(NAMES[model].parent)
    assert all(isinstance(net, OnnxFile) for net in nets)
    assert {Path(net.path).suffix for net in nets if isinstance(net, OnnxFile)} == {".onnx"}


@pytest.mark.parametrize("backend", READING)
def test_a_packed_model_runs_its_onnx_files(backend, packed, image):
    expected = load(packed, backend).detect(image)[0].points
    reads = [net.path for net in runnable(packed) if isinstance(net, OnnxFile)]
    assert reads == [str(packed / f"level_{level}.onnx") for level in (1, 2)]
    caffe = read_definition(packed / "cascade.prototxt")
    found = Cascade(caffe, load_nets(caffe, packed), backend).detect(image)[0].points
    np.testing.assert_allclose(found, expected, atol=0.5 if "16" in backend else 1e-3)


def test_a_file_that_was_changed_is_refused(packed):
    other_answers(packed / "level_1.onnx")
    with pytest.raises(ProtofaceError, match=r"level_1\.onnx: is not the file that the cascade"):
        load(packed)


def test_what_is_run_was_read_once(packed, monkeypatch, image):
    """The bytes that were checked run: the file may be another one a moment later."""
    expected = load(packed).detect(image)[0].points
    contents: dict[str, bytes] = {}
    definition = read_definition(packed / "cascade.prototxt", contents=contents)
    other_answers(packed / "level_1.onnx")
    nets = runnable_nets(definition, packed, contents)
    np.testing.assert_array_equal(Cascade(definition, nets).detect(image)[0].points, expected)


@pytest.mark.parametrize("unlisted", ["level_1.onnx", "level_1.caffemodel", "level_1.prototxt"])
def test_a_file_that_is_not_listed_is_not_taken(unlisted, packed, image):
    """Nor an ONNX file whose weights may have changed since."""
    expected = load(packed, "opencv").detect(image)[0].points
    digest = hashlib.sha256((packed / unlisted).read_bytes()).hexdigest()
    edited(packed, f'file {{\n  path: "{unlisted}"\n  sha256: "{digest}"\n}}\n', "")
    if unlisted == "level_1.onnx":
        other_answers(packed / unlisted)
    first, second = runnable(packed)
    assert not isinstance(first, OnnxFile)
    assert isinstance(second, OnnxFile)
    np.testing.assert_allclose(load(packed).detect(image)[0].points, expected, atol=1e-3)


def test_the_file_of_another_net_is_not_taken(packed):
    """Of the same name as the weights, but the stage takes another text."""
    shutil.copy(packed / "level_1.prototxt", packed / "other.prototxt")
    digest = hashlib.sha256((packed / "other.prototxt").read_bytes()).hexdigest()
    edited(packed, 'net: "level_1.prototxt"', 'net: "other.prototxt"')
    with open(packed / "cascade.prototxt", "a", encoding="utf-8") as file:
        file.write(f'file {{ path: "other.prototxt" sha256: "{digest}" }}\n')
    assert not isinstance(runnable(packed)[0], OnnxFile)


def test_given_weights_are_taken(packed, random_folder, image):
    weights = [random_folder / "two.caffemodel", random_folder / "one.caffemodel"]
    plain = load(packed).detect(image)[0].points
    given = load(packed, weights=weights).detect(image)[0].points
    expected = load(random_folder, weights=weights).detect(image)[0].points
    np.testing.assert_allclose(given, expected, atol=1e-4)
    assert np.abs(given - plain).max() > 1


def test_pytorch_takes_the_weights(packed, image):
    for level in (1, 2):
        other_answers(packed / f"level_{level}.onnx")
    text = (packed / "cascade.prototxt").read_text()
    start = text.index("file {")
    (packed / "cascade.prototxt").write_text(text[:start])
    expected = load(packed, "torch").detect(image)[0].points
    np.testing.assert_allclose(load(packed).detect(image)[0].points, expected, atol=1e-3)


def test_a_listed_file_that_is_no_onnx(packed):
    (packed / "level_1.onnx").write_bytes(b"nothing")
    text = (packed / "cascade.prototxt").read_text()
    start = text.index('"', text.index("sha256", text.index('path: "level_1.onnx"'))) + 1
    digest = hashlib.sha256(b"nothing").hexdigest()
    (packed / "cascade.prototxt").write_text(text[:start] + digest + text[start + 64 :])
    for backend in READING:
        with pytest.raises(ProtofaceError, match=r"level_1\.onnx: ") as caught:
            load(packed, backend)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", [name for name in BACKENDS if BACKENDS[name].missing() is None])
def test_stages_that_name_the_same_files_share_one_net(backend, monkeypatch):
    compiled = []
    for name in ("run", "open"):
        own = getattr(type(BACKENDS[backend]), name)

        def counted(self, net, *more, own=own):
            compiled.append(net)
            return own(self, net, *more)

        monkeypatch.setattr(type(BACKENDS[backend]), name, counted)
    cascade = load("fast", backend)
    assert len(cascade.stages) == 4
    assert len(compiled) == 2
