"""What the tests of measuring share: a small annotated set."""

from pathlib import Path

import numpy as np
import pytest

from .celeba_set import FACE, write_celeba


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """Ten faces, each a pixel further right; 0-4 train, 5-6 val, 7-9 test."""
    truth = FACE + np.arange(10)[:, None, None] * (1, 0)
    return write_celeba(tmp_path / "set", truth, [0] * 5 + [1] * 2 + [2] * 3)
