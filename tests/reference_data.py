"""The reference data: real weights, pictures and runs of Caffe, which are not part of the project."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from .source_tree import ROOT


def reference_data(environment: Mapping[str, str] = os.environ) -> Path:
    """`$PROTOFACE_SHARED`, or `../shared` beside the project. The one place that looks for it.

    Where there is none a test is skipped, or failed under PROTOFACE_REQUIRE_SHARED=1.
    """
    folder = Path(environment.get("PROTOFACE_SHARED", ROOT.parent / "shared"))
    if folder.is_dir():
        return folder
    missing = f"needs the reference data, which is not at {folder} (set PROTOFACE_SHARED)"
    if environment.get("PROTOFACE_REQUIRE_SHARED") == "1":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)
