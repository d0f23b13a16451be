"""What a run says of itself: progress while it goes, a report at its end. Data only; front doors draw it."""

from msgspec import Struct

from ffgen import __version__


class Progress(Struct, frozen=True, kw_only=True):
    """Where a run stands. Made at most ten times a second; costs nothing when nobody watches."""

    phase: str
    """starting | loading model | asking | drawing | stopping | finishing"""
    records: int
    wanted: int
    asks: int
    in_flight: int
    limit: int
    duplicates: int
    refused: int
    retries: int
    tokens_out: int
    seconds: float

    @classmethod
    def of_drawn(cls, phase: str, records: int, wanted: int, seconds: float, duplicates: int = 0) -> "Progress":
        """Where a run stands that asks nobody."""
        return cls(
            phase=phase,
            records=records,
            wanted=wanted,
            asks=0,
            in_flight=0,
            limit=0,
            duplicates=duplicates,
            refused=0,
            retries=0,
            tokens_out=0,
            seconds=seconds,
        )

    @property
    def rate(self) -> float:
        """Records a second since the start."""
        return self.records / self.seconds if self.seconds > 0 else 0.0


class Refusal(Struct, frozen=True, kw_only=True):
    """Rows refused for one reason at one field."""

    field: str
    reason: str
    count: int


class ProcessUse(Struct, frozen=True, kw_only=True):
    """What one process of the run used. Memory is the peak resident set in bytes."""

    role: str
    pid: int
    cpu_seconds: float
    peak_memory: int


class TableReport(Struct, frozen=True, kw_only=True):
    """One table of a drawn run, and where it went."""

    table: str
    output: str
    format: str
    records: int
    bytes: int


class Imperfection(Struct, frozen=True, kw_only=True):
    """What was spoiled on purpose: so many cells of a field, or so many rows (`duplicates` have no field, `late` has
    the field of the time)."""

    table: str
    kind: str
    field: str | None
    count: int


class Report(Struct, frozen=True, kw_only=True):
    """What a finished run did, for people (`ffgen run` on stderr) and machines (`--json`, `--report`)."""

    schema_version: int = 1
    version: str
    dataset: str
    output: str
    format: str
    seed: int
    spec_hash: str
    model: str
    endpoints: list[str]
    records: int
    wanted: int
    duplicates: int
    refused: list[Refusal]
    converted: int
    """Values taken after a lossless conversion, such as "34" for 34."""
    beyond: int
    """Valid rows past N, dropped."""
    requests: int
    """Requests sent in this run, tries of the same request counted each."""
    replies: int
    """Replies used: asked now, or kept from before."""
    kept: int
    """Replies that were kept from before, so nothing was asked."""
    bad_replies: int
    retries: int
    """Requests sent again after a transport failure, by reason in `failures`."""
    failures: dict[str, int]
    tokens_in: int
    tokens_out: int
    tokens_per_record: float
    money: float | None
    seconds: float
    records_per_second: float
    utilisation: float
    """Busy slot-seconds over slots times the time in which asking went on; 0 when nothing was asked."""
    workers: int
    processes: list[ProcessUse]
    tables: list[TableReport] = []
    """The tables of a drawn run, in the order in which they were made."""
    imperfections: list[Imperfection] = []
    """What was spoiled because the spec asks for it; as many as there are labels."""

    @classmethod
    def of_drawn(
        cls,
        seed: int,
        spec_hash: str,
        dataset: str,
        output: str,
        format: str,
        records: int,
        wanted: int,
        seconds: float,
        duplicates: int = 0,
        processes: list[ProcessUse] | None = None,
        tables: list[TableReport] | None = None,
        imperfections: list[Imperfection] | None = None,
    ) -> "Report":
        """The report of a run that asked nobody."""
        uses = processes or []
        return cls(
            version=__version__,
            dataset=dataset,
            output=output,
            format=format,
            seed=seed,
            spec_hash=spec_hash,
            model="",
            endpoints=[],
            records=records,
            wanted=wanted,
            duplicates=duplicates,
            refused=[],
            converted=0,
            beyond=0,
            requests=0,
            replies=0,
            kept=0,
            bad_replies=0,
            retries=0,
            failures={},
            tokens_in=0,
            tokens_out=0,
            tokens_per_record=0.0,
            money=None,
            seconds=seconds,
            records_per_second=records / seconds if seconds > 0 else 0.0,
            utilisation=0.0,
            workers=sum(use.role in ("worker", "drawer") for use in uses),
            processes=uses,
            tables=tables or [],
            imperfections=imperfections or [],
        )
