"""What a run says of itself: progress while it goes, a report at its end. Data only; front doors draw it."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct, structs

from ffgen import __version__

SUMS = (
    "duplicates",
    "converted",
    "beyond",
    "requests",
    "replies",
    "kept",
    "bad_replies",
    "retries",
    "doubles",
    "tokens_in",
    "tokens_out",
)
"""Figures of a report that add up over the runs that it is made of."""


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
    resumed: int = 0
    """Of the records: those that an earlier run had made."""

    @classmethod
    def of_drawn(
        cls, phase: str, records: int, wanted: int, seconds: float, duplicates: int = 0, resumed: int = 0
    ) -> "Progress":
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
            resumed=resumed,
        )

    @property
    def rate(self) -> float:
        """Records a second since the start."""
        return max(0, self.records - self.resumed) / self.seconds if self.seconds > 0 else 0.0


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


class EndpointUse(Struct, frozen=True, kw_only=True):
    """What one endpoint was asked and what it gave. `failures` are requests without a reply, by kind; `busy` is
    slot-seconds; the latencies are seconds of complete replies, None without any. `note` says why it did not take part,
    or no longer."""

    url: str
    requests: int = 0
    replies: int = 0
    failures: dict[str, int] = {}
    tokens_in: int = 0
    tokens_out: int = 0
    busy: float = 0.0
    p50: float | None = None
    p95: float | None = None
    note: str = ""

    def plus(self, other: "EndpointUse") -> "EndpointUse":
        """Both together, in another run of the same job. Latencies are those of the one that had more replies."""
        most = max(self, other, key=lambda each: each.replies)
        return EndpointUse(
            url=self.url,
            requests=self.requests + other.requests,
            replies=self.replies + other.replies,
            failures=dict(Counter(self.failures) + Counter(other.failures)),
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            busy=self.busy + other.busy,
            p50=most.p50,
            p95=most.p95,
            note=other.note or self.note,
        )


class Steered(Struct, frozen=True, kw_only=True):
    """A step of steering: from which shard on, and why."""

    dataset: str
    step: int
    shard: int
    why: str


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
    servers: list[EndpointUse] = []
    """The endpoints one by one, those that did not answer at the start too."""
    doubles: int = 0
    """Requests that went to a second endpoint because they were late, at the end of the run."""
    steering: list[Steered] = []
    """The steps that steering took because too few rows were new."""
    resumed: int = 0
    """Of a drawn run: records that an earlier run, which was cut short, had made already."""
    made: dict[str, dict[str, int]] = {}
    """Who made the values of fields that a model was asked for, by `table.field`: `ask`, or the fallback's name."""

    def with_asked(self, asked: Sequence["Report"]) -> "Report":
        """The report of a run that asked for pools or rows before it drew: its own, with what those runs took."""
        if not any(each.replies or each.made for each in asked):
            return self
        busy = sum(each.utilisation * each.seconds for each in asked)
        spent = sum(each.seconds for each in asked if each.requests)
        refused = sum((Counter({(r.field, r.reason): r.count for r in each.refused}) for each in asked), Counter())
        prices = [each.money for each in asked if each.money is not None]
        tokens = sum(each.tokens_out for each in asked)
        return structs.replace(
            self,
            **{name: getattr(self, name) + sum(getattr(each, name) for each in asked) for name in SUMS},
            model=next((each.model for each in reversed(asked) if each.model), ""),
            endpoints=next((each.endpoints for each in reversed(asked) if each.endpoints), []),
            servers=together([use for each in asked for use in each.servers]),
            steering=[step for each in asked for step in each.steering],
            refused=[Refusal(field=field, reason=why, count=n) for (field, why), n in refused.most_common()],
            failures=dict(sum((Counter(each.failures) for each in asked), Counter())),
            tokens_per_record=tokens / max(self.records, 1),
            money=sum(prices) if prices else None,
            utilisation=busy / spent if spent else 0.0,
            made={name: by for each in asked for name, by in each.made.items()},
        )

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


def together(uses: Sequence[EndpointUse]) -> list[EndpointUse]:
    """One entry an endpoint."""
    found: dict[str, EndpointUse] = {}
    for use in uses:
        found[use.url] = found[use.url].plus(use) if use.url in found else use
    return list(found.values())
