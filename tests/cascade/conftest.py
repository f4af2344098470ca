"""What the cascade's tests share, as fixtures."""

from pathlib import Path

import pytest

from ..constant_cascade import FIRST, SECOND, constant_weights


@pytest.fixture
def random_folder(folder: Path) -> Path:
    """The constant cascade, but the answers move with what there is to see."""
    for name, answer in (("one", FIRST), ("two", SECOND)):
        constant_weights(folder / f"{name}.caffemodel", answer, spread=2e-4)
    return folder
