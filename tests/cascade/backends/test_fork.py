"""A forked process knows that it is one."""

import multiprocessing
import subprocess
import sys

import pytest

from protoface.cascade.backends.choice import BACKENDS, choose_backend
from protoface.cascade.backends.fork import forked
from protoface.converters import ProtofaceError


def refused(name: str) -> str:
    try:
        return choose_backend(name)
    except ProtofaceError as error:
        return str(error)


def in_child(function, *arguments):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, arguments)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="has no fork")
def test_a_forked_process_is_one_and_gets_no_gpu(monkeypatch):
    monkeypatch.setattr(BACKENDS["torch-cuda"], "missing", lambda: None)
    assert not forked()
    assert refused("torch-cuda") == "torch-cuda"
    assert in_child(forked)
    found = in_child(refused, "torch-cuda")
    assert "forked has no GPU; start it by the method 'spawn'" in found
    assert in_child(refused, "torch") == "torch"


def test_a_process_of_its_own_is_none():
    code = "from protoface.cascade.backends.fork import forked; print(forked())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
