"""The demo in small: every stage runs, goes on where it was stopped, and says what was not reached."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch

from protoface.cascade.cascade import load
from protoface.cli import protoface, run
from protoface.converters import ProtofaceError, read_net
from protoface.converters.graph import Net
from protoface.converters.locking import LOCK, alone
from protoface.trainers.data.columns import LayerParameter
from protoface.trainers.experiment import demo as module
from protoface.trainers.experiment import experiment
from protoface.trainers.experiment.demo import Limits, demo, failures, missed
from protoface.trainers.experiment.experiment import Outcome, Plan, Say, write_level
from protoface.trainers.experiment.reproduce import original, reproduce

FEW = 8  # iterations


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A demo of a few iterations, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("LEVEL_1", "LEVEL_2"):
        schedule = replace(getattr(module, name), iterations=FEW, batch=8)
        monkeypatch.setattr(module, name, schedule)
    return tmp_path


def small_demo(lines: list[str]) -> Outcome:
    return demo("out", faces=120, say=lines.append)


@pytest.mark.slow
def test_every_stage(short: Path) -> None:
    lines: list[str] = []
    outcome = small_demo(lines)
    commands = [line.split()[2] for line in lines if line.startswith("$")]
    assert commands == [
        *("synthesize", "prepare", "train", "crop", "train"),
        *["convert"] * 4,
        *("bench", "compare"),
    ]
    shown = [line for line in lines if line.startswith("$ protoface train")]
    assert ["--weights out/level_1/level_1.caffemodel" in line for line in shown] == [False, True]
    assert outcome.agree
    assert len(outcome.conversions) == 4
    assert all(len(found) >= 2 for found in outcome.conversions.values())
    # eight iterations reach nothing, and it says so
    assert len(failures(outcome)) >= 2
    text = outcome.results.read_text()
    assert "| level 1 test error | 1.17 |" in text
    assert f"{100 * outcome.error('image_diagonal', 1):.2f} %" in text
    sheet = cv2.imread(str(outcome.picture))
    assert sheet.shape[1] > 300
    blue, green, red = cv2.split(sheet.astype(int))
    # discs of all three colours: truth, level 1, final points
    assert (green - red - blue > 100).any()
    assert (red - green - blue > 100).any()
    assert (blue - green - red > 100).any()
    assert load("out").detect(cv2.imread("out/faces/images/000000.jpg"))[0].points.shape == (5, 2)
    _again(short, outcome)


def _again(folder: Path, outcome: Outcome) -> None:
    """Each command that the demo showed is there; a second run trains nothing and measures the same."""
    before = {
        path: path.stat().st_mtime_ns for path in folder.rglob("*.caffemodel") if "snap" in str(path)
    }
    lines: list[str] = []
    again = small_demo(lines)
    assert not any(line.startswith("$ protoface train") for line in lines)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert again.error("image_diagonal", 0) == outcome.error("image_diagonal", 0)
    # a stage that is lost is done again, from its last snapshot
    (folder / "out" / "level_2" / "level_2.caffemodel").unlink()
    for path in (folder / "out" / "level_2" / "snapshots").glob(f"*iter_{FEW}.*"):
        path.unlink()
    lines.clear()
    third = small_demo(lines)
    trained = [line for line in lines if line.startswith("$ protoface train")]
    assert len(trained) == 1
    assert f"iter_{FEW * 3 // 4}.solverstate" in trained[0]
    assert third.error("image_diagonal", 1) == pytest.approx(again.error("image_diagonal", 1), rel=1e-3)
    with pytest.raises(ProtofaceError, match="begun with other settings"):
        demo("out", faces=120, seed=1, say=lines.append)
    with pytest.raises(ProtofaceError, match="begun with other settings"):
        demo("out", faces=130, say=lines.append)


@pytest.mark.slow
def test_the_command(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(protoface, ["demo", "--out", "out", "--faces", "120"]) == 1
    out, err = capsys.readouterr()
    assert "$ protoface crop --data out/faces" in out
    assert "not published" in out  # the table: an error of the whole cascade
    assert "protoface: level 1:" in err
    shutil.rmtree("out")


def test_the_net_is_the_original_s_but_for_two_settings(tmp_path: Path) -> None:
    """Nothing is dropped out and BatchNorm forgets faster; no layer or shape is another one."""
    schedules = (module.LEVEL_1, replace(original(), batch=module.LEVEL_1.batch))
    nets = []
    for schedule in schedules:
        plan = Plan("data", str(tmp_path), (schedule, schedule), "clean", 0.1, 0, "cpu")
        net = read_net(write_level(plan, 0, 100).parent / "train_val.prototxt")
        nets.append(net)
    fractions = {layer.batch_norm_param.moving_average_fraction for layer in of(nets[0], "BatchNorm")}
    assert [round(fraction, 6) for fraction in fractions] == [0.99]
    assert [layer.dropout_param.dropout_ratio for layer in of(nets[0], "Dropout")] == [0]
    for net in nets:
        for layer in (*of(net, "BatchNorm"), *of(net, "Dropout")):
            layer.ClearField("batch_norm_param")
            layer.ClearField("dropout_param")
    assert nets[0] == nets[1]


def of(net: Net, kind: str) -> list[LayerParameter]:
    return [layer for layer in net.layer if layer.type == kind]


def test_what_was_not_reached_is_said() -> None:
    assert missed(0.04, 0.02, True, Limits()) == []
    assert missed(0.05, 0.01, True, Limits()) == ["level 1: 5.00 %, more than 4 %"]
    assert missed(0.03, 0.03, True, Limits()) == [
        "cascade: 3.00 %, more than 2 %",
        "level 2 is no better than level 1",
    ]
    assert missed(0.03, 0.01, False, Limits()) == ["a converted file differs from the trained net"]
    assert len(missed(float("nan"), float("nan"), True, Limits())) == 3
    assert missed(0.03, 0.01, True, Limits(0.02, 0.005)) == [
        "level 1: 3.00 %, more than 2 %",
        "cascade: 1.00 %, more than 0.5 %",
    ]


def test_a_second_demo_in_a_folder_is_refused(short: Path) -> None:
    refused = rf"process {os.getpid()} on .* works here"
    with alone(Path("out") / LOCK), pytest.raises(ProtofaceError, match=refused):
        small_demo([])
    with alone(Path("out") / LOCK), pytest.raises(ProtofaceError, match=refused):
        reproduce("faces", "out")


def test_threads_are_chosen_once(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another number of them a resumed training would be rounded otherwise."""
    asked: list[Path] = []

    def choose(net: Path, say: Say) -> int:
        asked.append(net)
        return 1

    monkeypatch.setattr(experiment, "choose_threads", choose)
    for _ in range(2):
        experiment._use_threads(short, print)
    assert asked == [short / "train_val.prototxt"]
    assert torch.get_num_threads() == 1
