"""The command line as a user meets it: exit status, one line of error, the verbs' output."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest

from protoface.cli import VERBS, Verbs, protoface, run
from protoface.converters.errors import ProtofaceError

from ..constant_cascade import NET, SECOND, SIMILARITY, SQUARE, constant_weights
from ..eval.celeba_set import write_celeba

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(verb, capsys):
    assert run(protoface, [verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"Usage: protoface {verb}" in out
    assert run(protoface, ["--help"]) == 0
    assert re.search(rf"^  {verb} ", capsys.readouterr().out, re.MULTILINE)


def test_help_imports_no_verb():
    """It would take a second."""
    code = "import sys; from protoface.cli import *; run(protoface, ['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1].split()
    assert "protoface.cli" in modules
    assert {"cv2", "numpy", "google.protobuf", "tqdm"} & set(modules) == set()


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_shows_examples_that_it_takes(verb, capsys, monkeypatch):
    """They stand behind the text, a line each; their files need not be there."""
    assert run(protoface, [verb, "--help"]) == 0
    after = capsys.readouterr().out.partition("\n  Example")[2]
    examples = after.partition("\n\n")[0].splitlines()[1:]
    assert examples
    command = protoface.get_command(click.Context(protoface), verb)
    monkeypatch.setattr(click.Path, "convert", lambda self, value, parameter, context: value)
    for example in examples:
        start, found, words = example.partition(f"protoface {verb}")
        assert found
        assert start.strip() in ("", "torchrun --nproc-per-node 2 -m --")
        command.make_context(verb, shlex.split(words))


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_option_says_what_it_is(verb):
    """In some words, with its default: said by click or in the text; flags are off by default."""
    options = [p for p in verb_options(verb) if "--help" not in p.opts]
    told = {option.name: option.help or "" for option in options}
    assert [name for name, text in told.items() if len(text.split()) < 2] == []
    silent = [
        option.name
        for option in options
        if not (option.required or option.is_flag or option.show_default)
        and option.type.name not in ("path", "file", "directory")
        and "efault" not in told[option.name]
    ]
    assert silent == []


def verb_options(verb):
    command = protoface.get_command(click.Context(protoface), verb)
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detect"], "Missing argument 'PATHS...'"),
        (["nonsense"], "No such command 'nonsense'"),
        (["detect", "x.jpg", "--mode", "fast"], "'fast' is not one of 'clean', 'faithful'"),
        (["detect", "x.jpg", "--model", "nowhere"], "nowhere: no such cascade"),
        (["convert", "no.prototxt", "w.caffemodel", "--out", "out.onnx"], "no.prototxt: No such file"),
        (
            ["convert", "no.prototxt", "w.caffemodel", "--out", "out.tflite"],
            "out.tflite: unknown suffix; write .onnx",
        ),
        (["bench", "--batch", "0"], "0 is not in the range x>=1"),
    ],
)
def test_bad_arguments_are_one_line_on_stderr_and_status_2(arguments, message, capsys):
    assert run(protoface, arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("protoface: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_debug_shows_the_traceback():
    with pytest.raises(ProtofaceError, match="nowhere: no such cascade"):
        run(protoface, ["detect", "x.jpg", "--model", "nowhere", "--debug"])
    with pytest.raises(click.UsageError):
        run(protoface, ["--debug", "detect"])


def test_the_status_of_a_verb_is_the_status_of_the_program():
    @click.command()
    def verb() -> int:
        return 1

    assert run(verb, []) == 1


def test_every_verb_takes_every_kind_of_stage(folder, face, tmp_path, capsys):
    """A picture shrunk by area, a turned window looked at twice, and patches."""
    (folder / "patches.prototxt").write_text(NET.replace("1, 3, 8, 8", "1, 15, 8, 8"))
    constant_weights(folder / "three.caffemodel", SECOND, "patches.prototxt")
    file = folder / "cascade.prototxt"
    text = file.read_text().replace("size: 8", "size: 8 interpolation: AREA")
    text = text.replace(SQUARE, f"flip_average: true {SIMILARITY}")
    third = (
        text[text.rindex("stage {") :].replace("level_2", "level_3").replace("net.pro", "patches.pro")
    )
    third = third.replace("two.", "three.").replace("} } }", "} patch: 0.3 } }")
    file.write_text(text + third)
    out, model = tmp_path / "out", ["--model", str(folder)]
    outputs = ["--json", str(out / "j.json"), "--out", str(out)]
    assert run(protoface, ["detect", str(face), *model, *outputs]) == 0
    assert (out / face.name).is_file()
    row = json.loads((out / "j.json").read_text())  # a line, for its one face
    assert len(row["window"]) == 5  # it is turned
    assert run(protoface, ["bench", *model, "--runs", "1", "--batch", "1", "2"]) == 0
    assert re.search(r" 2  crop_3 ", capsys.readouterr().out)
    truth = np.tile(np.float64(row["points"]), (4, 1, 1)) + (3, 4)
    data = write_celeba(tmp_path / "set", truth, [2] * 4)
    report = ["--json", str(out / "eval.json"), "--report", str(out / "report")]
    assert run(protoface, ["eval", "--data", str(data), *model, *report]) == 0
    figures = json.loads((out / "eval.json").read_text())["cascade"]["nme"]
    assert figures["image_diagonal"]["mean"] == pytest.approx(0.05)  # 5 of 100 pixels
    window = np.array(row["window"])
    assert figures["crop_diagonal"]["mean"] == pytest.approx(5 / np.hypot(*window[2:4]))


def test_an_interrupt_is_one_line(capsys):
    @click.command()
    def verb() -> None:
        raise KeyboardInterrupt

    assert run(verb, []) == 130
    assert capsys.readouterr().err.strip() == "protoface: interrupted"


def test_detect_prints_points_and_lists_bad_pictures(folder, face, tmp_path, capsys):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    status = run(
        protoface, ["detect", str(face), str(bad), "--model", str(folder), "--backend", "opencv"]
    )
    captured = capsys.readouterr()
    assert status == 2
    assert "constant: backend opencv, mode clean" in captured.out
    assert re.search(r"face.png( +\d+\.\d \d+\.\d){5}\n", captured.out)
    assert "1 done, 1 could not be read" in captured.out
    assert captured.err == f"protoface: {bad}: not a picture that OpenCV can decode\n"


def test_detect_on_the_published_pictures(shared, published, demo, tmp_path, capsys):
    given = [option for path in published for option in ("--weights", str(path))]
    truth = ["--truth", str(shared / "original" / "demo_landmarks.txt"), "--mode", "faithful"]
    files = ["--out", str(tmp_path / "out"), "--json", str(tmp_path / "points.json")]
    assert run(protoface, ["detect", str(demo), "--model", "original", *truth, *given, *files]) == 0
    out = capsys.readouterr().out
    assert "level_1: mean error 1.204 % of the picture's diagonal, n = 8" in out
    assert "level_2: mean error 0.530 % of the picture's diagonal, n = 8" in out
    assert len(list((tmp_path / "out").iterdir())) == 8
    rows = [json.loads(line) for line in (tmp_path / "points.json").read_text().splitlines()]
    assert [len(row["points"]) for row in rows] == [5] * 8


def convert(folder: Path, out: Path) -> int:
    files = [str(folder / "net.prototxt"), str(folder / "one.caffemodel")]
    return run(protoface, ["convert", *files, "--out", str(out), "--check"])


def test_convert_checks_its_result(folder, tmp_path, capsys):
    out = tmp_path / "out" / "net.onnx"
    assert convert(folder, out) == 0
    printed = capsys.readouterr().out
    assert f"written: {out}" in printed
    assert "opencv" in printed
    assert "agrees, largest difference" in printed


def test_a_failed_check_is_status_1(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("protoface.converters.check.TOLERANCE", -1.0)  # nothing can agree
    assert convert(folder, tmp_path / "net.onnx") == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_the_script_in_the_folder_is_the_verb(tmp_path):
    """`python cascade/bench.py` from anywhere, its folder first on the path."""
    file = tmp_path / "bench.json"
    command = [sys.executable, str(ROOT / "cascade" / "bench.py"), "--runs", "1", "--backend", "opencv"]
    subprocess.run([*command, "--json", str(file)], cwd=tmp_path, check=True, capture_output=True)
    assert json.loads(file.read_text())["rows"]


def test_every_verb_is_found():
    context = click.Context(protoface)
    assert isinstance(protoface, Verbs)
    for verb in protoface.list_commands(context):
        assert protoface.get_command(context, verb) is not None


def test_a_signal_in_a_destructor_is_not_lost(capfd):
    """Python drops what a destructor raises, and shows a traceback of it."""

    class Bad:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.001)  # the handler runs here

    @click.command()
    def slow() -> None:
        Bad()
        time.sleep(10)

    begun = time.monotonic()
    assert run(slow, []) == 143
    assert time.monotonic() - begun < 5
    assert capfd.readouterr().err.strip() == "protoface: interrupted"
