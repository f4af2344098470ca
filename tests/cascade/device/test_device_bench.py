"""Times and agreement of cascades that stay on the device; here that is the CPU."""

import cv2
import numpy as np
import pytest
import torch

from protoface.cascade import ProtofaceError
from protoface.cascade.cascade import Cascade
from protoface.cascade.definition import NAMES
from protoface.cascade.device.device_bench import WAYS, measure_ways, stacked
from protoface.cascade.device.device_cascade import DeviceCascade
from protoface.cascade.measure.step_times import ON_DEVICE, load_model, random_pictures
from protoface.cli import protoface, run
from protoface.converters.cuda_graph import record
from protoface.trainers.drawn.faces import draw_face

from ... import tape
from ..shipped import FINDERS

CPU = torch.device("cpu")


def test_the_names_of_the_command_line():
    assert tuple(WAYS) == ON_DEVICE


def test_rows_and_agreement_of_a_real_model():
    """The reference is ONNX Runtime or OpenCV, so that two libraries compute the same nets."""
    definition, nets, real = load_model("synthetic", [])
    assert real
    reference = Cascade(definition, nets)
    images = [cv2.resize(draw_face(1, index, 256).image, (160, 160)) for index in range(3)]
    rows, (agreement,) = measure_ways(
        ["torch-cuda-device"], definition, nets, reference, images, [1, 5], 2, "cpu"
    )
    assert [(row.backend, row.batch, row.stage) for row in rows] == [
        ("torch-cuda-device", 1, "cascade"),
        ("torch-cuda-device", 5, "cascade"),
    ]
    assert all(0 < row.p50_ms <= row.p99_ms for row in rows)
    assert agreement.reference == reference.backend
    assert agreement.agrees
    assert 0 < agreement.outputs < 1e-4
    assert agreement.pixels < 1.5


def test_nets_that_compute_something_else_disagree(folder):
    definition, nets, _ = load_model(folder, [])
    reference = Cascade(definition, nets)
    other = load_model(folder, [])[1]
    for index in range(len(other[0].layer[-1].blobs[1].data)):
        other[0].layer[-1].blobs[1].data[index] += 0.001
    _, (agreement,) = measure_ways(
        ["torch-cuda-device"], definition, other, reference, random_pictures(2), [1], 1, "cpu"
    )
    assert not agreement.agrees
    assert "DISAGREES" in str(agreement)


def test_pictures_again_where_there_are_too_few():
    images = random_pictures(2)
    found = stacked(images, 5, CPU)
    np.testing.assert_array_equal(found.numpy(), np.stack([images[index % 2] for index in range(5)]))


def test_pictures_of_two_sizes():
    images = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)]
    with pytest.raises(ProtofaceError, match="one size, not 2; give --size"):
        stacked(images, 2, CPU)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_without_a_gpu(folder, capsys):
    arguments = ["bench", "--model", str(folder), "--backend", "torch-cuda-graph", "--runs", "1"]
    assert run(protoface, arguments) == 2
    assert "'torch-cuda-graph' cannot run here: torch" in capsys.readouterr().err


@pytest.mark.parametrize("model", [pytest.param("original", marks=pytest.mark.slow), "fast"])
def test_a_recorded_cascade_finds_the_points_of_other_pictures(model, monkeypatch):
    tape.stand_in(monkeypatch)
    definition, nets, _ = load_model(model, [])
    cascade = DeviceCascade(definition, nets)
    drawn = [cv2.resize(draw_face(1, index, 256).image, (160, 160)) for index in range(4)]
    first, second = stacked(drawn[:2], 2, CPU), stacked(drawn[2:], 2, CPU)
    with torch.inference_mode():
        run = WAYS["torch-cuda-graph"].prepare(cascade, first)
        for pictures in (second, first):
            torch.testing.assert_close(run(pictures), cascade(pictures))


def test_what_needs_the_host_cannot_be_recorded(monkeypatch):
    def work():
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr("protoface.converters.cuda_graph.WARM_UP", 0)
    tape.stand_in(monkeypatch)
    with pytest.raises(ProtofaceError, match=r"^it cannot be a CUDA graph: .* is capturing$"):
        record(work, CPU, "it")


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [name for name in NAMES if "int8" not in name and name not in FINDERS]
)
def test_torch_compile_finds_one_graph(model):
    """No step waits for a value of the device: then it could not be one CUDA graph either.

    Finders are refused there.
    """
    definition, nets, _ = load_model(model, [])
    cascade = DeviceCascade(definition, nets)
    pictures = stacked(random_pictures(2), 2, CPU)
    with torch.inference_mode():
        found = torch.compile(cascade, fullgraph=True, dynamic=False, backend="eager")(pictures)
        torch.testing.assert_close(found, cascade(pictures))
