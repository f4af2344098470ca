"""Nets in memory: their work, by which threads are chosen, and what is made of them to run."""

from __future__ import annotations

import numpy as np
import pytest

from protoface.cascade import cascade_pb2
from protoface.cascade.backends.backend import SMALL_NET, estimated_work, few_threads
from protoface.cascade.backends.choice import BACKENDS
from protoface.cascade.backends.in_memory import InMemory
from protoface.cascade.definition import NAMES, find_definition, load_nets, read_definition
from protoface.cascade.nets import Compiled
from protoface.converters import ProtofaceError, build_graph, to_onnx
from protoface.converters.ends import Ends, Run
from protoface.converters.graph import Net
from protoface.converters.onnx_file import OnnxFile

from ..shipped import FINDERS
from .nets import SMALL, net_of, small_net

BIG = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 96 dim: 96 } } }
layer { name: "one" type: "Convolution" bottom: "data" top: "one"
  convolution_param { num_output: 40 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "two" type: "Convolution" bottom: "one" top: "two"
  convolution_param { num_output: 40 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
"""


class Recording:
    """A backend that runs nothing and notes the threads that it is given (a stand-in)."""

    runs_onnx = reads_onnx = True

    def __init__(self, own_threads: bool = True) -> None:
        self.own_threads = own_threads
        self.threads: list[int | None] = []

    def missing(self) -> None:
        return None

    def run(self, net: Net, source: str, threads: int | None) -> Run:
        self.threads.append(threads)
        return lambda inputs: inputs

    def open(self, file: OnnxFile, threads: int | None) -> tuple[Ends, Run]:
        self.threads.append(threads)
        return Ends("file", (), ()), lambda inputs: inputs


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Recording:
    backend = Recording()
    monkeypatch.setitem(BACKENDS, "recording", backend)
    return backend


def threads_of(backend: Recording, net: object, threads: int | None = None, pixels: int = 100) -> None:
    stage = cascade_pb2.StageParameter(name="s", net="net.prototxt")
    Compiled("recording", threads).open(net, stage, pixels)[1]()


def test_the_work_of_a_net_is_for_one_picture():
    net = net_of(BIG)
    held = InMemory(net, "big")
    assert held.work(0) == build_graph(net, "big").multiply_adds() / 2
    assert held.work(0) > SMALL_NET
    assert not held.is_onnx


def test_the_work_of_a_model_is_an_estimate():
    model = to_onnx(small_net(), "small")
    held = InMemory(model, "small")
    assert held.is_onnx
    assert held.work(120) == estimated_work(model.ByteSize(), 120)
    assert held.folded() is model


@pytest.mark.parametrize("model", [name for name in NAMES if name not in ("original", *FINDERS)])
def test_the_nets_of_the_package_take_one_thread(model, recording):
    path = find_definition(model)
    definition = read_definition(path)
    for stage, net in zip(definition.stage, load_nets(definition, path.parent), strict=True):
        Compiled("recording").open(net, stage, stage.preprocess.size[0] ** 2)[1]()
    files = [path.parent / file.path for file in definition.file if file.path.endswith(".onnx")]
    for file in files:  # the largest input of all of them
        threads_of(recording, OnnxFile(str(file), file.read_bytes()), pixels=48 * 48)
    assert recording.threads == [1] * (len(definition.stage) + len(files))


def test_a_large_net_takes_the_runtimes_own_number(recording):
    threads_of(recording, net_of(BIG))
    threads_of(recording, OnnxFile("large.onnx", bytes(4_000_000)), pixels=224 * 224)
    threads_of(recording, net_of(SMALL))
    assert recording.threads == [None, None, 1]
    assert few_threads(SMALL_NET) is None
    assert few_threads(SMALL_NET - 1) == 1


def test_a_number_that_is_given_counts(recording):
    threads_of(recording, net_of(BIG), 3)
    threads_of(recording, net_of(SMALL), 5)
    threads_of(recording, OnnxFile("small.onnx", bytes(400)), 7)
    assert recording.threads == [3, 5, 7]


def test_where_the_number_is_the_whole_processs_it_stays(recording):
    """Small nets of ours are no reason to slow down what else a program does with OpenCV or PyTorch."""
    recording.own_threads = False
    threads_of(recording, net_of(SMALL))
    assert recording.threads == [None]
    own = {name for name, backend in BACKENDS.items() if name != "recording" and backend.own_threads}
    assert own == {"onnxruntime", "onnxruntime-cuda", "openvino", "openvino-bf16"}


def test_a_model_whose_batch_is_fixed_is_refused(recording):
    model = to_onnx(small_net(), "small")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    with pytest.raises(ProtofaceError, match=r"net.prototxt: its batch size must be free, it takes"):
        threads_of(recording, model)


@pytest.mark.parametrize("name", [n for n, b in BACKENDS.items() if b.reads_onnx and not b.missing()])
def test_a_file_that_is_read_by_the_runtime_runs_as_the_model_does(name):
    model = to_onnx(small_net(), "small")
    ends, run = BACKENDS[name].open(OnnxFile("small.onnx", model.SerializeToString()), 1)
    feed = {"data": np.random.default_rng(0).normal(size=(3, 3, 12, 10)).astype(np.float32)}
    expected = BACKENDS[name].run(model, "small", 1)(feed)
    np.testing.assert_allclose(run(feed)["fc"], expected["fc"], atol=1e-6)
    assert [(value.blob, value.shape) for value in ends.inputs] == [("data", (0, 3, 12, 10))]
    assert [(value.blob, value.shape) for value in ends.outputs] == [("fc", (0, 6))]
