"""What all tests share: the folder of real weights, pictures and Caffe runs, where it is at hand."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """`$PROTOFACE_SHARED`, or `../shared` beside the project; tests that need it skip without it."""
    folder = Path(os.environ.get("PROTOFACE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the reference data, which is not at {folder} (set PROTOFACE_SHARED)")
    return folder
