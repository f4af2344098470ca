"""The script that times training on a GPU runs; here on the CPU, with next to nothing to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "gpu_training.py"


@pytest.mark.slow
def test_its_report(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    few = ["--device", "cpu", "--iterations", "100", "--batch", "4", "--pictures", "16", "--first", "3"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--json", str(file), *few],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    assert set(report["training"]) == {
        "plain loop, seed 1", "plain loop, seed 2",
        "protoface", "protoface --no-graph", "protoface --precision bf16",
    }  # fmt: skip
    plain, graph = report["training"]["plain loop, seed 1"], report["training"]["protoface"]
    # the same net, loss and first weights; the pictures come in another order
    assert graph["last_loss"] == pytest.approx(plain["last_loss"], rel=0.5)
    apart = report["agreement"]["relative_difference"]
    assert max(apart["cpu float64, graph"]) < 1e-12
    assert max(apart["cpu float32, graph"][:2]) < 1e-3
    assert report["machine"]["processor"]
