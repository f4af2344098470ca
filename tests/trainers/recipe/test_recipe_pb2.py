"""The recipe's schema as it is compiled."""

from pathlib import Path

import pytest

RECIPE = Path(__file__).parents[3] / "trainers" / "recipe"


def test_compiled_schema_is_current(tmp_path):
    protoc = pytest.importorskip("grpc_tools.protoc", reason="needs grpcio-tools")
    made = [f"--descriptor_set_out={tmp_path}/recipe.desc", f"--pyi_out={tmp_path}"]
    assert protoc.main(["protoc", f"-I{RECIPE}", *made, str(RECIPE / "recipe.proto")]) == 0
    for name in ("recipe.desc", "recipe_pb2.pyi"):
        assert (tmp_path / name).read_bytes() == (RECIPE / name).read_bytes(), "run make proto"
