"""Folders of drawn faces: the same every time, and read as those of photographs are."""

import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade.lists import read_list
from protoface.cli import protoface, run
from protoface.converters import ProtofaceError
from protoface.converters.locking import LOCK, alone
from protoface.converters.stopping import Interrupted
from protoface.eval.datasets.dataset import read_dataset
from protoface.trainers.drawn.faces import draw_face
from protoface.trainers.drawn.folders import finished, write_faces
from protoface.trainers.drawn.markup import MARKUPS
from protoface.trainers.sets.journal import Journal

from ...full_disk import make_room, small_disk

LISTS = ("list_landmarks_celeba.txt", "list_bbox_celeba.txt", "list_eval_partition.txt")


def synthesize(out: Path, *options: str) -> int:
    return run(protoface, ["synthesize", "--out", str(out), *options])


def test_a_folder_in_celeba_s_layout(tmp_path: Path) -> None:
    assert synthesize(tmp_path / "a", "--count", "36", "--seed", "5", "--size", "64") == 0
    write_faces(tmp_path / "b", 36, 5, 64, workers=1)
    for name in LISTS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    whole = read_dataset(tmp_path / "a")
    assert len(whole) == 36
    assert whole.boxes is not None
    assert not whole.skipped
    parts = [len(read_dataset(tmp_path / "a", part)) for part in ("train", "test")]
    assert sum(parts) == 36
    assert 20 < parts[0] < 35
    face = draw_face(5, 9, 64)
    rows, columns = face.image.shape[:2]
    listed = read_list(tmp_path / "a" / LISTS[0], 10)["000009.jpg"].reshape(5, 2)
    np.testing.assert_allclose(listed, np.clip(face.points, 0, (columns - 1, rows - 1)), atol=0.0051)
    written = cv2.imread(str(tmp_path / "a" / "images" / "000009.jpg"))
    assert np.abs(written.astype(int) - face.image).mean() < 4  # JPEG


@pytest.mark.parametrize("layout", [name for name in MARKUPS if name != "celeba5"])
def test_a_folder_of_more_points_is_read_as_one_of_photographs(layout: str, tmp_path: Path) -> None:
    options = ("--layout", layout, "--count", "6", "--seed", "5", "--size", "96", "--views", "2")
    assert synthesize(tmp_path, *options, "--workers", "1") == 0
    parts = {part: read_dataset(tmp_path, part) for part in ("train", "test")}
    assert len(parts["train"]) == 2 * (6 - len(parts["test"])) > 0
    for dataset in parts.values():
        assert dataset.layout.name == layout
        assert not dataset.skipped
        for face in dataset:
            name = Path(face.name).stem
            if "_" in name:
                continue  # another view
            drawn = draw_face(5, int(name), 96, layout=layout)
            rows, columns = drawn.image.shape[:2]
            inside = np.clip(drawn.points, 0, (columns - 1, rows - 1))
            np.testing.assert_allclose(face.points, inside, atol=0.0006)
            assert np.abs(cv2.imread(face.path).astype(int) - drawn.image).mean() < 8  # JPEG


def test_rectangles_of_wflw_are_the_bounds_of_the_points(tmp_path: Path) -> None:
    write_faces(tmp_path, 6, 5, 96, 1, layout="wflw98")
    found = read_dataset(tmp_path)
    assert found.boxes is not None
    low, high = found.truth.min(1), found.truth.max(1)
    np.testing.assert_array_equal(found.boxes[:, :2], np.floor(low))
    np.testing.assert_array_equal(found.boxes[:, :2] + found.boxes[:, 2:], np.ceil(high))
    assert not np.any(list(found.attributes.values()))


def test_the_first_pixel_of_300_w_is_one(tmp_path: Path) -> None:
    write_faces(tmp_path, 1, 5, 96, 1, layout="ibug68")
    (path,) = tmp_path.rglob("*.pts")
    lines = path.read_text().splitlines()
    assert lines[:3] == ["version: 1", "n_points: 68", "{"]
    first = np.array(lines[3].split(), float)
    np.testing.assert_allclose(first - 1, draw_face(5, 0, 96, layout="ibug68").points[0], atol=0.0006)


@pytest.mark.parametrize("layout", MARKUPS)
def test_a_folder_is_finished_when_its_points_are_there(layout: str, tmp_path: Path) -> None:
    """A part without a picture does no harm: there is one face, in one part."""
    assert not finished(tmp_path, layout)
    write_faces(tmp_path, 1, 5, 64, 1, layout=layout)
    assert finished(tmp_path, layout)
    assert len(read_dataset(tmp_path)) == 1
    last = {"celeba5": LISTS[-1], "wflw98": "list_98pt_rect_attr_train.txt"}
    (path,) = tmp_path.rglob(last.get(layout, "*.pts"))
    path.unlink()
    assert not finished(tmp_path, layout)


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.parametrize("layout", MARKUPS)
def test_a_stopped_job_resumes(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_faces(tmp_path / "whole", 70, 5, 64, 1, 2, layout=layout)
    add = Journal.add

    def stopping(self: Journal, entries: list[tuple[str, str, str]]) -> None:
        add(self, entries)
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", stopping)
        with pytest.raises(Interrupted):
            write_faces(tmp_path / "out", 70, 5, 64, 1, 2, layout=layout)
    assert not finished(tmp_path / "out", layout)
    with pytest.raises(ProtofaceError, match=r"drawn.jsonl: this folder was begun with .*\"seed\": 5"):
        write_faces(tmp_path / "out", 70, 6, 64, 1, 2, layout=layout)
    noted = [path for path in (tmp_path / "out").rglob("*.jpg") if int(path.name[:6]) < 32]
    before = {path: path.stat().st_mtime_ns for path in noted}
    assert len(before) >= 32
    write_faces(tmp_path / "out", 70, 5, 64, 1, 2, layout=layout)
    assert {path: path.stat().st_mtime_ns for path in noted} == before
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_drawing_again_over_a_finished_folder_unmarks_it_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_faces(tmp_path, 3, 5, 64, 1)

    def stop(self: Journal, entries: list[tuple[str, str, str]]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "add", stop)
    with pytest.raises(KeyboardInterrupt):
        write_faces(tmp_path, 3, 6, 64, 1)
    assert not finished(tmp_path, "celeba5")


def test_a_second_job_is_refused(tmp_path: Path) -> None:
    refused = rf"process {os.getpid()} on .* works here"
    with alone(tmp_path / LOCK), pytest.raises(ProtofaceError, match=refused):
        write_faces(tmp_path, 3, 5, 64, 1)


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    write_faces(tmp_path / "whole", 64, 5, 96, 1)
    with small_disk(tmp_path / "disk", 200):
        out = tmp_path / "disk" / "out"
        with pytest.raises(ProtofaceError, match=r"disk/out/.*: cannot be written: No space left"):
            write_faces(out, 64, 5, 96, 1)
        make_room(tmp_path / "disk", 5000)
        write_faces(out, 64, 5, 96, 1)
        assert content(out) == content(tmp_path / "whole")


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProtofaceError, match="0 faces"):
        write_faces(tmp_path, 0)
    with pytest.raises(ProtofaceError, match=r"narrowest is 0.7; .* at most 0.6 wide"):
        write_faces(tmp_path, 1, narrowest=0.7)
    unknown = "layout 'aflw21' cannot be drawn; there are celeba5, "
    with pytest.raises(ProtofaceError, match=unknown):
        write_faces(tmp_path / "x", 1, layout="aflw21")
    with pytest.raises(ProtofaceError, match=unknown):
        finished(tmp_path, "aflw21")
    assert not (tmp_path / "x").exists()
    assert synthesize(tmp_path / "x", "--layout", "aflw21") == 2
    assert "'aflw21' is not one of" in capsys.readouterr().err
