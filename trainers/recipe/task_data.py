"""What a recipe says of the pictures that a task has of its own, checked."""

from __future__ import annotations

from collections.abc import Sequence

from protoface.converters import ProtofaceError

from . import recipe_pb2


def check_data(data: Sequence[recipe_pb2.PicturesParameter], name: str, where: str) -> None:
    """Raises ProtofaceError beginning with `where` for what is wrong with the data of a task `name`."""
    if not data:
        raise ProtofaceError(f"{where}: its {name} has no data to train on")
    for each in data:
        if not each.folder:
            raise ProtofaceError(f"{where}: {name}'s data without a folder")
        if each.stage or each.conversion:
            raise ProtofaceError(f"{where}: data of a {name} has no stage and no conversion")
        if not 0 < each.weight < float("inf"):
            raise ProtofaceError(f"{where}: weight is {each.weight:g}, it must be positive")
        if not 0 <= each.validation_share < 1:
            raise ProtofaceError(
                f"{where}: validation_share is {each.validation_share:g}; it must be in 0 .. 1"
            )
