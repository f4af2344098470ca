"""Running nets in each runtime by one signature: input blobs in, output blobs out.

`convert --check` and the backends of cascades run nets by these functions alone. What goes in and comes
out is named after the net's blobs, whatever the runtime calls it.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from .ends import Blobs, Ends, Run, Value
from .errors import ProtofaceError, reason

if TYPE_CHECKING:
    import onnxruntime
    import openvino
    from onnx import ModelProto

    from .graph import Graph, Net


def ends_of(net: Net | ModelProto, source: str) -> Ends:
    """The ends of a net, or of an ONNX model. A size that a model leaves open is 0."""
    # here, as onnx and Caffe's layers take long to import, and who has the one may not need the other
    from onnx import ModelProto

    if isinstance(net, ModelProto):
        weights = {tensor.name for tensor in net.graph.initializer}
        fed = [value for value in net.graph.input if value.name not in weights]
        return _ends(source, fed, net.graph.output, _onnx_value)
    from .graph import build_graph

    graph = build_graph(net, source)
    return Ends(source, graph.inputs, graph.outputs)


def _ends(
    source: str, inputs: Iterable[Any], outputs: Iterable[Any], make: Callable[[Any], Value]
) -> Ends:
    return Ends(source, tuple(map(make, inputs)), tuple(map(make, outputs)))


def _onnx_value(value: Any) -> Value:
    shape = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
    return Value(value.name, value.name, shape)


def run_pytorch(net: Net, kind: type[np.floating], source: str = "", device: str = "cpu") -> Run:
    """A net on PyTorch, in float32 or float64; in float32 without weights too small to matter."""
    import torch

    from .pytorch import flush_weights, to_pytorch

    module = to_pytorch(net, source or net.name)
    module = module if kind is np.float64 else flush_weights(module)
    module = module.to(torch.float64 if kind is np.float64 else torch.float32).to(device)

    def run(feed: Blobs) -> Blobs:
        tensors = (torch.from_numpy(feed[name].astype(kind, copy=False)) for name in module.inputs)
        with torch.inference_mode():
            results = module(*(tensor.to(device) for tensor in tensors))
        tops = results if isinstance(results, tuple) else (results,)
        return {name: top.cpu().numpy() for name, top in zip(module.outputs, tops, strict=True)}

    return run


def run_opencv(network: cv2.dnn.Net, ends: Graph | Ends) -> Run:
    """An OpenCV network. What comes back raises ProtofaceError if OpenCV fails.

    A network keeps its inputs and its outputs, so threads take turns.
    """
    names, turn = [value.name for value in ends.outputs], threading.Lock()

    def run(feed: Blobs) -> Blobs:
        try:
            with turn:
                for name, blob in feed.items():
                    # OpenCV up to 4.10 takes a third axis for channels unless it is wrapped
                    wrapped = cv2.Mat(blob) if blob.ndim == 3 else blob  # type: ignore[no-untyped-call]
                    network.setInput(wrapped, name)
                outputs = network.forward(names)
        except cv2.error as error:
            raise ProtofaceError(
                f"{ends.name}: OpenCV {cv2.__version__} cannot run it: {reason(error)}"
            ) from error
        # OpenCV 4 has no arrays of one axis and of none, OpenCV 5 has none of none: (n, 1) is for (n,)
        return {
            value.blob: out.reshape((-1,) if value.shape else ()) if len(value.shape) < 2 else out
            for value, out in zip(ends.outputs, outputs, strict=True)
        }

    return run


def run_onnxruntime(
    model: bytes, ends: Graph | Ends, threads: int | None = None, device: str = "cpu"
) -> Run:
    """A serialised ONNX model on ONNX Runtime: on the CPU, or all of it on the GPU (`cuda`).

    Products on a GPU are in float32 proper. Raises ProtofaceError if it refuses the model.
    """
    return _in_session(_session(model, ends.name, threads, device), ends)


def open_onnxruntime(
    model: bytes, name: str, threads: int | None = None, device: str = "cpu"
) -> tuple[Ends, Run]:
    """The same with the ends as ONNX Runtime reads them; a size that the model leaves open is 0."""
    session = _session(model, name, threads, device)
    ends = _ends(name, session.get_inputs(), session.get_outputs(), _onnxruntime_value)
    return ends, _in_session(session, ends)


def _onnxruntime_value(value: Any) -> Value:
    shape = tuple(size if isinstance(size, int) else 0 for size in value.shape)
    return Value(value.name, value.name, shape)


def _session(model: bytes, name: str, threads: int | None, device: str) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cuda":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        providers = [("CUDAExecutionProvider", {"use_tf32": "0"})]
    try:
        return onnxruntime.InferenceSession(model, options, providers=providers)
    except Exception as error:  # of a dozen classes that share no other base
        raise ProtofaceError(
            f"{name}: ONNX Runtime {onnxruntime.__version__} refuses it: {reason(error)}"
        ) from error


def _in_session(session: onnxruntime.InferenceSession, ends: Graph | Ends) -> Run:
    names = [value.name for value in ends.outputs]
    blobs = [value.blob for value in ends.outputs]

    def run(feed: Blobs) -> Blobs:
        return dict(zip(blobs, session.run(names, feed), strict=True))

    return run


def in_portions(run: Run, pixels: int) -> Run:
    """A net that is run on a few of many pictures at a time, so that what it makes stays in the cache.

    A portion's inputs have about so many `pixels`. The batch of every input and output must be free.
    """

    def portions(feed: Blobs) -> Blobs:
        count = min(map(len, feed.values()))
        each = max(1, pixels * count // max(1, max(_pixels(blob) for blob in feed.values())))
        if count <= each:
            return run(feed)
        parts = [
            run({name: blob[start : start + each] for name, blob in feed.items()})
            for start in range(0, count, each)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return portions


def _pixels(blob: np.ndarray[Any, Any]) -> int:
    return blob.size // (blob.shape[1] if blob.ndim > 1 else 1)


def openvino_core() -> Any:
    """OpenVINO itself, one for the life of a process.

    Each `Core` gives the thread another stack for signals, and takes it away in the end: of several,
    one would be left that is unmapped, and the next signal would end the process. Raises ProtofaceError
    in a forked process, where it waits for threads that are not there.
    """
    core, process = _core()
    if process != os.getpid():
        raise ProtofaceError(
            "OpenVINO waits for ever in a forked process; start processes by spawn, or use onnxruntime"
        )
    return core


@cache
def _core() -> tuple[Any, int]:
    import openvino

    return openvino.Core(), os.getpid()


def run_openvino(
    model: bytes, ends: Graph | Ends, threads: int | None = None, precision: str = "f32"
) -> Run:
    """A serialised ONNX model on OpenVINO's CPU device, in f32 or bf16.

    Raises ProtofaceError if it refuses the model.
    """
    return _in_requests(_compiled(model, ends.name, threads, precision), ends)


def open_openvino(
    model: bytes, name: str, threads: int | None = None, precision: str = "f32"
) -> tuple[Ends, Run]:
    """The same with the ends as OpenVINO reads them; a size that the model leaves open is 0."""
    compiled = _compiled(model, name, threads, precision)
    ends = _ends(name, compiled.inputs, compiled.outputs, _openvino_value)
    return ends, _in_requests(compiled, ends)


def _openvino_value(value: Any) -> Value:
    shape = tuple(size.get_length() if size.is_static else 0 for size in value.partial_shape)
    return Value(value.get_any_name(), value.get_any_name(), shape)


def _compiled(model: bytes, name: str, threads: int | None, precision: str) -> openvino.CompiledModel:
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads or 0,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = openvino_core()
    try:
        return core.compile_model(core.read_model(io.BytesIO(model)), "CPU", settings)
    except RuntimeError as error:
        last = str(error).strip().splitlines()[-1].strip()  # those before name its source files
        raise ProtofaceError(f"{name}: OpenVINO {openvino.__version__} refuses it: {last}") from error


def _in_requests(compiled: openvino.CompiledModel, ends: Graph | Ends) -> Run:
    requests = threading.local()  # a request holds the tensors of one call

    def run(feed: Blobs) -> Blobs:
        if not hasattr(requests, "own"):
            requests.own = compiled.create_infer_request()
        found = requests.own.infer(feed, share_inputs=True)
        return {value.blob: found[value.name] for value in ends.outputs}

    return run


def run_reference(model: ModelProto, ends: Graph | Ends) -> Run:
    """A model in onnx's own evaluator, which is slow and knows every operator of the standard."""
    from onnx import ModelProto, TypeProto, ValueInfoProto
    from onnx.reference import ReferenceEvaluator

    kind = TypeProto(tensor_type=TypeProto.Tensor(elem_type=1))
    blobs = [value.blob for value in ends.outputs]
    cut = ModelProto()
    cut.CopyFrom(model)
    del cut.graph.output[:]  # a cut net ends in what was an inner value of the model
    cut.graph.output.extend(ValueInfoProto(name=name, type=kind) for name in blobs)
    evaluator = ReferenceEvaluator(cut)

    def run(feed: Blobs) -> Blobs:
        with np.errstate(all="ignore"):
            return dict(zip(blobs, evaluator.run(None, feed), strict=True))

    return run
