"""`protoface eval` and `protoface compare` as a user meets them."""

import json

import pytest

from protoface.cli import protoface, run


@pytest.fixture
def arguments(folder, celeba) -> list[str]:
    return ["eval", "--model", str(folder), "--backend", "opencv", "--data", str(celeba)]


def test_figures_json_and_report(arguments, tmp_path, capsys):
    file, report = tmp_path / "eval.json", tmp_path / "report"
    more = ["--partition", "test", "--json", str(file), "--report", str(report)]
    assert run(protoface, [*arguments, *more]) == 0
    out = capsys.readouterr().out
    assert "constant, backend opencv, mode clean: set test, 3 measured, 0 skipped" in out
    assert "inter_ocular" in out
    content = json.loads(file.read_text())
    assert {"n", "skipped", "level_1", "cascade", "command", "versions", "machine", "data"} <= set(
        content
    )
    assert content["n"] == 3
    mean = content["cascade"]["nme"]["inter_ocular"]["mean"]
    assert f"{100 * mean:.2f}" in out
    assert (report / "index.html").is_file()


def test_skipped_pictures_are_listed_and_the_status_is_2(arguments, celeba, capsys):
    (celeba / "images" / "001.png").write_bytes(b"")
    assert run(protoface, arguments) == 2
    captured = capsys.readouterr()
    assert "9 measured, 1 skipped" in captured.out
    assert captured.err.strip() == f"protoface: {celeba / 'images' / '001.png'}: the file is empty"


def test_peers_that_cannot_run_are_named(arguments, capsys):
    assert run(protoface, [*arguments, "--peer", "yunet"]) == 0
    assert "left out: yunet: no model file" in capsys.readouterr().out


def test_bad_data_is_one_line(arguments, celeba, capsys):
    (celeba / "list_eval_partition.txt").unlink()
    assert run(protoface, [*arguments, "--partition", "val"]) == 2
    assert "has no list_eval_partition.txt" in capsys.readouterr().err


def test_compare_prints_and_writes_every_row(folder, celeba, tmp_path, capsys):
    file = tmp_path / "compare.json"
    arguments = ["compare", "--model", str(folder), "--celeba", str(celeba), "--json", str(file)]
    assert run(protoface, arguments) == 0
    out = capsys.readouterr().out
    assert "level 1 test error" in out
    assert "whole cascade" in out
    rows = json.loads(file.read_text())["rows"]
    assert len(rows) == 19
    assert set(rows[0]) == {"figure", "unit", "published", "measured", "differs"}
    assert run(protoface, ["compare", "--model", str(folder), "--markdown"]) == 0
    assert "| level 1 test error | 1.17 | - |" in capsys.readouterr().out
