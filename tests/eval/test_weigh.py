"""The table of sizes, times and errors against the functions that each figure comes from."""

import json

import pytest

from protoface.cli import protoface, run
from protoface.converters import load_net, to_onnx
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.quantize import quantize_cascade
from protoface.eval.weigh import multiply_adds, table, weigh
from protoface.prototxt import generate

from .small_cascade import write_cascade, write_pictures

pytest.importorskip("onnxruntime")


@pytest.fixture
def folders(tmp_path):
    """A cascade, its int8 version, and pictures."""
    model, pictures = write_cascade(tmp_path / "model"), write_pictures(tmp_path / "set")
    quantize_cascade(model, tmp_path / "int8", read_dataset(pictures))
    return model, tmp_path / "int8", pictures


def test_rows(folders):
    model, smaller, pictures = folders
    first, second = weigh([model, smaller], read_dataset(pictures), "onnxruntime", runs=5)
    assert (first.name, second.name) == ("constant", "constant-int8")
    assert second.bytes == tuple((smaller / f"level_{number}.onnx").stat().st_size for number in (1, 2))
    assert first.multiply_adds == second.multiply_adds == (8 * 27 * 36 + 16 * 288 + 10 * 16,) * 2
    assert 0 < first.net_ms < first.ms
    assert first.error.n == 20
    assert first.error.mean == pytest.approx(second.error.mean, rel=0.05)
    lines = table([first, second]).splitlines()
    assert lines[0].startswith("| cascade | bytes | multiply-adds | ms |")
    assert lines[2].startswith(f"| constant | {sum(first.bytes):,} | {sum(first.multiply_adds):,} |")
    assert len(lines) == 4


def test_multiply_adds_of_onnx_are_those_of_the_net(shared):
    net = load_net(
        generate.FOLDER / "level_1" / "deploy.prototxt", shared / "original" / "l1_net.caffemodel"
    )
    assert multiply_adds(net, "net") == multiply_adds(to_onnx(net, "net"), "net") == 4_720_576


def test_the_command(folders, tmp_path, capsys):
    model, smaller, pictures = folders
    file = tmp_path / "weights.json"
    arguments = [str(model), str(smaller), "--data", str(pictures), "--runs", "2", "--json", str(file)]
    assert run(protoface, ["weigh", *arguments]) == 0
    assert "| constant-int8 |" in capsys.readouterr().out
    content = json.loads(file.read_text())
    assert [row["name"] for row in content["rows"]] == ["constant", "constant-int8"]
    assert run(protoface, ["weigh", "nowhere", "--data", str(pictures)]) == 2
    assert "nowhere: no such cascade" in capsys.readouterr().err
