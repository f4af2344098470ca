"""Files of PyTorch that would run code or take memory are refused before PyTorch reads them."""

import zipfile

import pytest
import torch

from protoface.converters import ProtofaceError
from protoface.converters.pickles import check_old_pickle, check_pickle, is_archive


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


def old(content, path):
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def test_old_files_are_checked_too(tmp_path):
    path = old({"a.0": torch.ones(2), "b.0": torch.ones(3, 4)}, tmp_path / "n.pt")
    assert not is_archive(path)
    check_old_pickle(path)
    with pytest.raises(ProtofaceError, match=r"it holds __builtin__\.print; save"):
        check_old_pickle(old({"a.0": Calls(print, "x")}, tmp_path / "calls.pt"))
    torch.save({"a.0": torch.ones(2)}, tmp_path / "new.pt")
    assert is_archive(tmp_path / "new.pt")
    with pytest.raises(ProtofaceError, match="not a state dict of tensors as PyTorch before 1.6"):
        check_old_pickle(tmp_path / "new.pt")


def test_an_old_file_that_promises_more_than_it_holds(tmp_path):
    path = old({"a.0": torch.ones(12_345)}, tmp_path / "n.pt")
    content = path.read_bytes()
    assert content.count((12_345).to_bytes(2, "little")) >= 2
    path.write_bytes(content.replace(b"M" + (12_345).to_bytes(2, "little"), b"J\xff\xff\xff\x7f"))
    with pytest.raises(
        ProtofaceError, match="its tensors take more than the [0-9,]+ bytes of the file"
    ):
        check_old_pickle(path)
