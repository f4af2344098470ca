"""TensorBoard's log of a training.

Written here and now: TensorBoard's own writer does it in a thread, which shows a traceback on a full
disk and leaves the training without a log.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from protoface.converters.appending import append
from protoface.converters.files import cannot_write


class Board:
    """A new file of events in `folder`; what an earlier run left from iteration `start` on is hidden.

    Raises ProtofaceError naming the file if it cannot be written.
    """

    def __init__(self, folder: Path, start: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        # the name that TensorBoard looks for; of several files it reads the latest last
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        self.path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        version = Event(step=start, file_version="brain.Event:2")
        begun = Event(step=start, session_log=SessionLog(status=SessionLog.START))
        self._write(version, begun)

    def scalars(self, rows: Mapping[int, Mapping[str, float]]) -> None:
        """Add values by iteration and name."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        events = []
        for iteration, values in rows.items():
            named = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
            events.append(Event(wall_time=time.time(), step=iteration, summary=Summary(value=named)))
        self._write(*events)

    def _write(self, *events: object) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        buffer = io.BytesIO()
        writer = RecordWriter(buffer)
        for event in events:
            writer.write(event.SerializeToString())  # type: ignore[attr-defined]
        append(self.path, buffer.getvalue())
