"""What is meant for a GPU has nothing to do with the host, as far as can be seen without one."""

import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this PyTorch has no devices written in Python",
)
def test_nothing_touches_the_host() -> None:
    script = Path(__file__).parent / "fake_gpu.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *host, last = done.stdout.splitlines()
    assert host == []
    cascade, training = map(int, last.removeprefix("operations: ").split())
    assert min(cascade, training) > 100
