"""Level 2's data: windows of the cascade's own rule, labels that lead back, nothing lost."""

import json
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade.cascade import load
from protoface.cascade.definition import find_definition
from protoface.cascade.layouts import find_layout
from protoface.cascade.windows import clean, faithful, sampling
from protoface.cascade.windows.window import picture_window, to_picture
from protoface.cli import protoface, run
from protoface.converters import ProtofaceError
from protoface.converters.locking import LOCK, alone
from protoface.eval.datasets.dataset import list_dataset
from protoface.trainers.data.image_data import ImageList, read_image_list
from protoface.trainers.sets.crop import crop, draw_histogram, load_levels
from protoface.trainers.sets.labels import round_half_away, to_label, to_pixels
from protoface.trainers.sets.prepare import JOURNAL

from ...eval.celeba_set import with_68_points
from ...eval.datasets.face_folders import write_csv
from ...full_disk import make_room, small_disk
from .celeba_folder import constant_level_1, write_partition, write_set

ANSWER = (-0.2, -0.2, 0.22, -0.18, 0.02, 0.03, -0.16, 0.22, 0.2, 0.2)


@pytest.fixture
def level_1(tmp_path: Path) -> Path:
    path = tmp_path / "level_1.caffemodel"
    constant_level_1(path, ANSWER)
    return path


def lists(out: Path) -> dict[str, ImageList]:
    return {
        part: read_image_list(str(out / f"{part}.txt"))
        for part in ("train", "val", "test")
        if (out / f"{part}.txt").exists()
    }


def labels(out: Path) -> dict[str, np.ndarray]:
    return {
        name: label.reshape(5, 2)
        for listed in lists(out).values()
        for name, label in zip(listed.names, listed.labels, strict=True)
    }


def test_clean_labels_lead_back_to_the_originals(tmp_path: Path, level_1: Path) -> None:
    points = write_set(tmp_path / "set", 20, 128)
    levels = load_levels(weights=level_1)
    done = crop(tmp_path / "set", levels, tmp_path / "out", drop=0.5)
    found = labels(tmp_path / "out")
    assert len(found) == sum(done.counts.values()) == 20 - done.dropped > 10
    for picture in list_dataset(tmp_path / "set", 0):
        if picture.name not in found:
            continue
        image = cv2.imread(str(picture.path))
        answer = to_picture(np.array(ANSWER, np.float32), picture_window(image.shape[:2]))
        window = clean.square(image.shape[:2], answer, 2, 2, 0, 4)
        back = to_picture(found[picture.name].ravel(), window)
        # half a pixel of the 48 x 48 crop is the demand; six decimals are far closer
        assert np.abs(back - points[picture.name]).max() < 1e-3
        written = cv2.imread(str(tmp_path / "out" / picture.part / picture.name))
        seen = sampling.resample(image, window, 48, 48, cv2.INTER_LINEAR)
        assert written.tobytes() == cv2.imdecode(cv2.imencode(".jpg", seen)[1], 1).tobytes()


def test_labels_of_a_turned_window_lead_back(tmp_path: Path, level_1: Path) -> None:
    shape = "".join(
        f"shape {{ x: {x} y: {y} }} " for x, y in zip(ANSWER[::2], ANSWER[1::2], strict=True)
    )
    folder = Path(str(find_definition("original"))).parent
    text = (folder / "cascade.prototxt").read_text()
    for field in ("net", "weights"):
        text = text.replace(f'{field}: "', f'{field}: "{folder}/')
    square = 'square { around: "nose" k: 4 a: "nose" b: "left_eye" }'
    cascade = tmp_path / "cascade.prototxt"
    cascade.write_text(text.replace(square, f"similarity {{ {shape} }}"))
    points = write_set(tmp_path / "set", 10, 128)
    with pytest.raises(ProtofaceError, match="is not in the folder"):
        load_levels(cascade, level_1)
    levels = load_levels(cascade, level_1, outside=True)
    crop(tmp_path / "set", levels, tmp_path / "out", drop=0.9)
    for picture in list_dataset(tmp_path / "set", 0):
        image = cv2.imread(str(picture.path))
        answer = to_picture(np.array(ANSWER, np.float32), picture_window(image.shape[:2]))
        window = levels.second.window.over(image.shape[:2], None, answer)
        back = to_picture(labels(tmp_path / "out")[picture.name].ravel(), window)
        assert np.abs(back - points[picture.name]).max() < 1e-3
    cascade.write_text(text.replace(square, f"similarity {{ {shape} patch: 0.3 }}"))
    with pytest.raises(ProtofaceError, match="has patches or several views"):
        load_levels(cascade, level_1, outside=True)


def test_faithful_is_the_original_s_arithmetic(tmp_path: Path, level_1: Path) -> None:
    """The original's crop written once more, with plain numbers, its missing pixel included."""
    points = write_set(tmp_path / "set", 30, 128)
    levels = load_levels(weights=level_1, mode="faithful")
    crop(tmp_path / "set", levels, tmp_path / "out", drop=0.3)
    found, clamped = labels(tmp_path / "out"), 0
    for picture in list_dataset(tmp_path / "set", 0):
        image = cv2.imread(str(picture.path))
        h, w = image.shape[:2]
        out = to_pixels(np.array(ANSWER, np.float32).reshape(5, 2), w, h)
        raw = to_pixels(to_label(points[picture.name], w, h), w, h)
        error = np.mean([np.hypot(*(o - r)) for o, r in zip(out, raw, strict=True)]) / np.hypot(w, h)
        if round_half_away(float(error)) >= 0.3:
            assert picture.name not in found
            continue
        half = 2 * np.hypot(*(out[2] - out[0]))
        x0, y0 = (max(int(np.round(v - half)), 0) for v in out[2])
        x1, y1 = (min(int(np.round(v + half)), size) for v, size in zip(out[2], (w, h), strict=True))
        clamped += x1 == w or y1 == h
        half_x, half_y = (x1 - x0 - 1) // 2, (y1 - y0 - 1) // 2
        expected = [((x - x0 - half_x) / half_x, (y - y0 - half_y) / half_y) for x, y in raw]
        np.testing.assert_allclose(found[picture.name], expected, atol=1e-7)
        written = cv2.imread(str(tmp_path / "out" / picture.part / picture.name))
        assert written.shape == image[y0 : y1 + 1, x0 : x1 + 1].shape
    assert len(found) > 10


def test_faithful_at_the_far_border_has_no_missing_pixel(tmp_path: Path) -> None:
    """A window that the picture's edge cuts off: there the original's width is the slice's."""
    weights = tmp_path / "level_1.caffemodel"
    constant_level_1(weights, (0.1, 0.1, 0.6, 0.1, 0.5, 0.5, 0.1, 0.8, 0.6, 0.8))
    write_set(tmp_path / "set", 6, 100)
    levels = load_levels(weights=weights, mode="faithful")
    crop(tmp_path / "set", levels, tmp_path / "out", drop=0.9)
    points = {picture.name: picture for picture in list_dataset(tmp_path / "set", 0)}
    for name, label in labels(tmp_path / "out").items():
        image = cv2.imread(str(points[name].path))
        h, w = image.shape[:2]
        out = to_pixels(np.array([(0.1, 0.1), (0.5, 0.5)]), w, h)
        half = 2 * np.hypot(*(out[1] - out[0]))
        assert (out[1] + half > (w, h)).all()
        start = np.round(out[1] - half)
        middle = ((w, h) - start - 1) // 2
        raw = to_pixels(to_label(points[name].points, w, h), w, h)
        np.testing.assert_allclose(label, (raw - start - middle) / middle, atol=1e-7)


def test_the_window_is_the_one_the_cascade_looks_through(tmp_path: Path, shared: Path) -> None:
    """Published weights on real pictures: the same windows as `Cascade.detect` reports."""
    weights = [shared / "original" / f"l{level}_net.caffemodel" for level in (1, 2)]
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    text = (shared / "original" / "demo_landmarks.txt").read_text()
    (folder / "list_landmarks_celeba.txt").write_text(text)
    for path in (shared / "original" / "demo_images").iterdir():
        (folder / "images" / path.name).symlink_to(path)
    for mode, placed in (("clean", to_picture), ("faithful", faithful.to_picture)):
        cascade = load("original", weights=weights, mode=mode)
        done = crop(folder, load_levels(weights=weights[0], mode=mode), tmp_path / mode)
        assert (sum(done.counts.values()), done.dropped, done.bad) == (8, 0, 0)
        assert 0.005 < done.errors.mean() < 0.02  # the published weights: 1.2 % of the diagonal
        for picture in list_dataset(folder, 0):
            window = cascade.detect(cv2.imread(str(picture.path)))[0].windows[1]
            label = labels(tmp_path / mode)[picture.name]
            back = placed(label.ravel(), window)
            # faithful labels are made for a window without its far edge
            assert np.abs(back - picture.points).max() < (0.01 if mode == "clean" else 2.5)


def test_dropped_pictures_are_counted_and_listed(tmp_path: Path, level_1: Path) -> None:
    write_set(tmp_path / "set", 30, 96)
    levels = load_levels(weights=level_1)
    done = crop(tmp_path / "set", levels, tmp_path / "out", drop=0.12)
    listed = (tmp_path / "out" / "dropped.txt").read_text().splitlines()
    assert len(listed) == done.dropped == int((done.errors >= 0.12).sum())
    assert 0 < done.dropped < 30
    assert len(labels(tmp_path / "out")) == 30 - done.dropped
    assert cv2.imread(str(done.histogram)).shape[2] == 3


def test_a_level_1_that_predicts_nonsense(tmp_path: Path, capsys) -> None:
    weights = tmp_path / "nonsense.caffemodel"
    constant_level_1(weights, [9.0, -9.0] * 5)
    write_set(tmp_path / "set", 5)
    command = ["crop", "--data", str(tmp_path / "set"), "--out", str(tmp_path / "out")]
    assert run(protoface, [*command, "--weights", str(weights)]) == 2
    assert "all 5 pictures were dropped" in capsys.readouterr().err
    assert len((tmp_path / "out" / "dropped.txt").read_text().splitlines()) == 5
    weights.unlink()
    assert run(protoface, [*command, "--weights", str(weights)]) == 2
    assert "no weights of level 1 there" in capsys.readouterr().err


def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    weights = tmp_path / "nan.caffemodel"
    constant_level_1(weights, [float("nan")] * 10)
    write_set(tmp_path / "set", 3)
    with pytest.raises(ProtofaceError, match="all 3 pictures were dropped"):
        crop(tmp_path / "set", load_levels(weights=weights), tmp_path / "out")


def test_bad_pictures_are_listed(tmp_path: Path, level_1: Path) -> None:
    points = write_set(tmp_path / "set", 6)
    write_partition(tmp_path / "set", dict.fromkeys(points, 0))
    names = list(points)
    (tmp_path / "set" / "images" / names[2]).write_bytes(b"")
    command = ["crop", "--data", str(tmp_path / "set"), "--out", str(tmp_path / "out")]
    command += ["--weights", str(level_1), "--drop", "0.9"]
    assert run(protoface, command) == 0
    assert (tmp_path / "out" / "bad.txt").read_text() == f"{names[2]}: the file is empty\n"
    assert list(labels(tmp_path / "out")) == [name for name in names if name != names[2]]
    assert run(protoface, [*command, "--strict"]) == 1


@pytest.mark.slow
def test_goes_on_where_it_was_stopped(tmp_path: Path, level_1: Path) -> None:
    write_set(tmp_path / "set", 150, 48)
    levels = load_levels(weights=level_1)
    whole = crop(tmp_path / "set", levels, tmp_path / "out", drop=0.9)
    before = {path: path.read_bytes() for path in (tmp_path / "out").glob("*.txt")}
    journal = tmp_path / "out" / JOURNAL
    journal.write_bytes(journal.read_bytes()[:4321])
    again = crop(tmp_path / "set", levels, tmp_path / "out", drop=0.9)
    assert np.array_equal(again.errors, whole.errors)
    assert {path: path.read_bytes() for path in (tmp_path / "out").glob("*.txt")} == before
    assert (
        len({name for line in journal.read_text().splitlines()[1:] for name, _, _ in json.loads(line)})
        == 150
    )
    other = tmp_path / "other.caffemodel"
    constant_level_1(other, np.array(ANSWER) + 0.05)
    with pytest.raises(ProtofaceError, match="begun with"):
        crop(tmp_path / "set", load_levels(weights=other), tmp_path / "out", drop=0.9)


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
def test_a_folder_in_which_two_jobs_worked_is_mended(tmp_path: Path, level_1: Path) -> None:
    write_set(tmp_path / "set", 70, 48)
    levels = load_levels(weights=level_1)
    crop(tmp_path / "set", levels, tmp_path / "out", drop=0.9)
    whole = everything(tmp_path / "out")
    journal = tmp_path / "out" / JOURNAL
    head, *body = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([head, body[1], head, body[1][:50] + body[0], body[0], body[1]]))
    again = crop(tmp_path / "set", levels, tmp_path / "out", drop=0.9)
    assert len(again.errors) == 70
    assert everything(tmp_path / "out") == whole


def test_a_second_job_is_refused_at_once(tmp_path: Path, level_1: Path) -> None:
    write_set(tmp_path / "set", 3)
    refused = rf"process {os.getpid()} on .* works here"
    with alone(tmp_path / "out" / LOCK), pytest.raises(ProtofaceError, match=refused):
        crop(tmp_path / "set", load_levels(weights=level_1), tmp_path / "out")


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_job_goes_on_after(tmp_path: Path, level_1: Path) -> None:
    write_set(tmp_path / "set", 70, 48)
    levels = load_levels(weights=level_1)
    crop(tmp_path / "set", levels, tmp_path / "whole", drop=0.9)
    with small_disk(tmp_path / "disk", 200):
        out = tmp_path / "disk" / "out"
        with pytest.raises(ProtofaceError, match=r"disk/out/.*: cannot be written: No space left"):
            crop(tmp_path / "set", levels, out, drop=0.9)
        make_room(tmp_path / "disk", 10_000)
        crop(tmp_path / "set", levels, out, drop=0.9)
        assert everything(out) == everything(tmp_path / "whole")


def test_the_histogram_takes_any_error(tmp_path: Path) -> None:
    draw_histogram(np.array([0.01, 0.5, np.nan, np.inf, 1e9]), 0.1, tmp_path / "errors.png")
    assert cv2.imread(str(tmp_path / "errors.png")) is not None


@pytest.mark.benchmark
def test_speed_on_real_pictures(tmp_path: Path, shared: Path) -> None:
    """7,869 pictures; 25 s on two cores are the demand, twice that is for a busy machine."""
    begun = time.perf_counter()
    levels = load_levels(weights=shared / "original" / "l1_net.caffemodel")
    done = crop(shared / "faces" / "net7876", levels, tmp_path / "out")
    assert time.perf_counter() - begun < 50
    assert sum(done.counts.values()) + done.dropped == 7869
    assert done.errors.mean() == pytest.approx(0.0143, abs=0.0003)


def test_a_set_of_68_points_is_cropped_by_a_cascade_of_five(tmp_path: Path, level_1: Path) -> None:
    """Labels are those of the five points that its 68 are converted to."""
    layout, points = find_layout("ibug68"), write_set(tmp_path / "set", 8, 128)
    (tmp_path / "set" / "list_landmarks_celeba.txt").unlink()
    wide = with_68_points(np.array(list(points.values())))
    write_csv(tmp_path / "set", dict(zip(points, wide, strict=True)))
    five = layout.convert(wide, find_layout("celeba5"))
    crop(tmp_path / "set", load_levels(weights=level_1), tmp_path / "out", drop=0.9)
    found = labels(tmp_path / "out")
    assert len(found) > 4
    for name, expected in zip(points, five, strict=True):
        if name in found:
            image = cv2.imread(str(tmp_path / "set" / "images" / name))
            answer = to_picture(np.array(ANSWER, np.float32), picture_window(image.shape[:2]))
            window = clean.square(image.shape[:2], answer, 2, 2, 0, 4)
            assert np.abs(to_picture(found[name].ravel(), window) - expected).max() < 1e-3
