"""The gate's role: which rows are new. One process, because uniqueness is one question."""

from ffgen import failpoint
from ffgen.admit.gate import Gate
from ffgen.batch import Batch
from ffgen.run.messages import Judge, Message, Setup, Verdict
from ffgen.shingles import Digests
from ffgen.spec.record import RecordType


class GateRole:
    """Answers `Judge` with `Verdict`, in the order of arrival."""

    def __init__(self, setup: Setup) -> None:
        record = RecordType(setup.plan.dataset)
        count = setup.plan.shards.count
        self.gate = Gate(record.sets, count, setup.memory, setup.work_folder or None, record.near)

    def handle(self, message: Message) -> list[Message]:
        """The answers to one message."""
        if not isinstance(message, Judge):
            return []
        failpoint.hit("gate.judge")
        keys = Batch(b"", message.keys, message.rows, message.sets).key_table()
        verdict = self.gate.judge(keys, [Digests.unpack(each) for each in message.near])
        failpoint.hit("gate.verdict")
        return [Verdict(message.shard, verdict.astype("u1").tobytes())]

    def close(self) -> None:
        """Gives memory and files back."""
        self.gate.close()
