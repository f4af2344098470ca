"""Files of PyTorch that would run code or take memory are refused before PyTorch reads them."""

import zipfile

import pytest
import torch

from protoface.converters import ProtofaceError
from protoface.converters.pickles import check_pickle


class Calls:
    """What a pickle of it calls."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a.0": Calls(bytearray, 10**9)}, r"it holds __builtin__\.bytearray; save"),
        ({"a.0": Calls(print, "x")}, r"it holds __builtin__\.print; save"),
        (torch.nn.Linear(2, 2), r"it holds torch\.nn\.modules\.linear\.Linear; save"),
    ],
)
def test_calls(tmp_path, content, message):
    torch.save(content, tmp_path / "n.pt")
    with pytest.raises(ProtofaceError, match=f"n.pt: not a state dict of tensors, {message}"):
        check_pickle(tmp_path / "n.pt")


def test_packed_zeros(tmp_path):
    """A thousand times as large in memory."""
    torch.save({"a.0": torch.zeros(10**6)}, tmp_path / "plain.pt")
    packed = zipfile.ZipFile(tmp_path / "n.pt", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    with pytest.raises(ProtofaceError, match=r"n.pt: 'plain/\S+' is packed"):
        check_pickle(tmp_path / "n.pt")


def test_the_format_before_pytorch_1_6(tmp_path):
    torch.save({"a.0": torch.ones(2)}, tmp_path / "n.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(ProtofaceError, match=r"n.pt: not .* as PyTorch 1.6 and newer write it"):
        check_pickle(tmp_path / "n.pt")
