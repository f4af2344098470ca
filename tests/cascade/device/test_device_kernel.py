"""The kernel cuts out what `Areas` does: on a GPU, or on the CPU by Triton's interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from protoface.cascade.device.device_resample import Areas

from .test_device_resample import SIZE, as_tensors, smooth, windows

# In a process of its own: Triton reads the variable when it is imported.
CODE = """
import sys
import torch
from protoface.cascade.device.device_kernel import area
from protoface.cascade.device.device_windows import Windows
pictures, numbers, turned = torch.load(sys.argv[1])
torch.save(area(pictures, Windows(*numbers), 8, 8, turned), sys.argv[2])
"""


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("factor", [0, 1, 2, 3, 4, 5, 6])
def test_on_a_gpu(factor: int, turned: bool) -> None:
    from protoface.cascade.device.device_kernel import area

    pictures, made = torch.from_numpy(smooth(20)), as_tensors(windows(40, factor, turned))
    expected = Areas(pictures, 16).sample(made, SIZE, SIZE, turned)
    found = area(pictures.cuda(), made.to("cuda"), SIZE, SIZE, turned).cpu()
    # a GPU multiplies and adds in one: halves may fall on the other side
    assert (found - expected).abs().max() <= 1
    assert (found != expected).float().mean() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "turned"), [(1, False), (3, True), (4, True)])
def test_by_the_interpreter(factor: int, turned: bool, tmp_path: Path) -> None:
    pytest.importorskip("triton")
    if tuple(map(int, np.__version__.split(".")[:2])) >= (2, 4):
        pytest.skip("Triton's interpreter does not run with NumPy 2.4")
    pictures, made = torch.from_numpy(smooth(2, 40, 48)), as_tensors(windows(4, factor, turned))
    expected = Areas(pictures, 16).sample(made, 8, 8, turned)
    given, answer = tmp_path / "given.pt", tmp_path / "answer.pt"
    torch.save((pictures, made.tensors(), turned), given)
    subprocess.run(
        [sys.executable, "-c", CODE, str(given), str(answer)],
        check=True,
        env={**os.environ, "TRITON_INTERPRET": "1"},
    )
    torch.testing.assert_close(torch.load(answer), expected, rtol=0, atol=0)
