"""What the packages give out, each name's module imported when it is asked for."""

import subprocess
import sys

import pytest

import protoface.cascade
import protoface.converters


@pytest.mark.parametrize("package", [protoface.cascade, protoface.converters])
def test_every_name_is_there(package):
    assert all(getattr(package, name) is not package for name in package.__all__)
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_a_function_named_as_a_verb_is_no_module():
    from protoface.converters import conversion, convert

    assert convert is conversion.convert


def test_prepare_imports_no_nets():
    code = (
        "import sys, protoface.trainers.commands.prepare, protoface.trainers.sets.prepare\n"
        "there = {'google.protobuf', 'h5py', 'onnx', 'onnxruntime', 'torch'} & set(sys.modules)\n"
        "assert not there, there"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
