"""PyTorch as a backend: its threads, its devices, no ONNX files."""

import numpy as np
import pytest
import torch

from protoface.cascade.backends import pytorch_backend as pytorch
from protoface.cascade.backends.pytorch_backend import PyTorch
from protoface.converters import ProtofaceError
from protoface.converters.onnx_export import to_onnx
from protoface.converters.pytorch import to_pytorch

from .nets import small_net


def test_it_is_the_module_of_the_converters():
    net, batch = small_net(), np.random.default_rng(0).normal(size=(3, 3, 12, 10)).astype(np.float32)
    with torch.no_grad():
        expected = to_pytorch(net, "small")(torch.from_numpy(batch)).numpy()
    found = PyTorch("cpu").run(net, "small", None)({"data": batch})["fc"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_threads_are_set_where_the_runtime_keeps_them_itself():
    before = torch.get_num_threads()
    try:
        PyTorch("cpu").run(small_net(), "small", 1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_without_the_package_it_says_so(monkeypatch):
    monkeypatch.setattr(pytorch, "find_spec", lambda name: None)
    assert PyTorch("cpu").missing() == "torch is not installed"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_without_a_gpu_it_says_so():
    assert PyTorch("cpu").missing() is None
    assert PyTorch("cuda").missing() == f"torch {torch.__version__} finds no CUDA device"


def test_an_onnx_file_is_refused_with_the_backends_that_run_it():
    with pytest.raises(
        ProtofaceError,
        match="^one.onnx is an ONNX file, which PyTorch does not run; use .*: onnxruntime or opencv$",
    ):
        PyTorch("cpu").run(to_onnx(small_net(), "small"), "one.onnx", None)
