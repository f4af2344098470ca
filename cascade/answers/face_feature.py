"""The answer of a feature: numbers for later stages."""

from __future__ import annotations

from collections.abc import Sequence

from protoface.converters.errors import ProtofaceError

from .. import cascade_pb2
from ..face import Candidate
from ..layouts import Layout
from ..windows.mode import Mode
from ..windows.window import Floats, Window
from .answer_kind import ANSWERS, AnswerKind
from .map_places import Places


@ANSWERS.register("feature")
class FeatureAnswer(AnswerKind):
    """Kept as it is, in any shape, under its name: a view `feature` of a later stage shows it."""

    shape = ()
    needs_window = True
    mirrors = False

    def __init__(self, parameter: cascade_pb2.FeatureAnswer, layout: Layout, mode: Mode) -> None:
        super().__init__(parameter, layout, mode)
        if not parameter.name:
            raise ProtofaceError("an answer of a feature needs a name")
        self.gives_feature = parameter.name

    @property
    def wanted(self) -> None:
        """Any shape."""
        return

    def read(
        self, values: Floats, windows: Sequence[Window], candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """See AnswerKind."""
        return [
            candidate._replace(features={**candidate.features, self.gives_feature: value})
            for value, candidate in zip(values, candidates, strict=True)
        ]

    def read_places(self, values: Floats, places: Places) -> Places:
        """See AnswerKind: a map has none."""
        raise NotImplementedError

    def mirrored(self, values: Floats) -> Floats:
        """See AnswerKind: it is not known."""
        raise NotImplementedError
