"""What the verbs of the whole experiment print at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protoface.converters.terminal import say

if TYPE_CHECKING:
    from ..experiment.experiment import Outcome


def conclude(outcome: Outcome) -> None:
    """Print the table beside the published figures, the errors, and what was written."""
    from protoface.eval.compare import as_text

    from ..experiment.experiment import error_lines

    say(as_text(outcome.rows))
    for line in error_lines(outcome):
        say(line)
    say(f"written: {outcome.results}, {outcome.picture}")
