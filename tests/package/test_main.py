"""`python -m protoface`: the command line without the console script."""

import subprocess
import sys

import protoface


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "protoface", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_the_command_line():
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert protoface.__version__ in done.stdout


def test_its_status_is_that_of_the_verb():
    done = run("detect", "nowhere.jpg", "--model", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("protoface: ")
