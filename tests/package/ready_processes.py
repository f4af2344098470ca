"""Processes that run the command line at once: forked from one that has imported what takes seconds.

Each is a process of its own, to which real signals are sent.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

#: Reads a line of JSON for each process; answers with its number, later with how it ended.
SERVER = """
import json, os, signal, sys
import cv2, h5py, matplotlib.figure, onnx, onnxruntime, torch
import protoface.cli, protoface.start
import protoface.trainers.recipe.recipe_trainer, protoface.trainers.solver.train
import tensorboard.compat.proto.event_pb2, tensorboard.summary.writer.record_writer

torch.set_num_threads(1)
cv2.setNumThreads(1)
number = 0
for line in sys.stdin:
    if number:  # until now its number belonged to nobody else: a late signal did no harm
        os.waitpid(number, 0)
    words, folder, said = json.loads(line)
    number = os.fork()
    if not number:
        os.chdir(folder)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(os.dup(2), "w", buffering=1)
        sys.argv = ["protoface", *words]
        try:
            protoface.start.main()
        except SystemExit as ended:
            sys.stdout.flush()
            os._exit(ended.code or 0)
    print(number, flush=True)
    ended = os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT)
    exited = ended.si_code == os.CLD_EXITED
    print(ended.si_status if exited else -ended.si_status, flush=True)
"""


class Processes:
    """Runs `protoface` in `folder`, one process at a time; use it in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, folder / "said.txt"
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, words: list[str], number: int | None = None, moment: float = 0.0) -> int:
        """The exit status of `protoface WORDS`, below 0 for a signal; `number` is sent at `moment`."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        print(json.dumps([words, str(self.folder), str(self.said)]), file=self.server.stdin, flush=True)
        process = int(self.server.stdout.readline())
        if number is not None:
            time.sleep(moment)
            os.kill(process, number)
        return int(self.server.stdout.readline())

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.send_signal(signal.SIGKILL)
        self.server.communicate()
