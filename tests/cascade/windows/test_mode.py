"""The two modes by name."""

import pytest

from protoface.cascade import MODES
from protoface.cascade.windows import clean, faithful
from protoface.cascade.windows.mode import find_mode
from protoface.converters import ProtofaceError


def test_modes_are_found_by_their_names():
    assert find_mode("clean") is MODES["clean"] is clean
    assert find_mode("faithful") is MODES["faithful"] is faithful
    assert list(MODES) == [mode.NAME for mode in MODES.values()] == ["clean", "faithful"]


@pytest.mark.parametrize("name", ["fast", "", "Clean"])
def test_an_unknown_mode_names_the_known_ones(name):
    with pytest.raises(ProtofaceError, match=f"mode '{name}' is unknown; there are clean, faithful"):
        find_mode(name)


@pytest.mark.parametrize("mode", MODES.values(), ids=list(MODES))
def test_both_have_all_that_a_mode_has(mode):
    """What the protocol asks for, under the very names that it has there."""
    from protoface.cascade.windows.mode import Mode

    asked = {name for name in vars(Mode) if not name.startswith("_")} | {"NAME", "LACKS"}
    assert {"box", "square", "resample", "to_picture"} <= asked
    for name in asked:
        assert hasattr(mode, name), name
    assert isinstance(mode.LACKS, frozenset)
