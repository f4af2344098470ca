"""What the trainers' tests share: one CPU thread, and a folder with a small run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from .solver.small_run import write_run


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On a busy machine the threads of a tiny net wait for each other longer than they work."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture(autouse=True)
def small_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training ends with a picture, which takes longer to draw than the training itself."""
    monkeypatch.setattr("protoface.trainers.solver.curves.DPI", 20)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with `net.prototxt`, `solver.prototxt`, `list.txt` and `pictures/`."""
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    return tmp_path
