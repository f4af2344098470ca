"""Completion in a shell, as docs/installing.md sets it up: verbs, options and their values."""

import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from protoface.cascade.backends.choice import BACKENDS
from protoface.cli import VERBS, protoface

VARIABLE = "_PROTOFACE_COMPLETE"


def completed(*words: str) -> list[str]:
    """What the last word can become."""
    complete = ShellComplete(protoface, {}, "protoface", VARIABLE)
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


def test_verbs():
    assert completed("") == sorted(VERBS)
    assert completed("de") == ["demo", "detect"]
    assert completed("nosuch") == []


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_offers_its_options(verb):
    """All that its help names."""
    options = {name for one in protoface.get_command(None, verb).params for name in one.opts}
    long = {name for name in options if name.startswith("--")}
    assert long
    assert long <= set(completed(verb, "--"))


def test_options_and_values():
    assert "--version" in completed("--v")
    assert completed("detect", "--bac") == ["--backend"]
    assert completed("detect", "--backend", "o") == [name for name in BACKENDS if name.startswith("o")]


def test_a_path_is_left_to_the_shell():
    complete = ShellComplete(protoface, {}, "protoface", VARIABLE)
    (item,) = complete.get_completions(["eval", "--data"], "ce")
    assert (item.type, item.value) == ("dir", "ce")


def run(code: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, *code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "expected"), [("protoface de", "plain,demo\nplain,detect"), ("protoface nosuch --x", "")]
)
def test_the_process_that_a_shell_starts_says_nothing_else(words, expected):
    number = str(words.count(" "))
    variables = {VARIABLE: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    found = run(["-m", "protoface"], **variables)
    assert (found.stdout.strip(), found.stderr, found.returncode) == (expected, "", 0)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_each_shell(shell):
    found = run(["-m", "protoface"], **{VARIABLE: f"{shell}_source"})
    if "Bash" in found.stderr:  # click asks for bash 4.4, and warns where it is older
        pytest.skip(found.stderr)
    assert (found.stderr, found.returncode) == ("", 0)
    assert f"{VARIABLE}={shell}_complete" in found.stdout


def test_verbs_are_completed_without_importing_them():
    """Quick, without what takes seconds to import."""
    code = f"""
import sys
from click.shell_completion import ShellComplete
from protoface.cli import protoface

ShellComplete(protoface, {{}}, "protoface", "{VARIABLE}").get_completions([], "")
print({{"cv2", "numpy", "onnx", "torch", "protoface.cascade"}} & set(sys.modules))
"""
    found = run(["-c", code])
    assert (found.stdout.strip(), found.stderr) == ("set()", "")
