"""The figures of a run that no decision needs: tokens, refusals, busy slots. What decides is counted in state.py."""

from collections import Counter

from msgspec import Struct, field

from ffgen.shard.made import Made
from ffgen.spec.record import Refusals


class Tally(Struct):
    """Added up as replies are used and time passes. A shard that is made again is not counted again.

    `busy` and `slots` are slot-seconds while at least one request was in flight: taken, and there to take.
    """

    requests: int = 0
    replies: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    converted: int = 0
    busy: float = 0.0
    slots: float = 0.0
    refused: Refusals = field(default_factory=Counter)

    def use(self, made: Made) -> None:
        """A reply was used."""
        self.replies += 1
        self.tokens_in += made.tokens_in
        self.tokens_out += made.tokens_out
        self.converted += made.converted
        for name, reason, count in made.refused:
            self.refused[name, reason] += count

    def pass_time(self, seconds: float, in_flight: int, permits: int) -> None:
        """So long were so many requests in flight, of as many as might have been."""
        if in_flight:
            self.busy += in_flight * seconds
            self.slots += permits * seconds

    @property
    def utilisation(self) -> float:
        """The share of slots that was busy; 0 when nothing was asked."""
        return self.busy / self.slots if self.slots and self.requests else 0.0
