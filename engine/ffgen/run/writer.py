"""The writer's role: the one process that touches the output. Rows come in their final order."""

import sys

from ffgen import failpoint
from ffgen.run.messages import Finish, Finished, Message, Setup, Write, Wrote
from ffgen.run.options import STDOUT
from ffgen.sink import Sink, resolve
from ffgen.spec.record import RecordType


class WriterRole:
    """Answers `Write` with `Wrote` and `Finish` with `Finished`, when the work file is closed and synced."""

    def __init__(self, setup: Setup) -> None:
        kind = resolve(setup.format)
        schema = None if setup.format == "jsonl" else RecordType(setup.plan.dataset).schema()
        target = sys.stdout.buffer if setup.work_path == STDOUT else setup.work_path
        self.sink: Sink = kind(target, schema, setup.compression)
        self.sink.open()
        self.complete = False

    def handle(self, message: Message) -> list[Message]:
        """The answers to one message."""
        if isinstance(message, Write):
            failpoint.hit("writer.write")
            self.sink.write(message.lines, message.rows)
            failpoint.hit("writer.written")
            return [Wrote(len(message.lines))]
        if isinstance(message, Finish):
            self.complete = True
            self.sink.close()
            failpoint.hit("writer.finished")
            return [Finished()]
        return []

    def close(self) -> None:
        """Closes what is still open: an incomplete file, which nobody will publish."""
        if not self.complete:
            self.complete = True
            self.sink.close(complete=False)
