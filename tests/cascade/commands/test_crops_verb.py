"""The verb `crops`: files, reports, bad input, going on."""

import os
import shutil

import cv2
import numpy as np
import pytest

from protoface.cascade import load
from protoface.cascade.alignment import aligned
from protoface.cli import protoface, run


@pytest.fixture
def album(face, tmp_path):
    """Two pictures, one of which cannot be read, a video and a text."""
    album = tmp_path / "album"
    (album / "deep").mkdir(parents=True)
    shutil.copy(face, album / "deep" / "one.png")
    cv2.imwrite(str(album / "two.jpg"), np.full((50, 70, 3), 99, np.uint8))
    (album / "bad.jpg").write_bytes(b"no picture")
    (album / "film.mp4").touch()
    (album / "notes.txt").touch()
    return album


def crops(*arguments):
    return run(protoface, ["crops", *map(str, arguments)])


@pytest.mark.parametrize(("options", "side"), [(["--align"], 112), ([], 160), (["--size", "64"], 64)])
def test_every_face_is_a_file(album, folder, tmp_path, capsys, options, side):
    out = tmp_path / "faces"
    assert crops(album, "--out", out, "--model", folder, *options) == 2
    said = capsys.readouterr()
    assert "bad.jpg: not a picture" in said.err
    assert "2 faces in 2 pictures, 0 of them without a face, 1 could not be read, 2 skipped" in said.out
    assert f"skipped: {album / 'film.mp4'}: a video" in said.out
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == ["deep/one_0.png", "two_0.png"]
    assert cv2.imread(str(out / "two_0.png")).shape == (side, side, 3)


def test_aligned_by_the_points_that_are_found(face, folder, tmp_path):
    assert crops(face, "--out", tmp_path / "faces", "--model", folder, "--align") == 0
    image = cv2.imread(str(face))
    (found,) = load(folder).detect(image)
    crop = cv2.imread(str(tmp_path / "faces" / "face_0.png"))
    np.testing.assert_array_equal(crop, aligned(image, found.points, 112))


def test_an_interrupted_job_goes_on(album, folder, tmp_path, monkeypatch, capsys):
    """Ended after the first picture; what is done is not done again."""
    from protoface.cascade.commands import crops as verb
    from protoface.converters.stopping import Interrupted, Stop

    out, given = tmp_path / "faces", None
    add = verb._Summary.add

    def ending(self, seen):
        add(self, seen)
        raise Interrupted(2)

    monkeypatch.setattr(verb._Summary, "add", ending)
    given = [album, "--out", out, "--model", folder]
    assert crops(*given) == 130
    assert Stop.signum is None
    monkeypatch.setattr(verb._Summary, "add", add)
    capsys.readouterr()
    assert crops(*given, "--resume", "--align") == 2
    assert "was begun with" in capsys.readouterr().err
    assert crops(*given, "--resume") == 2
    assert "2 faces in 2 pictures" in capsys.readouterr().out
    assert not list(out.glob(".crops.part"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["face.png", "--out", "x", "--align", "--margin", "8"], "--margin is for faces that are not"),
        (
            ["face.png", "--out", "x", "--margin", "160"],
            "margin is 160, it must be at least 0 and less",
        ),
        (["face.png", "--out", "x", "--resume"], "--resume needs several pictures"),
        (["face.png", "--out", "x", "--size", "4"], "4 is not in the range"),
        (["nowhere.jpg", "--out", "x"], "nowhere.jpg: No such file"),
        (["face.png", "--out", "x", "--model", "nowhere"], "nowhere: no such cascade"),
        (["album/film.mp4", "--out", "x"], "no pictures there; crops takes no videos"),
        (["face.png"], "Missing option '--out'"),
    ],
)
def test_bad_arguments_are_one_line(album, folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(album.parent)
    model = [] if "--model" in arguments else ["--model", str(folder)]
    assert crops(*arguments, *model) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err
    assert not os.path.exists("x")


def test_help_tells_crop_from_crops(capsys):
    assert run(protoface, ["crops", "--help"]) == 0
    assert "`protoface crop`" in " ".join(capsys.readouterr().out.split())
    assert run(protoface, ["crop", "--help"]) == 0
    assert "`protoface crops`" in " ".join(capsys.readouterr().out.split())
