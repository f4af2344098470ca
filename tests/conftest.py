"""What all tests share: the folder of real weights, pictures and Caffe runs, where it is at hand."""

import os
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each worker has a core: threads of small nets would wait for each other longer than they work.
    # Read when torch and NumPy are first imported, here and by the processes that tests start.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import cv2
import numpy as np
import pytest

from .constant_cascade import CASCADE, FIRST, NET, SECOND, constant_weights
from .reference_data import reference_data


def pytest_configure() -> None:
    """One thread for OpenCV too, which reads no variable."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        cv2.setNumThreads(1)


def pytest_report_teststatus(
    report: pytest.TestReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """By `-q` nothing but failures and the count: no dots."""
    if config.option.verbose >= 0 or report.failed or hasattr(report, "wasxfail"):
        return None
    counted = report.skipped or report.when == "call"
    return report.outcome if counted else "", "", ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave benchmarks out unless `-m` names them: their bars hold where nothing else runs."""
    if "benchmark" in config.option.markexpr:
        return
    timed = [item for item in items if item.get_closest_marker("benchmark")]
    config.hook.pytest_deselected(items=timed)
    items[:] = [item for item in items if not item.get_closest_marker("benchmark")]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data; tests that need it skip without it, see `reference_data`."""
    return reference_data()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds a whole cascade: both nets answer FIRST and SECOND to every picture."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "cascade.prototxt").write_text(CASCADE)
    constant_weights(tmp_path / "one.caffemodel", FIRST)
    constant_weights(tmp_path / "two.caffemodel", SECOND)
    return tmp_path


@pytest.fixture(scope="session")
def published(shared: Path) -> list[Path]:
    """The published weights of both levels."""
    return [shared / "original" / f"l{level}_net.caffemodel" for level in (1, 2)]


@pytest.fixture(scope="session")
def demo(shared: Path) -> Path:
    """The eight pictures of the original's demo."""
    return shared / "original" / "demo_images"


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A picture file; what is on it does not matter to a constant cascade."""
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))
    return path


@pytest.fixture
def videos() -> None:
    """Skips where OpenCV is built without videos, as the one with CUDA is."""
    if not hasattr(cv2, "VideoCapture"):
        pytest.skip("this OpenCV has no videos")
