"""How far a training is: a bar where somebody watches, else a line now and then."""

from __future__ import annotations

import time

from tqdm import tqdm

from protoface.converters.terminal import say

#: Seconds to the first line, and the most between two; in between the time doubles from line to line.
FIRST, MOST = 1.0, 30.0
#: Seconds between two states of the bar.
REDRAW = 0.2


class Progress:
    """Shows on standard error the iterations done, the loss, pictures a second and the time left.

    `start` of `stop` iterations are done already; each has that many `pictures`. `name` stands in
    front. Where standard error is no terminal, lines take the place of the bar.
    """

    def __init__(self, name: str, start: int, stop: int, pictures: int) -> None:
        self.name, self.stop, self.pictures = name, stop, pictures
        self.bar = tqdm(total=stop, initial=start, desc=name or None, unit="it", disable=None)
        self._begun = self._shown = (start, time.perf_counter())
        self._pause = FIRST

    @property
    def watched(self) -> bool:
        """Whether there is a bar."""
        return not self.bar.disable

    def due(self, done: int) -> bool:
        """Whether `show` would show something: the loss need not be fetched from a GPU otherwise."""
        pause = REDRAW if self.watched else self._pause
        ended = self.watched and done == self.stop
        return ended or time.perf_counter() >= self._shown[1] + pause

    def show(self, done: int, loss: float) -> None:
        """`done` iterations are done, the last ones with this `loss`."""
        if not self.due(done):
            return
        before, then = self._shown
        now = time.perf_counter()
        speed = (done - before) * self.pictures / max(now - then, 1e-9)
        if self.watched:
            self.bar.set_postfix_str(f"loss {loss:.5g}, {speed:.0f} pictures/s", refresh=False)
            self.bar.n = done
            self.bar.refresh()
        else:
            name = f"{self.name}: " if self.name else ""
            say(
                f"{name}iteration {done} of {self.stop}, loss {loss:.5g}, {speed:.0f} pictures/s, "
                f"{self._left(done, now)} left",
                err=True,
            )
            self._pause = min(2 * self._pause, MOST)
        self._shown = (done, now)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()

    def _left(self, done: int, now: float) -> str:
        """Hours, minutes and seconds, as the iterations so far took them."""
        start, then = self._begun
        seconds = (self.stop - done) * (now - then) / max(done - start, 1)
        return str(tqdm.format_interval(seconds))
