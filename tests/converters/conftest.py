"""What the converters' tests share, as fixtures; what they are is in `parity.py`."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from protoface.converters.graph import Net

from .parity import PROTOTXT, Array, check_layer, check_net, filled, net_of, one_layer


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The nets here are small: threads cost more than they bring, and much more on a busy machine."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.fixture
def parity() -> Callable[..., None]:
    """`check_layer`: one layer in every runtime against a formula."""
    return check_layer


@pytest.fixture
def agree() -> Callable[..., None]:
    """`check_net`: a whole net in every runtime against PyTorch in float64."""
    return check_net


@pytest.fixture(name="one_layer")
def one_layer_fixture() -> Callable[..., Net]:
    """`one_layer`: a net of inputs and one layer."""
    return one_layer


@pytest.fixture(name="net_of")
def net_of_fixture() -> Callable[[str], Net]:
    """`net_of`: a net from protobuf text."""
    return net_of


@pytest.fixture(name="filled")
def filled_fixture() -> Callable[..., Net]:
    """`filled`: a copy of a net with random weights."""
    return filled


@pytest.fixture
def published(shared: Path) -> Callable[[int], tuple[Path, Path]]:
    """Level 1 or 2 -> our deploy.prototxt and the published weights."""

    def files_of(level: int) -> tuple[Path, Path]:
        weights = shared / "original" / f"l{level}_net.caffemodel"
        return PROTOTXT / f"level_{level}" / "deploy.prototxt", weights

    return files_of


@pytest.fixture
def demo_reference(shared: Path) -> Callable[[int], tuple[Array, Array]]:
    """Level 1 or 2 -> what real Caffe was fed, (8, 3, 48, 48), and its fc2, (8, 10)."""
    stored = np.load(shared / "caffe_reference" / "demo_reference.npz")
    names = [name[:6] for name in stored["names"]]

    def blobs_of(level: int) -> tuple[Array, Array]:
        inputs, outputs = (
            np.concatenate([stored[f"{name}_l{level}_{blob}"].reshape(1, *shape) for name in names])
            for blob, shape in (("in", (3, 48, 48)), ("fc2", (10,)))
        )
        return inputs.astype(np.float32), outputs

    return blobs_of
