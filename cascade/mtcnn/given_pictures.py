"""What users of facenet-pytorch give: PIL pictures, arrays, tensors, lists and batches of them.

Neither PIL nor PyTorch is imported here: who gives one of their pictures has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from protoface.converters.errors import ProtofaceError

from ..windows.window import Floats, Image

#: Channels of a picture: grey, grey and transparency, colours, colours and transparency.
CHANNELS = (1, 2, 3, 4)
#: PIL's modes of 16 bits; the value of a pixel is divided by 256.
_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True, eq=False)
class Given:
    """A picture that was given: `image` H x W x 3 uint8 RGB, and what it was, for resizing as it was.

    `pil` is the PIL picture in mode RGB, None for another kind. `tensor`: whether it was a tensor.
    """

    image: Image
    pil: Any = None
    tensor: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def bgr(self) -> Image:
        """For a cascade."""
        return cv2.cvtColor(self.image, cv2.COLOR_RGB2BGR)  # type: ignore[return-value]


def is_batch(given: Any) -> bool:
    """Whether it stands for several pictures: a list, a tuple, or four axes."""
    return isinstance(given, list | tuple) or len(getattr(given, "shape", ())) == 4


def pictures(given: Any) -> list[Given]:
    """All pictures of what was given. Raises ProtofaceError for what is none, with its number."""
    if not is_batch(given):
        return [_picture(given, "the picture")]
    return [_picture(one, f"picture {number}") for number, one in enumerate(given)]


def _picture(given: Any, what: str) -> Given:
    pil, torch = sys.modules.get("PIL.Image"), sys.modules.get("torch")
    if pil is not None and isinstance(given, pil.Image):
        return _from_pil(given, what)
    if torch is not None and isinstance(given, torch.Tensor):
        return Given(_from_array(given.detach().cpu().numpy(), what), tensor=True)
    if isinstance(given, np.ndarray):
        return Given(_from_array(given, what))
    raise ProtofaceError(
        f"{what} is {type(given).__name__}; give a PIL picture, an array or a tensor, or lists of them"
    )


def _from_pil(given: Any, what: str) -> Given:
    """Any mode as RGB: transparency is dropped, 16 bits become 8."""
    if given.width < 1 or given.height < 1:
        raise ProtofaceError(f"{what} of {given.width} x {given.height} pixels has no pixels")
    if given.mode in _DEEP or given.mode == "F":
        values = np.asarray(given)
        given = _grey(values if given.mode == "F" else values.astype(np.int64) >> 8)
    rgb = given if given.mode == "RGB" else given.convert("RGB")
    return Given(np.array(rgb), rgb)


def _grey(values: Floats) -> Any:
    """A PIL picture in grey of numbers, clipped to 0 .. 255."""
    levels = np.nan_to_num(values).clip(0, 255).astype(np.uint8)
    return sys.modules["PIL.Image"].fromarray(levels)


def _from_array(values: Floats, what: str) -> Image:
    """H x W, H x W x C or C x H x W of 0 .. 255, or floats of 0 .. 1, as H x W x 3 uint8."""
    if values.size == 0 or values.ndim not in (2, 3):
        raise ProtofaceError(f"{what} has the shape {values.shape}; give H x W x 3 or 3 x H x W")
    if values.ndim == 3:
        values = _channels_last(values, what)
    levels = values if values.dtype == np.uint8 else _levels(values, what)
    return np.ascontiguousarray(_COLOURS[1 if levels.ndim == 2 else levels.shape[2]](levels))


def _channels_last(values: Floats, what: str) -> Floats:
    """H x W x C; what has channels both first and last is taken as it is."""
    if values.shape[2] in CHANNELS:
        return values
    if values.shape[0] in CHANNELS:
        return values.transpose(1, 2, 0)
    raise ProtofaceError(f"{what} has the shape {values.shape}; give H x W x 3 or 3 x H x W")


def _levels(values: Floats, what: str) -> Floats:
    """Numbers as uint8. Floats of at most 1 are 0 .. 1, all others 0 .. 255; rounded."""
    if values.dtype.kind not in "iuf":
        raise ProtofaceError(
            f"{what} holds {values.dtype}; give uint8, or floats of 0 to 1 or 0 to 255"
        )
    least, most = float(values.min()), float(values.max())
    if not 0 <= least <= most <= 255:
        raise ProtofaceError(
            f"{what} holds values of {least:g} to {most:g}; give 0 to 255, or floats of 0 to 1"
        )
    if values.dtype.kind == "f":
        values = np.rint(values * 255 if most <= 1 else values)
    return values.astype(np.uint8)


def _repeated(values: Floats) -> Floats:
    return np.repeat(values.reshape(*values.shape[:2], -1)[..., :1], 3, axis=2)


#: Channels -> how they become three; transparency is dropped.
_COLOURS: dict[int, Callable[[Floats], Floats]] = {
    1: _repeated,
    2: _repeated,
    3: lambda values: values,
    4: lambda values: values[..., :3],
}


def paths_for(save_path: Any, count: int, batch: bool) -> Sequence[Any]:
    """The path of each picture, None for those that are not saved.

    Raises ProtofaceError unless there is one for each.
    """
    if save_path is None:
        return [None] * count
    several = isinstance(save_path, list | tuple)
    if several != batch or (several and len(save_path) != count):
        given = f"a list of {len(save_path)}" if several else "one"
        wanted = f"a list of {count}" if batch else "one path"
        raise ProtofaceError(f"save_path is {given}; give {wanted}, as there are pictures")
    return list(save_path) if several else [save_path]
