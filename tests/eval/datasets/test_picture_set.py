"""What all sets have in common, on sets of both kinds: the same questions, the same answers."""

import pytest

from protoface.converters import ProtofaceError
from protoface.eval.datasets.dataset import list_set

from .wider_set import write_wider


@pytest.fixture(params=["points", "boxes"])
def found(request, celeba, tmp_path):
    if request.param == "points":
        return list_set(celeba)
    names = [f"{number:03d}.png" for number in range(10)]
    train, val = ({name: [] for name in part} for part in (names[:5], names[5:]))
    return list_set(write_wider(tmp_path / "set", train=train, val=val))


def test_parts_and_what_is_there(found):
    train = found.partition("train")
    assert (len(found), len(train), train.name) == (10, 5, "set train")
    train.paths[2].unlink()
    there = train.existing()
    assert (len(there), len(there.skipped)) == (4, 1)
    assert str(train.paths[2]) in there.skipped[0]
    for path in there.paths:
        path.unlink()
    with pytest.raises(ProtofaceError, match="no picture to measure in set train; 5 were skipped"):
        there.existing()


def test_unknown_parts_are_refused(found):
    with pytest.raises(ProtofaceError, match="partition 'dev' is unknown; there are train, val, test"):
        found.partition("dev")


def test_evenly(found):
    assert found.evenly(4).names == tuple(found.names[index] for index in (0, 2, 5, 7))
