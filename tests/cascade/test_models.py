"""Models with a notice and SHA-256 of their files, and those that come with the package."""

import hashlib
import logging
from pathlib import Path

import pytest

from protoface.cascade import ProtofaceError, load
from protoface.cascade.definition import DEFAULT, NAMES, ORIGINAL, find_definition, read_definition
from protoface.cascade.measure.step_times import load_cascades

PACKAGED = [name for name in NAMES if name != ORIGINAL]
FILES = ("net.prototxt", "one.caffemodel", "two.caffemodel")


@pytest.fixture
def model(folder: Path) -> Path:
    """The constant cascade as it would be shipped."""
    with open(folder / "cascade.prototxt", "a") as file:
        for name in FILES:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            file.write(f'file {{ path: "{name}" sha256: "{digest}" }}\n')
        file.write('notice: "for tests only"\n')
    return folder


@pytest.mark.parametrize("name", FILES)
def test_another_file_than_the_cascade_was_made_with_is_named(name, model):
    assert load(model).name == "constant"
    content = (model / name).read_bytes()
    (model / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ProtofaceError, match=rf"{name}: is not the file .* SHA-256 .* again$"):
        load(model)
    (model / name).unlink()
    with pytest.raises(ProtofaceError, match=rf"{name}: No such file"):
        load(model)
    (model / name).write_bytes(content)
    assert load(model).name == "constant"


def test_a_notice_is_logged_once(model, caplog, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load(model)
    load(model)
    load_cascades(model, (), ("opencv",), "clean", 1)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "for tests only")
    ]


def test_weights_of_ones_own_come_without_the_notice(model, caplog):
    load(model, weights=[model / "one.caffemodel", model / "two.caffemodel"])
    assert not caplog.records


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_model_is_whole(name):
    """Its files, all with their SHA-256, a licence and a card; it loads and finds points."""
    path = find_definition(name)
    listed = {file.path for file in read_definition(path).file}
    held = {file.name for file in path.parent.iterdir()}
    assert held - listed == {"cascade.prototxt", "LICENSE", "card.md"}
    assert load(name).name == name


def test_the_default_comes_with_its_weights():
    assert DEFAULT in PACKAGED
    assert all(path.is_file() for path in NAMES.values())
