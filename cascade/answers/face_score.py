"""The answer of a score: how likely it is a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..layouts import Layout
from ..windows.mode import Mode
from ..windows.window import Floats, Window
from .answer_kind import ANSWERS, AnswerKind
from .map_places import Places

#: How far a probability may be beyond 0 and 1: runtimes round, in bfloat16 by 1 / 256.
ROUNDING = 1 / 64


@ANSWERS.register("score")
class ScoreAnswer(AnswerKind):
    """One channel of an output, a probability: 0 to 1."""

    shape = (0,)
    gives_score = True

    def __init__(self, parameter: cascade_pb2.ScoreAnswer, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        self.channel = parameter.channel

    def check(self, channels: int, where: str) -> None:  # noqa: D102
        if not self.channel < channels:
            raise ProtofaceError(
                f"{where}: the score is channel {self.channel} of blob '{self.blob}', which has "
                f"{channels}, counted from 0"
            )

    def scores(self, values: Floats) -> Floats:
        """The scores (n, ...) in an output (n, channels, ...), float32; what is NaN stays so.

        Raises ProtofaceError for what is no probability.
        """
        found: Floats = values[:, self.channel]
        if found.size:
            least, most = float(np.fmin.reduce(found, None)), float(np.fmax.reduce(found, None))
            if least < -ROUNDING or most > 1 + ROUNDING:
                wrong = least if least < -ROUNDING else most
                raise ProtofaceError(
                    f"blob '{self.blob}' gives a score of {wrong:g}, a score is 0 to 1; end the net in "
                    "a Sigmoid or a Softmax"
                )
            if least < 0 or most > 1:
                found = found.clip(0, 1)
        return found

    def read(
        self, values: Floats, windows: Sequence[Window], candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """See AnswerKind; where nothing was seen the score is 0."""
        return [
            candidate._replace(score=0.0 if window.empty else score)
            for score, window, candidate in zip(
                self.scores(values).tolist(), windows, candidates, strict=True
            )
        ]

    def read_places(self, values: Floats, places: Places) -> Places:  # noqa: D102
        return replace(places, scores=self.scores(values))

    def mirrored(self, values: Floats) -> Floats:  # noqa: D102
        return values
