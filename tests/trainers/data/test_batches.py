"""Batches: order, epochs, processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from protoface.converters import ProtofaceError, caffe_pb2, filter_net, read_net
from protoface.converters.graph import TRAIN
from protoface.converters.prototxt import parse_message
from protoface.trainers.data.batches import Batches, open_data
from protoface.trainers.data.columns import Columns

from ..solver.small_run import edit

CPU = torch.device("cpu")


def batches(shuffle: bool, seed: int = 1, rows: int = 7, batch: int = 3) -> Batches:
    columns = Columns((torch.arange(rows), torch.arange(rows) * 10), ((), ()), lambda picked: picked)
    return Batches("data", columns, batch, shuffle, seed, CPU, torch.float32)


def taken(source: Batches, count: int) -> list[int]:
    return [int(row) for _ in range(count) for row in source.next()[0]]


def test_in_order_and_around_the_end() -> None:
    assert taken(batches(shuffle=False), 5) == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0]


def test_batches_larger_than_the_data() -> None:
    assert taken(batches(shuffle=False, rows=2, batch=5), 1) == [0, 1, 0, 1, 0]


def test_shuffled_anew_every_epoch_each_row_once() -> None:
    rows = taken(batches(shuffle=True), 14)
    epochs = [tuple(rows[start : start + 7]) for start in range(0, 42, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len(set(epochs)) == 6
    assert rows == taken(batches(shuffle=True), 14) != taken(batches(shuffle=True, seed=2), 14)


def test_the_columns_stay_together() -> None:
    first, second = batches(shuffle=True).next()
    torch.testing.assert_close(first * 10, second)


def test_going_on_from_a_position() -> None:
    source, other = batches(shuffle=True), batches(shuffle=True)
    taken(source, 4)
    other.position = source.position
    assert taken(source, 4) == taken(other, 4)


def test_processes_take_turns() -> None:
    alone = batches(shuffle=True)
    ranks = [batches(shuffle=True) for _ in range(2)]
    for _ in range(5):
        for rank, source in enumerate(ranks):
            torch.testing.assert_close(source.next(rank, 2)[0], alone.next()[0])
    assert ranks[0].position == alone.position


def test_rand_skip_starts_somewhere(folder: Path) -> None:
    edit("net.prototxt", "shuffle: true", "shuffle: false rand_skip: 10")
    net = filter_net(read_net("net.prototxt"), TRAIN)
    starts = {open_data(net, "net", seed, CPU, torch.float32)["data"].position for seed in range(8)}
    assert len(starts) > 2
    assert max(starts) < 10


def test_a_layer_that_cannot_feed(folder: Path) -> None:
    edit("net.prototxt", '"ImageData"', '"MemoryData"')
    net = filter_net(read_net("net.prototxt"), TRAIN)
    message = r"net: layer 'data' \(MemoryData\) cannot feed a training net; use ImageData or HDF5Data"
    with pytest.raises(ProtofaceError, match=message):
        open_data(net, "net", 1, CPU, torch.float32)


def test_no_batch_size() -> None:
    with pytest.raises(ProtofaceError, match="batch_size 0"):
        batches(shuffle=False, batch=0)


def test_nothing_of_a_list_elsewhere_is_told(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A net of somebody's may name any file of the user's as its list."""
    monkeypatch.chdir(tmp_path)
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text("hunter2 1")
    for kind, options in (("ImageData", "image_data_param"), ("HDF5Data", "hdf5_data_param")):
        text = f"layer {{ name: 'd' type: '{kind}' top: 'x' top: 'y' {options} {{ source: '%s' }} }}"
        for path, told in ((secret, False), (Path("list.txt"), True)):
            Path("list.txt").write_text("hunter2 1")
            net = parse_message(text % path, caffe_pb2.NetParameter(), "n")
            with pytest.raises(ProtofaceError, match="layer 'd': ") as caught:
                open_data(net, "n.prototxt", 0, torch.device("cpu"), torch.float32)
            assert ("hunter2" in str(caught.value)) == told
