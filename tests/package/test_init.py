"""`import protoface`: what users meet first."""

import re
from importlib.metadata import version

import protoface
from protoface.cascade.cascade import load
from protoface.model import detect, models


def test_the_version_is_that_of_the_installed_package():
    assert re.fullmatch(r"\d+\.\d+\.\d+", protoface.__version__)
    assert version("protoface") == protoface.__version__


def test_the_names_are_the_functions():
    assert protoface.load is load
    assert protoface.detect is detect
    assert protoface.models is models
