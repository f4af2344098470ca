"""Cascades of smaller nets: what calibrates them, what is written, what is said."""

import hashlib

import numpy as np
import onnx
import pytest

from protoface.cascade.backends import onnxruntime_backend as onnx_runtime
from protoface.cascade.cascade import load
from protoface.cascade.definition import read_definition
from protoface.cascade.pictures import read_picture
from protoface.cli import protoface, run
from protoface.converters import ProtofaceError
from protoface.eval import quantize
from protoface.eval.datasets.dataset import read_dataset
from protoface.eval.quantize import evenly, quantize_cascade
from protoface.eval.weigh import weigh

from ..constant_cascade import CASCADE
from .small_cascade import write_cascade, write_pictures

pytest.importorskip("onnxruntime")
SQUARE_AGAIN = CASCADE[CASCADE.rindex("stage {") :].replace('name: "level_2"', 'name: "again"')


@pytest.fixture
def model(tmp_path):
    return write_cascade(tmp_path / "model")


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "set")


@pytest.fixture
def dataset(pictures):
    return read_dataset(pictures, "train")


def points(folder, dataset, backend="onnxruntime"):
    images = [read_picture(path) for path in dataset.paths]
    return np.array([face.points for (face,) in load(folder, backend).detect_batch(images)])


def test_the_points_stay_where_they_are(model, dataset, tmp_path):
    done = quantize_cascade(model, tmp_path / "int8", dataset)
    before, after = points(model, dataset), points(tmp_path / "int8", dataset)
    assert 1e-3 < abs(after - before).max() < 0.5
    assert np.ptp(before, axis=0).max() > 2  # they do depend on the picture
    moved = np.linalg.norm(after - before, axis=2).mean(axis=1) / dataset.inter_ocular
    np.testing.assert_allclose(done.moved, moved, rtol=1e-4)
    assert abs(points(tmp_path / "int8", dataset, "opencv") - after).max() < 0.2


def test_opencv_alone_runs_it(model, dataset, tmp_path, monkeypatch):
    """It is checked by ONNX's own reference then."""
    quantize_cascade(model, tmp_path / "int8", dataset)
    after = points(tmp_path / "int8", dataset)
    monkeypatch.setattr(onnx_runtime, "find_spec", lambda name: None)
    assert abs(points(tmp_path / "int8", dataset, "opencv") - after).max() < 0.2


def test_each_net_is_calibrated_by_what_it_sees(model, dataset, tmp_path, monkeypatch):
    """The second one sees what the cascade's own views make of the first one's points."""
    seen = {}

    def record(net, feeds, source):
        batches = [feed["data"] for feed in feeds]
        seen[net.graph.name, source.partition("'")[2].partition("'")[0]] = np.concatenate(batches)
        return net

    monkeypatch.setitem(quantize.CONVERTERS, "int8", record)
    quantize_cascade(model, tmp_path / "out", dataset)
    cascade = load(model, "onnxruntime")
    images = [read_picture(path) for path in dataset.paths]
    for step in cascade.steps(images):
        np.testing.assert_array_equal(seen["small", step.stage.name], step.inputs["data"])


def test_the_folder_is_a_whole_cascade(model, dataset, tmp_path):
    out = tmp_path / "int8"
    quantize_cascade(model, out, dataset)
    assert sorted(path.name for path in out.iterdir()) == [
        "cascade.prototxt",
        "level_1.onnx",
        "level_2.onnx",
    ]
    before, after = (read_definition(folder / "cascade.prototxt") for folder in (model, out))
    assert after.name == "constant-int8"
    assert [(stage.net, stage.weights, stage.onnx) for stage in after.stage] == [
        ("", "", "level_1.onnx"),
        ("", "", "level_2.onnx"),
    ]
    for old, new in zip(before.stage, after.stage, strict=True):
        assert (old.preprocess, old.window) == (new.preprocess, new.window)
    hashes = {file.path: file.sha256 for file in after.file}
    for name in ("level_1.onnx", "level_2.onnx"):
        assert hashes[name] == hashlib.sha256((out / name).read_bytes()).hexdigest()


def test_stages_that_share_a_net_still_do(model, dataset, tmp_path, monkeypatch):
    """It is written once, and calibrated by what all of them see."""
    with open(model / "cascade.prototxt", "a") as file:
        file.write(SQUARE_AGAIN)
    counted = {}

    def count(net, feeds, source):
        counted[source.rpartition(" ")[2]] = sum(len(feed["data"]) for feed in feeds)
        return net  # as it was

    with monkeypatch.context() as patched:
        patched.setitem(quantize.CONVERTERS, "int8", count)
        quantize_cascade(model, tmp_path / "out", dataset)
    assert counted == {"'level_1'": 20, "'level_2'": 40}
    done = quantize_cascade(model, tmp_path / "int8", dataset)
    assert [net.stages for net in done.nets] == [("level_1",), ("level_2", "again")]
    stages = read_definition(tmp_path / "int8" / "cascade.prototxt").stage
    assert [stage.onnx for stage in stages] == ["level_1.onnx", "level_2.onnx", "level_2.onnx"]
    assert abs(points(tmp_path / "int8", dataset) - points(model, dataset)).max() < 0.5
    (row,) = weigh([tmp_path / "int8"], dataset, "onnxruntime", runs=1)
    assert sum(row.bytes) == sum(path.stat().st_size for path in (tmp_path / "int8").glob("*.onnx"))
    assert len(row.multiply_adds) == 3


def test_killed_on_its_way_it_leaves_nothing_that_loads(model, dataset, tmp_path, monkeypatch):
    out = tmp_path / "int8"
    quantize_cascade(model, out, dataset)
    (out / "level_2.onnx").unlink()

    def stop(path, text):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(quantize, "write_text", stop)
        with pytest.raises(KeyboardInterrupt):
            quantize_cascade(model, out, evenly(dataset, 16))
    with pytest.raises(ProtofaceError, match="is not the file that the cascade was packed with"):
        load(out)
    quantize_cascade(model, out, dataset)
    load(out, "onnxruntime")


def test_float16_holds_half(model, dataset, tmp_path):
    quantize_cascade(model, tmp_path / "half", dataset, "float16")
    net = onnx.load(tmp_path / "half" / "level_1.onnx")
    kinds = {tensor.data_type for tensor in net.graph.initializer if len(tensor.dims) > 1}
    assert kinds == {onnx.TensorProto.FLOAT16}
    assert 0 < abs(points(tmp_path / "half", dataset) - points(model, dataset)).max() < 0.02


def test_the_command_says_what_it_did(model, pictures, tmp_path, capsys):
    arguments = ["quantize", "--model", str(model), "--data", str(pictures), "--pictures", "16"]
    assert run(protoface, [*arguments, "--out", str(tmp_path / "int8")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("level_1: 1 of 3 layers in int8, ONNX of ")
    assert lines[3].startswith("set train, 16 pictures, % of the eye distance: points move by ")
    assert lines[4] == f"written: {tmp_path / 'int8' / 'cascade.prototxt'}"


def test_a_picture_that_cannot_be_read_is_listed(model, pictures, tmp_path, capsys):
    (pictures / "images" / "001.png").write_bytes(b"")
    arguments = ["--data", str(pictures), "--pictures", "20", "--out", str(tmp_path / "int8")]
    assert run(protoface, ["quantize", "--model", str(model), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.strip() == f"protoface: {pictures / 'images' / '001.png'}: the file is empty"
    assert "19 pictures" in captured.out


def test_bad_input_is_one_line(model, pictures, tmp_path, capsys):
    def error(*arguments):
        given = ["--model", str(model), "--data", str(pictures), "--out", str(tmp_path / "out")]
        assert run(protoface, ["quantize", *given, *map(str, arguments)]) == 2
        return capsys.readouterr().err.strip()

    assert error() == "protoface: set train: has 20 pictures, 512 are needed; lower --pictures"
    some = ["--pictures", 16]
    assert error(*some, "--out", model).endswith("holds the cascade itself; give another folder")
    assert "'none' is unknown; there are train, val, test" in error(*some, "--partition", "none")
    (model / "two.caffemodel").unlink()
    assert "two.caffemodel: no weights for level_2 of 'constant'" in error(*some)
    assert not (tmp_path / "out").exists()


def test_int8_of_int8_is_refused(model, dataset, tmp_path):
    quantize_cascade(model, tmp_path / "int8", dataset)
    with pytest.raises(ProtofaceError, match="stage 'level_1': is quantised already"):
        quantize_cascade(tmp_path / "int8", tmp_path / "again", dataset)


def test_evenly_spread(dataset):
    chosen = evenly(dataset, 5)
    assert chosen.paths == dataset.paths[::4]
    np.testing.assert_array_equal(chosen.boxes, dataset.boxes[::4])


@pytest.mark.parametrize("name", ["../level_2", "/tmp/level_2", "cascade.prototxt/x"])
def test_a_name_that_leads_elsewhere(model, dataset, tmp_path, name):
    file = model / "cascade.prototxt"
    file.write_text(file.read_text().replace('name: "level_2"', f'name: "{name}"'))
    with pytest.raises(ProtofaceError, match="stage number 2: the name .* becomes a file's"):
        quantize_cascade(model, tmp_path / "out" / "int8", dataset)
    assert not (tmp_path / "out").exists()


def test_a_link_that_waits_in_the_folder(model, dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out" / "level_1.onnx").symlink_to(tmp_path / "mine")
    with pytest.raises(ProtofaceError, match=r"level_1.onnx leads out of the folder that is written"):
        quantize_cascade(model, tmp_path / "out", dataset)
    assert (tmp_path / "mine").read_text() == "mine"


def test_two_stages_that_would_be_one_file(model, dataset, tmp_path):
    file = model / "cascade.prototxt"
    file.write_text(file.read_text().replace('name: "level_2"', 'name: "Level_1"'))
    with pytest.raises(ProtofaceError, match=r"'Level_1.onnx' would be written twice; rename a stage"):
        quantize_cascade(model, tmp_path / "out", dataset)
    assert not (tmp_path / "out").exists()
