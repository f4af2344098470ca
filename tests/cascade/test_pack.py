"""Packed cascades: whole, alike, sealed."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from protoface.cascade import ProtofaceError, load
from protoface.cascade.definition import read_definition
from protoface.cascade.pack import pack
from protoface.cli import protoface, run

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


def points(model: Path, backend: str = "auto") -> np.ndarray:
    (face,) = load(model, backend).detect(IMAGE)
    return face.points


def test_a_packed_cascade_finds_the_same_and_is_sealed(folder, tmp_path):
    out = tmp_path / "packed"
    target = pack(folder, out, notice="for tests only")
    expected = {
        f"level_{n}{suffix}" for n in (1, 2) for suffix in (".prototxt", ".caffemodel", ".onnx")
    }
    assert {path.name for path in out.iterdir()} == expected | {"cascade.prototxt"}
    definition = read_definition(target)
    assert {file.path for file in definition.file} == expected
    for file in definition.file:
        assert hashlib.sha256((out / file.path).read_bytes()).hexdigest() == file.sha256
    assert definition.notice == "for tests only"
    np.testing.assert_array_equal(points(out), points(folder))


def test_a_net_that_looks_twice_is_packed_once(folder, tmp_path):
    path = folder / "cascade.prototxt"
    path.write_text(path.read_text().replace("two.caffemodel", "one.caffemodel"))
    definition = read_definition(pack(folder, tmp_path / "packed"))
    assert [stage.weights for stage in definition.stage] == ["level_1.caffemodel"] * 2
    assert len(definition.file) == 3


def test_onnx_files_stay_what_they_are(folder, tmp_path):
    once = tmp_path / "once"
    pack(folder, once)
    given = [once / "level_1.onnx", once / "level_2.onnx"]
    definition = read_definition(pack(folder, tmp_path / "twice", weights=given))
    assert [(stage.net, stage.onnx) for stage in definition.stage] == [
        ("", "level_1.onnx"),
        ("", "level_2.onnx"),
    ]
    np.testing.assert_allclose(points(tmp_path / "twice", "onnxruntime"), points(folder), atol=1e-4)


def test_the_verb(folder, tmp_path, capsys):
    assert run(protoface, ["pack", "--model", str(folder), "--out", str(tmp_path / "p")]) == 0
    assert "p/cascade.prototxt" in capsys.readouterr().out


def test_nothing_is_written_of_a_cascade_that_is_not_whole(folder, tmp_path):
    (folder / "two.caffemodel").unlink()
    with pytest.raises(ProtofaceError, match=r"two.caffemodel: no weights for level_2"):
        pack(folder, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()


def test_not_onto_itself(folder):
    with pytest.raises(ProtofaceError, match="holds the cascade itself; give another folder"):
        pack(folder, Path(folder))


def renamed(folder, first, second):
    file = folder / "cascade.prototxt"
    file.write_text(file.read_text().replace("level_1", first).replace("level_2", second))
    return folder


@pytest.mark.parametrize("name", ["../level_2", "/tmp/level_2", "sub/level_2"])
def test_a_name_that_leads_elsewhere(name, folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "packed"
    (out.parent / "level_2.onnx").write_text("mine")
    with pytest.raises(
        ProtofaceError, match=r"cascade.prototxt: stage number 2: the name .* becomes a"
    ):
        pack(renamed(folder, "level_1", name), out)
    assert [path.name for path in out.parent.iterdir()] == ["level_2.onnx"]
    assert (out.parent / "level_2.onnx").read_text() == "mine"


def test_a_stage_that_would_take_the_place_of_the_cascade(folder, tmp_path):
    with pytest.raises(ProtofaceError, match=r"'cascade.prototxt' would be written twice; rename a st"):
        pack(renamed(folder, "cascade", "level_2"), tmp_path / "packed")
    assert not (tmp_path / "packed").exists()


def test_a_link_that_waits_in_the_folder(folder, tmp_path_factory):
    """What is written goes through links, so one must not lead out."""
    away = tmp_path_factory.mktemp("away")
    (away / "mine").write_text("mine")
    (away / "out").mkdir()
    (away / "out" / "level_2.onnx").symlink_to(away / "mine")
    with pytest.raises(ProtofaceError, match=r"level_2.onnx leads out of the folder that is written"):
        pack(folder, away / "out")
    assert (away / "mine").read_text() == "mine"
    assert [path.name for path in (away / "out").iterdir()] == ["level_2.onnx"]


@pytest.mark.parametrize("name", ["level_1", "LEVEL_1"])
def test_two_stages_that_would_be_one_file(name, folder, tmp_path):
    with pytest.raises(
        ProtofaceError, match=rf"'{name}.caffemodel' would be written twice; rename a st"
    ):
        pack(renamed(folder, "level_1", name), tmp_path / "packed")
    assert not (tmp_path / "packed").exists()
