"""Level 1's data: the same bytes as a plain loop, nothing lost, nothing twice, bad pictures listed."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from protoface.cascade.parallel import chunks
from protoface.cli import protoface, run
from protoface.converters import ProtofaceError
from protoface.converters.locking import LOCK, alone
from protoface.eval.datasets.dataset import Labelled, list_dataset
from protoface.trainers.data.image_data import read_image_list
from protoface.trainers.sets.labels import to_label
from protoface.trainers.sets.prepare import CHUNK, JOURNAL, UNFINISHED, _prepare_some, prepare

from ...eval.datasets.face_folders import shape_68, write_picture, write_pts
from ...full_disk import limited, make_room, small_disk
from .celeba_folder import write_landmarks, write_partition, write_set


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def everything(folder: Path) -> dict[str, bytes]:
    """Every file but the journal, by its path."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_equals_a_plain_loop(tmp_path: Path) -> None:
    points = write_set(tmp_path / "set")
    parts = {name: index % 3 for index, name in enumerate(points)}
    write_partition(tmp_path / "set", parts)
    done = prepare(tmp_path / "set", tmp_path / "out", workers=2)
    assert (done.counts, done.bad) == ({"train": 4, "val": 4, "test": 4}, 0)
    assert (tmp_path / "out" / "bad.txt").read_text() == ""
    for number, part in enumerate(("train", "val", "test")):
        listed = read_image_list(str(tmp_path / "out" / f"{part}.txt"))
        assert list(listed.names) == [name for name in points if parts[name] == number]
        for name, label in zip(listed.names, listed.labels, strict=True):
            image = cv2.imread(str(tmp_path / "set" / "images" / name))
            expected = to_label(points[name], image.shape[1], image.shape[0])
            assert np.array_equal(label, expected.ravel().astype(np.float32))
            plain = cv2.imencode(".jpg", cv2.resize(image, (48, 48)))[1].tobytes()
            assert (tmp_path / "out" / part / name).read_bytes() == plain


def test_the_nets_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from protoface.converters import filter_net, read_net
    from protoface.converters.graph import TEST, TRAIN
    from protoface.trainers.data.image_data import read_image_data

    points = write_set(tmp_path / "set", 5)
    write_partition(tmp_path / "set", {name: 2 * (index > 2) for index, name in enumerate(points)})
    monkeypatch.chdir(tmp_path)
    prepare("set", "data/level_1")
    root = Path(__file__).parents[3]
    for phase, count in ((TRAIN, 3), (TEST, 2)):
        net = filter_net(read_net(root / "prototxt/level_1/train_val.prototxt"), phase)
        import torch

        assert read_image_data(net.layer[0], torch.float32).rows == count


def test_the_split_is_drawn_for_each_picture_from_a_seed(tmp_path: Path) -> None:
    names = [f"{index}.jpg" for index in range(2000)]
    (tmp_path / "img_celeba").mkdir()
    write_landmarks(tmp_path, {name: np.zeros((5, 2)) for name in names})
    drawn = [[picture.part for picture in list_dataset(tmp_path, seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    # 80 % of 2000 within four standard deviations
    assert abs(drawn[0].count("train") - 1600) < 4 * np.sqrt(2000 * 0.8 * 0.2)
    assert set(drawn[0]) == {"train", "test"}


def test_bad_pictures_are_listed_and_the_rest_is_done(tmp_path: Path, capfd) -> None:
    folder = tmp_path / "set"
    points = write_set(folder, 10)
    images = folder / "images"
    names = list(points)
    (images / names[0]).write_bytes(b"")
    (images / names[1]).unlink()
    (images / names[2]).write_bytes(b"\x00" * 999)
    (images / names[3]).write_bytes((images / names[3]).read_bytes()[:900])
    points[names[4]][2] = (4000, 5)
    points[names[5]][0] = (-3, 5)
    write_landmarks(folder, points)
    command = ["prepare", "--data", str(folder), "--out", str(tmp_path / "out")]
    assert run(protoface, command) == 0
    assert "6 pictures left out" in capfd.readouterr().err
    bad = lines(tmp_path / "out" / "bad.txt")
    assert [line.split(":")[0] for line in bad] == names[:6]
    for line, text in zip(
        bad,
        ("the file is empty", "No such file", "not a picture", "truncated", "4000, 5", "-3, 5"),
        strict=True,
    ):
        assert text in line
    kept = [
        line.split()[0]
        for part in ("train", "test")
        for line in lines(tmp_path / "out" / f"{part}.txt")
    ]
    assert sorted(kept) == names[6:]
    assert run(protoface, [*command, "--strict"]) == 1


def test_nothing_but_bad_pictures(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    for path in (tmp_path / "set" / "images").iterdir():
        path.write_bytes(b"")
    done = prepare(tmp_path / "set", tmp_path / "out", workers=1)
    assert (sum(done.counts.values()), done.bad) == (0, 3)


def test_names_with_spaces(tmp_path: Path) -> None:
    points = write_set(tmp_path / "set", 3, names=["a b.jpg", "my 2 faces.jpg", "c.jpg"])
    write_partition(tmp_path / "set", dict.fromkeys(points, 0))
    assert prepare(tmp_path / "set", tmp_path / "out").counts["train"] == 3
    assert read_image_list(str(tmp_path / "out" / "train.txt")).names == tuple(points)


def test_a_finished_job_is_not_done_again(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 4)
    first = prepare(tmp_path / "set", tmp_path / "out")
    before = everything(tmp_path / "out")
    shutil.rmtree(tmp_path / "set" / "images")
    (tmp_path / "set" / "images").mkdir()
    assert prepare(tmp_path / "set", tmp_path / "out") == first
    assert everything(tmp_path / "out") == before


def test_a_torn_journal_goes_on_without_loss_or_doubles(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 40)
    prepare(tmp_path / "set", tmp_path / "whole")
    prepare(tmp_path / "set", tmp_path / "torn")
    journal = tmp_path / "torn" / JOURNAL
    text = journal.read_bytes()
    for cut in (len(text) // 2, len(text) // 3, text.index(b"\n") + 1, 5, 0):
        journal.write_bytes(text[:cut])
        prepare(tmp_path / "set", tmp_path / "torn")
        assert everything(tmp_path / "torn") == everything(tmp_path / "whole")


def test_lists_that_a_kill_left_unfinished_are_gone(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 5)
    prepare(tmp_path / "set", tmp_path / "whole")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".train.abc123.txt").write_text("half a li")
    prepare(tmp_path / "set", tmp_path / "out")
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


def test_a_folder_in_which_two_jobs_worked_is_mended(tmp_path: Path) -> None:
    """As versions without a lock file left it: every line twice, in any order."""
    write_set(tmp_path / "set", 70)
    prepare(tmp_path / "set", tmp_path / "whole")
    prepare(tmp_path / "set", tmp_path / "out")
    journal = tmp_path / "out" / JOURNAL
    head, *body = journal.read_bytes().splitlines(keepends=True)
    assert len(body) == 3
    journal.write_bytes(b"".join([head, body[2], body[0], head, body[0], body[2][:99] + body[1]]))
    for part in ("train", "test"):
        path = tmp_path / "out" / f"{part}.txt"
        path.write_text(2 * path.read_text())
    prepare(tmp_path / "set", tmp_path / "out")
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


def test_a_second_job_is_refused_at_once(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 5)
    with (
        alone(tmp_path / "out" / LOCK),
        pytest.raises(ProtofaceError, match=rf"process {os.getpid()} on .* works here"),
    ):
        prepare(tmp_path / "set", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    prepare(tmp_path / "set", tmp_path / "out")
    assert not (tmp_path / "out" / LOCK).exists()


def test_a_full_disk_is_named_and_the_job_goes_on_after(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 40)
    prepare(tmp_path / "set", tmp_path / "whole")
    with small_disk(tmp_path / "disk", 100):
        out = tmp_path / "disk" / "out"
        with pytest.raises(ProtofaceError, match=r"disk/out/.*: cannot be written: No space left"):
            prepare(tmp_path / "set", out)
        pictures = list(out.rglob("*.jpg"))
        assert pictures
        assert all(path.read_bytes().endswith(b"\xff\xd9") for path in pictures)
        make_room(tmp_path / "disk", 10_000)
        prepare(tmp_path / "set", out)
        assert everything(out) == everything(tmp_path / "whole")


def test_a_picture_that_does_not_fit(tmp_path: Path) -> None:
    """Without a disk of its own: no file may grow beyond a kilobyte."""
    write_set(tmp_path / "set", 3)
    with (
        limited(1000),
        pytest.raises(ProtofaceError, match=r"jpg: cannot be written: File too large"),
    ):
        prepare(tmp_path / "set", tmp_path / "out", workers=1)
    assert not list(tmp_path.rglob(f"{UNFINISHED}*"))


def test_an_unfinished_picture_of_a_killed_job_is_removed(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{UNFINISHED}123").write_bytes(b"half a pic")
    prepare(tmp_path / "set", tmp_path / "out")
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_it_resumes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], number: int, status: int
) -> None:
    write_set(tmp_path / "set", 130, 48)
    prepare(tmp_path / "set", tmp_path / "whole")
    noted = tmp_path / "out" / JOURNAL
    command = ["prepare", "--data", str(tmp_path / "set"), "--out", str(noted.parent), "--workers", "1"]

    def end() -> None:
        while not noted.exists() or noted.stat().st_size < 300:
            time.sleep(0.0005)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=end)
    thread.start()
    assert run(protoface, command) == status
    thread.join()
    assert [line for line in capfd.readouterr().err.splitlines() if line] == [
        "stopped; the same command resumes",
        "protoface: interrupted",
    ]
    assert 0 < len(noted.read_bytes().splitlines()) - 1 < 5
    assert run(protoface, command) == 0
    assert everything(noted.parent) == everything(tmp_path / "whole")


@pytest.mark.slow
def test_killed_at_any_time(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 300, 320)
    prepare(tmp_path / "set", tmp_path / "whole")
    code = "import sys; from protoface.trainers.sets.prepare import prepare; prepare(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(tmp_path / "set"), str(tmp_path / "out")]
    killed = 0
    for _ in range(50):
        with subprocess.Popen(command) as process:
            begun = time.monotonic()
            size = (tmp_path / "out" / JOURNAL).stat().st_size if killed else 0
            while process.poll() is None and time.monotonic() - begun < 60:
                path = tmp_path / "out" / JOURNAL
                if path.exists() and path.stat().st_size > size + 3000:
                    process.send_signal(signal.SIGKILL)
                    killed += 1
                    break
                time.sleep(0.001)
        if process.returncode == 0:
            break
    assert killed >= 2
    assert process.returncode == 0
    assert everything(tmp_path / "out") == everything(tmp_path / "whole")


def test_other_settings_do_not_go_on_with_the_same_folder(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    prepare(tmp_path / "set", tmp_path / "out")
    with pytest.raises(ProtofaceError, match="begun with .*remove this one"):
        prepare(tmp_path / "set", tmp_path / "out", size=64)


def test_lists_that_lie(tmp_path: Path) -> None:
    points = write_set(tmp_path, 3)
    landmarks = tmp_path / "list_landmarks_celeba.txt"
    text = landmarks.read_text()
    landmarks.write_text(text.replace("3\n", "4\n", 1))
    with pytest.raises(ProtofaceError, match="announces 4 pictures but lists 3"):
        prepare(tmp_path, tmp_path / "out")
    landmarks.write_text(text.split("\n", 1)[1])  # the names of the columns alone
    with pytest.raises(ProtofaceError, match="line 1: not a name and 10 numbers"):
        prepare(tmp_path, tmp_path / "out")
    landmarks.write_text(text.split("\n", 2)[2])  # no header at all is a list, too
    assert sum(prepare(tmp_path, tmp_path / "out").counts.values()) == 3
    write_partition(tmp_path, dict.fromkeys(list(points)[1:], 0))
    with pytest.raises(ProtofaceError, match=f"does not say which part '{next(iter(points))}'"):
        prepare(tmp_path, tmp_path / "other")
    write_partition(tmp_path, dict.fromkeys(points, 7))
    with pytest.raises(ProtofaceError, match="in part 7, not in 0, 1 or 2"):
        prepare(tmp_path, tmp_path / "other")


def test_not_a_set(tmp_path: Path) -> None:
    with pytest.raises(ProtofaceError, match="has none of landmarks68.csv .*list_landmarks_celeba.txt"):
        prepare(tmp_path, tmp_path / "out")
    with pytest.raises(ProtofaceError, match="not a folder"):
        prepare(tmp_path / "nowhere", tmp_path / "out")


def test_pictures_above_the_limit_are_listed(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 2)
    command = ["prepare", "--data", str(tmp_path / "set"), "--out", str(tmp_path / "out")]
    assert run(protoface, [*command, "--max-pixels", "100"]) == 0
    assert all("pixels are more than 100" in line for line in lines(tmp_path / "out" / "bad.txt"))
    again = ["prepare", "--data", str(tmp_path / "set"), "--out", str(tmp_path / "other")]
    assert run(protoface, again) == 0
    assert lines(tmp_path / "other" / "bad.txt") == []


def test_names_that_leave_the_folder_are_listed(tmp_path: Path) -> None:
    points = write_set(tmp_path / "set", 2)
    first, second = points
    write_landmarks(
        tmp_path / "set", {"../" + first: points[first], second: points[second], "x": points[first]}
    )
    assert prepare(tmp_path / "set", tmp_path / "out").bad == 2
    assert [line.split(": ")[1] for line in lines(tmp_path / "out" / "bad.txt")] == [
        "its name is a path out of the folder",
        "its name has no suffix of a picture, such as .jpg",
    ]


def test_any_number_of_points(tmp_path: Path) -> None:
    """300-W's folders: labels of 68 points, partitions and names as the folders have them."""
    names = ["helen/trainset/a", "lfpw/trainset/a", "lfpw/testset/a"]
    truth = {name: shape_68() + index for index, name in enumerate(names)}
    for name in names:
        write_pts(tmp_path / "set" / f"{name}.pts", truth[name])
        write_picture(tmp_path / "set" / f"{name}.png")
    done = prepare(tmp_path / "set", tmp_path / "out")
    assert done.counts == {"train": 2, "val": 0, "test": 1}
    listed = read_image_list(str(tmp_path / "out" / "train.txt"))
    assert listed.names == tuple(f"{name}.png" for name in names[:2])
    for name, label in zip(names, listed.labels, strict=False):
        expected = to_label(truth[name], 64, 64).ravel()
        np.testing.assert_allclose(label, expected, atol=1e-6)
        assert cv2.imread(str(tmp_path / "out" / "train" / f"{name}.png")).shape == (48, 48, 3)


PLAIN = """
import os, sys
import cv2
source, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
for line in open(source + "/list_landmarks_celeba.txt").read().splitlines()[2:]:
    name = line.split()[0]
    cv2.imwrite(f"{out}/{name}", cv2.resize(cv2.imread(f"{source}/images/{name}"), (48, 48)))
"""


def processor_time(command: list[str]) -> float:
    """Of a whole process, its start and its imports included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.benchmark
def test_speed_of_the_whole_command(tmp_path: Path, shared: Path) -> None:
    """By turns with a plain loop that is a process, too; the rest to 0.95 is for a busy machine."""
    source = str(shared / "faces" / "net7876")
    ratios = []
    for turn in range(5):
        plain = processor_time([sys.executable, "-c", PLAIN, source, str(tmp_path / f"plain{turn}")])
        command = [sys.executable, "-m", "protoface.cli", "prepare", "--workers", "1"]
        command += ["--data", source, "--out", str(tmp_path / str(turn))]
        ratios.append(plain / processor_time(command))
    assert np.median(ratios) > 0.85, ratios


@pytest.mark.benchmark
def test_speed_of_a_picture(tmp_path: Path, shared: Path) -> None:
    """What every further picture costs: chunks by turns with a plain loop, the best of five each."""
    pictures = list(list_dataset(shared / "faces" / "net7876"))[: 20 * CHUNK]
    for part in ("train", "val", "test", "plain"):
        (tmp_path / part).mkdir()

    def plain(chunk: list[Labelled]) -> None:
        for picture in chunk:
            small = cv2.resize(cv2.imread(picture.path), (48, 48))
            cv2.imwrite(f"{tmp_path}/plain/{picture.name}", small)

    def ours(chunk: list[Labelled]) -> None:
        _prepare_some(chunk, tmp_path, 48)

    times = np.full((2, 20), np.inf)
    for turn in range(5):
        for row, chunk in enumerate(chunks(pictures, CHUNK)):
            for which in (0, 1) if (turn + row) % 2 else (1, 0):
                begun = time.thread_time()
                (plain, ours)[which](chunk)
                times[which, row] = min(times[which, row], time.thread_time() - begun)
    plain_time, our_time = times.sum(1)
    assert plain_time / our_time > 0.93, times


PEAK = """
import json, sys
from protoface.trainers.sets.prepare import prepare
done = prepare(sys.argv[1], sys.argv[2])
# not ru_maxrss: a child inherits its parent's
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps([done.counts, done.bad, int(status["VmHWM"].split()[0])]))
"""


@pytest.mark.benchmark
def test_memory_stays_flat(tmp_path: Path) -> None:
    """The same pictures under ten times as many names: what is held grows by the names alone."""
    peaks = []
    for count in (1500, 15_000):
        folder = tmp_path / str(count)
        damaged = _many(folder, count)
        command = [sys.executable, "-c", PEAK, str(folder), str(folder / "out")]
        counts, bad, kilobytes = json.loads(subprocess.check_output(command))
        assert (sum(counts.values()), bad) == (count - len(damaged), len(damaged))
        assert [line.split(":")[0] for line in lines(folder / "out" / "bad.txt")] == damaged
        peaks.append(kilobytes / 1024)
    assert peaks[1] - peaks[0] < 40, peaks
    assert peaks[1] < 400, peaks


def _many(folder: Path, count: int) -> list[str]:
    """Links to eight pictures, every hundredth to a damaged one; returns the damaged ones' names."""
    points = write_set(folder, 8, 64)
    originals = list(points)
    broken = folder / "broken.jpg"
    broken.write_bytes((folder / "images" / originals[0]).read_bytes()[:300])
    many, damaged = {}, []
    for index in range(count):
        name, source = f"n{index:06d}.jpg", originals[index % 8]
        if index % 100 == 50:
            damaged.append(name)
        target = broken if index % 100 == 50 else folder / "images" / source
        (folder / "images" / name).symlink_to(target)
        many[name] = points[source]
    write_landmarks(folder, many)
    return damaged
