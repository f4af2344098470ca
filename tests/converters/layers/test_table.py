"""The support table: current, and with a row for every type."""

import subprocess
import sys
from pathlib import Path

from protoface.converters.layers import layer_types
from protoface.converters.layers.table import table

DOCS = Path(__file__).parents[3] / "docs"


def test_the_committed_table_is_what_the_registry_says():
    assert (DOCS / "layers.md").read_text() == table(), (
        "run `python -m protoface.converters.layers.table > docs/layers.md`"
    )


def test_the_module_prints_it():
    command = [sys.executable, "-W", "error", "-m", "protoface.converters.layers.table"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == table()


def test_every_type_has_one_row_with_what_it_does():
    lines = [line for line in table().splitlines() if line.startswith("| ")]
    for name in layer_types():
        (row,) = [line for line in lines if line.startswith(f"| {name} | ")]
        assert len(row.split(" | ")[1]) > 10
        assert "Source" not in row
