"""`protoface detect` as its users meet it: outputs, interrupts, resuming, lists of boxes, odd names."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade import detect as detect_module
from protoface.cascade.commands import detect as detect_verb
from protoface.cascade.pictures import open_video, read_picture
from protoface.cli import protoface, run


@pytest.fixture
def album(tmp_path: Path, face: Path) -> Path:
    """Twelve pictures, a bad one among them, and a text."""
    album = tmp_path / "album"
    album.mkdir()
    for number in range(12):
        (album / f"{number:02}.png").write_bytes(face.read_bytes())
    (album / "05.png").write_bytes(b"no picture")
    (album / "notes.txt").write_text("mine")
    return album


@pytest.fixture
def detect(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command in the test's folder, with a small model."""
    monkeypatch.chdir(tmp_path)
    options = ["--model", str(folder), "--backend", "opencv"]
    return lambda *given: run(protoface, ["detect", *map(str, given), *options])


def interrupting(monkeypatch: pytest.MonkeyPatch, after: int, number: int) -> None:
    """Let a signal come in the middle of the picture or frame that follows `after` others."""
    look, done = detect_verb.detect_sources, []

    def interrupted(cascade, sources, take, *arguments):
        def taken(one):
            done.append(1)
            if len(done) == after + 1:
                os.kill(os.getpid(), number)
            take(one)

        look(cascade, sources, taken, *arguments)

    monkeypatch.setattr(detect_verb, "detect_sources", interrupted)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_job_keeps_what_is_done_and_goes_on(
    number, status, album, detect, tmp_path, monkeypatch, capsys
):
    whole = ["--json", "whole.jsonl", "--csv", "whole.csv", "--out", "whole"]
    parts = ["--json", "part.jsonl", "--csv", "part.csv", "--out", "part"]
    assert detect(album, *whole) == 2
    with monkeypatch.context() as patch:
        interrupting(patch, 7, number)
        capsys.readouterr()
        assert detect(album, *parts) == status
    out, err = capsys.readouterr()
    assert "7 done, 1 could not be read" in out.replace("8 done", "7 done")
    assert "with --resume goes on" in out
    assert err.strip().endswith("protoface: interrupted")
    rows = (tmp_path / "part.jsonl").read_text().splitlines()
    assert rows == (tmp_path / "whole.jsonl").read_text().splitlines()[: len(rows)]
    assert 7 <= len(rows) <= 8
    assert len((tmp_path / "part.csv").read_text().splitlines()) == len(rows) + 1
    assert detect(album, *parts, "--resume") == 2  # the bad picture is among those done before
    assert (tmp_path / "part.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert (tmp_path / "part.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "part" / path.name).read_bytes()
    assert not list(tmp_path.glob("*.part*"))


def test_resuming_does_not_do_anything_twice(album, detect, monkeypatch):
    with monkeypatch.context() as patch:
        interrupting(patch, 7, signal.SIGINT)
        detect(album, "--json", "a.jsonl")
    read, done = detect_module.read_picture, []
    monkeypatch.setattr(detect_module, "TOGETHER", 4)
    monkeypatch.setattr(detect_module, "read_picture", lambda *given: done.append(1) or read(*given))
    assert detect(album, "--json", "a.jsonl", "--csv", "a.csv", "--resume") == 2
    assert len(done) == 12 - 8
    assert len(Path("a.csv").read_text().splitlines()) == 12  # of an output that is new, too


def test_another_job_does_not_go_on(album, detect, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        interrupting(patch, 3, signal.SIGINT)
        detect(album, "--json", "a.jsonl")
    assert detect(album, "--json", "a.jsonl", "--resume", "--mode", "faithful") == 2
    assert "a.jsonl.part: this job was begun with" in capsys.readouterr().err
    (album / "new.png").write_bytes((album / "00.png").read_bytes())
    assert detect(album, "--json", "a.jsonl", "--resume") == 2
    assert "without --resume it begins anew" in capsys.readouterr().err
    assert detect(album, "--json", "a.jsonl") == 2
    assert len(Path("a.jsonl").read_text().splitlines()) == 12


def test_resuming_what_was_never_begun_begins(album, detect, capsys):
    assert detect(album, "--json", "a.jsonl", "--resume") == 2
    assert len(Path("a.jsonl").read_text().splitlines()) == 11
    assert detect(album, "--resume") == 2
    assert "--resume needs several pictures or videos, and --json, --csv or --out" in (
        capsys.readouterr().err
    )


def test_drawn_pictures_alone_can_be_resumed(album, detect, monkeypatch):
    with monkeypatch.context() as patch:
        interrupting(patch, 3, signal.SIGINT)
        patch.setattr(detect_module, "TOGETHER", 1)
        patch.setattr(detect_module, "cores", lambda workers: 1)
        assert detect(album, "--out", "drawn") == 130
    there = len(list(Path("drawn").glob("*.png")))
    assert 3 <= there <= 8  # the next ones are looked at ahead
    assert detect(album, "--out", "drawn", "--resume") == 2
    assert sorted(os.listdir("drawn")) == sorted({*os.listdir(album)} - {"05.png", "notes.txt"})


def test_csv_and_json_say_the_same(album, detect):
    detect(album, "--json", "a.jsonl", "--csv", "a.csv")
    rows = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    with open("a.csv", newline="") as file:
        fields = list(csv.DictReader(file))
    assert [one["path"] for one in fields] == [one["path"] for one in rows]
    assert [float(one["nose_x"]) for one in fields] == [one["points"][2][0] for one in rows]


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_results_on_standard_output_are_alone_there(option, album, detect, capsys):
    assert detect(album, option, "-") == 2
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert len(lines) == 11 + (option == "--csv")
    if option == "--json":
        assert [json.loads(line)["face"] for line in lines] == [0] * 11
    assert "11 done, 1 could not be read, 1 skipped" in err


def test_json_and_csv_in_one_file_are_refused(album, detect, capsys):
    assert detect(album, "--json", "a", "--csv", "./a") == 2
    assert "--json and --csv cannot be one file" in capsys.readouterr().err


def test_what_is_skipped_is_counted_and_named(album, detect, capsys):
    for number in range(20):
        (album / f"{number}.txt").touch()
    detect(album)
    out = capsys.readouterr().out
    assert "21 skipped" in out
    assert out.count("\nskipped: ") == 11
    assert "skipped: 11 more" in out


def test_several_boxes_of_one_picture(album, detect):
    Path("boxes.txt").write_text("00.png 10 10 21 21\n01.png 1 2 30 31\n00.png 30 30 21 21\n")
    assert detect(album / "00.png", album / "01.png", "--boxes", "boxes.txt", "--json", "a.jsonl") == 0
    rows = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [(Path(one["path"]).name, one["face"], one["box"]) for one in rows] == [
        ("00.png", 0, [10, 10, 21, 21]),
        ("00.png", 1, [30, 30, 21, 21]),
        ("01.png", 0, [1, 2, 30, 31]),
    ]


@pytest.fixture
def film(album: Path, videos: None) -> Path:
    """Forty frames in the folder of pictures."""
    film = album / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for value in range(40):
        writer.write(np.full((48, 64, 3), 5 * value, np.uint8))
    writer.release()
    return film


def test_videos_of_a_folder_are_taken(film, album, detect, capsys):
    assert detect(album, "--json", "a.jsonl", "--out", "drawn", "--frames", "3") == 2
    assert "11 done, 3 frames of videos, 1 could not be read" in capsys.readouterr().out
    frames = [json.loads(line).get("frame") for line in Path("a.jsonl").read_text().splitlines()]
    assert frames == [None] * 11 + [0, 1, 2]
    with open_video("drawn/film.mp4") as video:
        assert len(list(video.frames)) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_video_keeps_its_recording_and_its_rows(number, film, detect, monkeypatch):
    interrupting(monkeypatch, 9, number)
    assert detect(film, "--json", "a.jsonl", "--out", "drawn") == 128 + number
    assert len(Path("a.jsonl").read_text().splitlines()) == 10
    with open_video("drawn/film.mp4") as video:
        assert len(list(video.frames)) == 10
    assert os.listdir("drawn") == ["film.mp4"]


def test_a_fifo_gets_rows_while_they_are_found(album, detect):
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.extend(Path("pipe").read_text().splitlines()))
    reader.start()
    assert detect(album, "--json", "pipe") == 2
    reader.join()
    assert [json.loads(line)["face"] for line in read] == [0] * 11


def test_odd_names_do_no_harm(face, detect, tmp_path, capfd):
    """Not UTF-8, control characters, a pipe and a folder with names of pictures, a link in a circle."""
    odd = tmp_path / "odd"
    odd.mkdir()
    for name in (b"caf\xe9.png", b"\x1b[2J.png", "ü.png".encode()):
        with open(os.path.join(os.fsencode(odd), name), "wb") as file:
            file.write(face.read_bytes())
    os.mkfifo(odd / "pipe.jpg")
    (odd / "folder.jpg").mkdir()
    (odd / "circle.jpg").symlink_to("circle.jpg")
    (odd / "back").symlink_to(odd)
    assert detect(odd, "--out", "drawn", "--json", "a.jsonl") == 0
    out, err = capfd.readouterr()
    assert "3 done, 0 could not be read, 2 skipped" in out
    assert "\x1b" not in out + err
    assert len(os.listdir(b"drawn")) == 3
    assert len(Path("a.jsonl").read_text().splitlines()) == 3
    for name in os.listdir(b"drawn"):
        assert read_picture(os.fsdecode(os.path.join(b"drawn", name))).shape == (60, 80, 3)


def test_a_second_job_with_the_same_output_is_refused(album, folder, tmp_path, detect, capsys):
    """The first one waits for its reader."""
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "protoface", "detect", album, "--model", folder, "--csv", "pipe"]
    first = subprocess.Popen([*command, "--json", "a.jsonl"], cwd=tmp_path)
    try:
        lock = tmp_path / "a.jsonl.part.lock"
        while not lock.exists() or not lock.read_text():
            assert first.poll() is None
            time.sleep(0.01)
        assert detect(album, "--json", "a.jsonl") == 2
        assert f"process {first.pid} on " in capsys.readouterr().err
    finally:
        first.kill()
        first.wait()
    assert detect(album, "--json", "a.jsonl") == 2
    assert f"taken over from process {first.pid}" in capsys.readouterr().err


@pytest.mark.slow
def test_a_full_disk_ends_the_job_in_one_line_and_it_goes_on_later(album, folder, tmp_path):
    """The limit is one on the size of a file: that of the rows."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "from protoface.start import main; main()"
    )
    given = ["detect", album, "--model", folder, "--json", "a.jsonl"]
    full = subprocess.run(
        [sys.executable, "-c", code, *given], cwd=tmp_path, capture_output=True, text=True
    )
    assert full.returncode == 2
    last = full.stderr.strip().splitlines()[-1]
    assert last in [
        f"protoface: {name}: cannot be written: File too large" for name in ("a.jsonl", "a.jsonl.part")
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if "a.jsonl" in path.name) == [
        "a.jsonl.part"
    ]
    plain = [sys.executable, "-m", "protoface", *given]
    resumed = subprocess.run([*plain, "--resume"], cwd=tmp_path, capture_output=True, text=True)
    assert "11 done, 1 could not be read" in resumed.stdout
    rows = (tmp_path / "a.jsonl").read_bytes()
    subprocess.run(plain, cwd=tmp_path, capture_output=True)
    assert rows == (tmp_path / "a.jsonl").read_bytes()
