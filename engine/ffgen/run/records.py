"""Whole records by a model: a run that asks until it has so many different ones. The gate judges them, the writer
writes them; their rows wait here for their turn.
"""

from collections import deque

import orjson

from ffgen import failpoint
from ffgen.ask.paired import Given
from ffgen.errors import FfgenError
from ffgen.plan.compile import Plan
from ffgen.run.crew import Crew
from ffgen.run.endpoints import Endpoints
from ffgen.run.messages import Answered, Finish, Judge, Verdict, Write, Wrote
from ffgen.run.moves import Event, Judged, WriteShard, Written
from ffgen.run.shortfall import explain_shortfall
from ffgen.run.state import State
from ffgen.run.steering import Steering
from ffgen.run.subject import Subject
from ffgen.run.tally import Tally
from ffgen.shard.asked import Maker
from ffgen.shard.made import Made
from ffgen.spec.types.nested import one_line

MOST_TOLD = 64
"""Refused rows of a shard whose values are remembered."""
WIDEST_TOLD = 60


class WholeRecords(Subject):
    """See Subject."""

    def __init__(self, plan: Plan, crew: Crew, endpoints: Endpoints) -> None:
        self.plan = plan
        self.crew = crew
        self.maker = Maker(plan, endpoints.first.api, endpoints.first.model)
        self.state = State.of(plan, len(endpoints.found), Steering(self.maker.strata, plan.shards))
        self.tally = Tally()
        self._made: dict[int, Made] = {}
        self._verdicts: dict[int, bytes] = {}
        self._written: deque[int] = deque()

    def body(self, shard: int, attempt: int, plain: bool) -> bytes:
        """See Subject."""
        return self.maker.body(shard, attempt, plain, self.state.open[shard].steer)

    def given(self, shard: int) -> Given | None:
        """See Subject."""
        return None

    def answered(self, message: Answered, key: bytes) -> tuple[int, int]:
        """See Subject."""
        self._made[message.shard] = message.made
        return message.made.batch.rows, message.made.batch.size

    def drop(self, shard: int) -> None:
        """See Subject."""
        del self._made[shard]

    def judge(self, shard: int) -> Event | None:
        """See Subject."""
        batch = self._made[shard].batch
        self.crew.send("gate", Judge(shard, batch.rows, batch.sets, batch.keys, batch.near))
        return None

    def write(self, command: WriteShard) -> Event | None:
        """See Subject."""
        made, verdict = self._made.pop(command.shard), self._verdicts.pop(command.shard)
        admitted = [flag == 1 for flag in verdict]
        if sum(admitted) > command.take:
            left = command.take
            for row, flag in enumerate(admitted):
                left -= flag
                admitted[row] = flag and left >= 0
        lines, rows = made.batch.take(admitted)
        self._written.append(made.batch.size)
        self.crew.send("writer", Write(lines, rows))
        return None

    def heard(self, message: Verdict | Wrote) -> Event:
        """See Subject."""
        if isinstance(message, Wrote):
            return Written(self._written.popleft())
        failpoint.hit("coordinator.verdict")
        self._verdicts[message.shard] = message.admitted
        return Judged(message.shard, sum(message.admitted), self._repeated(message))

    def finish(self) -> bool:
        """See Subject."""
        self.crew.send("writer", Finish())
        return False

    def short(self, replies: list[tuple[int, bytes]]) -> FfgenError:
        """See Subject."""
        return explain_shortfall(self.plan, self.maker, self.state, self.tally.refused, replies)

    def _repeated(self, verdict: Verdict) -> tuple[str, ...]:
        made = self._made.get(verdict.shard)
        if made is None or 0 not in verdict.admitted:
            return ()
        return repeated(self.maker, made, [flag == 1 for flag in verdict.admitted])


def repeated(maker: Maker, made: Made, verdict: list[bool]) -> tuple[str, ...]:
    """What steering is told of the rows that the gate refused: how prompts name them, some of them."""
    name = maker.strata.told
    if name is None or all(verdict):
        return ()
    lines = made.batch.lines.splitlines()
    refused = [line for line, admitted in zip(lines, verdict, strict=True) if not admitted]
    values = (orjson.loads(line)[name] for line in refused[:MOST_TOLD])
    return tuple(shortened(value) for value in values if isinstance(value, str))


def shortened(value: str) -> str:
    """A value as it is named in a prompt."""
    text = one_line(value)
    return text if len(text) <= WIDEST_TOLD else f"{text[:WIDEST_TOLD]}..."
