"""A run from plan to report: holds the destination, the replies and the endpoints while a coordinator works."""

import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

from ffgen import __version__, failpoint
from ffgen.place import Workspace
from ffgen.plan.compile import Plan
from ffgen.plan.estimate import money
from ffgen.run.coordinator import Coordinator
from ffgen.run.crew import Crew, Inline, Processes, own_use
from ffgen.run.endpoints import Endpoints
from ffgen.run.gate import GateRole
from ffgen.run.ledger import marks_of, note
from ffgen.run.means import Means, opened
from ffgen.run.messages import Setup
from ffgen.run.options import SMALL, STDOUT, Options, Watch
from ffgen.run.records import WholeRecords
from ffgen.run.remote import Remote, stoppable
from ffgen.run.report import EndpointUse, ProcessUse, Refusal, Report, Steered
from ffgen.run.room import check_room
from ffgen.run.worker import WorkerRole
from ffgen.run.writer import WriterRole
from ffgen.sink import format_of
from ffgen.spec.duration import seconds


async def carry_out(
    plan: Plan,
    options: Options,
    watch: Watch | None = None,
    make_writer: Callable[[Setup], Any] | None = None,
    remote: Remote | None = None,
) -> Report:
    """Carries a plan out and publishes the result, whole. Raises an FfgenError otherwise, and leaves nothing behind
    but kept replies. `remote` stops it from another thread."""
    check_room(plan, options.memory)
    began = time.monotonic()
    with contextlib.ExitStack() as held:
        stop = held.enter_context(stoppable(remote))
        workspace = None
        format, compression = "frames", "none"
        if make_writer is None:
            format, compression = format_of(options.to, options.format, options.compression)
            if options.to != STDOUT:
                workspace = held.enter_context(Workspace.open(options.to, clobber=options.clobber))
        async with opened(plan, options) as means:
            crew = crew_for(plan, options, make_writer)
            coordinator = Coordinator(plan, crew, means, WholeRecords(plan, crew, means.endpoints), fresh=options.fresh)
            setups = setups_for(plan, options, means, workspace, format, compression)
            outcome = "failed"
            stop.tell(coordinator)
            try:
                await coordinator.carry_out(setups, options.timeout, watch)
                uses = await crew.leave()
                if workspace is not None:
                    publish(plan, options, workspace, format, compression)
                outcome = "done"
            finally:
                await crew.leave()
                means.audit.ended(outcome, coordinator.state.counts.admitted)
            means.keep(plan.spec_hash)
            if watch is not None:
                watch(coordinator.accounts.progress())
            return report_of(
                coordinator, options, format, means.endpoints, [own_use(), *uses], time.monotonic() - began
            )


def publish(plan: Plan, options: Options, workspace: Workspace, format: str, compression: str) -> None:
    """Puts the output where it belongs, and notes what it was made from."""
    failpoint.hit("coordinator.publish")
    files = marks_of(workspace.work_path())
    workspace.publish()
    failpoint.hit("coordinator.published")
    if options.recorded:
        about = (plan.dataset.name, format, compression, plan.shards.count)
        note(workspace.destination, plan.spec_hash, plan.spec.seed, *about, files)


def crew_for(plan: Plan, options: Options, make_writer: Callable[[Setup], Any] | None) -> Crew:
    """Inline when asked for, or when the run is small; else processes: one worker unless said, two from four cores
    on (one worker decodes 100,000 records a second, and a second one costs 100 MiB and half a second to start)."""
    workers = options.workers
    if workers is None:
        workers = 0 if plan.shards.base <= SMALL else 1 + ((os.cpu_count() or 1) >= 4)
    if workers == 0 or make_writer is not None or os.name != "posix":
        return Inline({"worker": WorkerRole, "gate": GateRole, "writer": make_writer or WriterRole})
    return Processes(workers)


def setups_for(
    plan: Plan, options: Options, means: Means, workspace: Workspace | None, format: str, compression: str
) -> dict[str, Setup]:
    """What each role is told first."""
    common: dict[str, Any] = {"plan": plan, "isolate": options.isolate}
    common["failpoints"] = os.environ.get("FFGEN_FAILPOINTS", "")
    model = plan.model
    first = means.endpoints.first
    slots = 256 if model.concurrency == "auto" else model.concurrency
    work_path = STDOUT if workspace is None else workspace.work_path() + ("/" if workspace.whole_folder else "")
    return {
        "worker": Setup(
            role="worker",
            api=first.api,
            model=first.model,
            key=means.key,
            timeout=seconds(model.timeout),
            slots=slots,
            hosts=[*plan.endpoints, "http://127.0.0.1"] if first.url == "embedded" else plan.endpoints,
            **common,
        ),
        "gate": Setup(role="gate", memory=options.memory, work_folder=workspace.folder if workspace else "", **common),
        "writer": Setup(role="writer", work_path=work_path, format=format, compression=compression, **common),
    }


def report_of(
    coordinator: Coordinator,
    options: Options,
    format: str,
    endpoints: Endpoints,
    uses: list[ProcessUse],
    elapsed: float,
) -> Report:
    """The figures of a finished run."""
    plan, tally, counts = coordinator.plan, coordinator.accounts.tally, coordinator.state.counts
    refused = sorted(tally.refused.items(), key=lambda item: -item[1])
    if endpoints.embedded is not None:
        uses = [*uses, embedded_use(endpoints.embedded.pid)]
    return Report(
        version=__version__,
        dataset=plan.dataset.name,
        output="frames" if format == "frames" else options.to,
        format=format,
        seed=plan.spec.seed,
        spec_hash=plan.spec_hash,
        model=endpoints.first.model,
        endpoints=[endpoint.url for endpoint in endpoints.found],
        servers=servers_of(coordinator, endpoints),
        doubles=counts.doubles,
        steering=steering_of(coordinator),
        records=counts.admitted,
        wanted=plan.shards.count,
        duplicates=counts.duplicates,
        refused=[Refusal(field=field, reason=reason, count=count) for (field, reason), count in refused],
        converted=tally.converted,
        beyond=counts.beyond,
        requests=tally.requests,
        replies=tally.replies,
        kept=counts.kept,
        bad_replies=counts.bad_replies,
        retries=counts.retries,
        failures=counts.failures,
        tokens_in=tally.tokens_in,
        tokens_out=tally.tokens_out,
        tokens_per_record=tally.tokens_out / max(counts.admitted, 1),
        money=money(plan.model.price, tally.tokens_in, tally.tokens_out),
        seconds=elapsed,
        records_per_second=counts.admitted / elapsed if elapsed > 0 else 0.0,
        utilisation=tally.utilisation,
        workers=sum(use.role == "worker" for use in uses),
        processes=uses,
    )


def servers_of(coordinator: Coordinator, endpoints: Endpoints) -> list[EndpointUse]:
    """The endpoints one by one."""
    pairs = zip(endpoints.found, coordinator.accounts.shares, strict=True)
    asked = [
        EndpointUse(
            url=endpoint.url,
            requests=share.requests,
            replies=share.replies,
            failures=dict(share.failures),
            tokens_in=share.tokens_in,
            tokens_out=share.tokens_out,
            busy=share.busy,
            p50=share.latency(0.5),
            p95=share.latency(0.95),
            note=share.refused,
        )
        for endpoint, share in pairs
    ]
    return asked + [EndpointUse(url=url, note=what) for url, what in endpoints.missing.items()]


def steering_of(coordinator: Coordinator) -> list[Steered]:
    """The steps that steering took."""
    steering, name = coordinator.state.steering, coordinator.plan.dataset.name
    began = [] if steering is None else steering.began
    return [Steered(dataset=name, step=each.step, shard=each.shard, why=each.why) for each in began]


def embedded_use(pid: int) -> ProcessUse:
    """What the embedded server has used so far; it keeps no count of its own."""
    import psutil

    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        memory = process.memory_info().rss
    except psutil.Error:
        return ProcessUse(role="model", pid=pid, cpu_seconds=0.0, peak_memory=0)
    return ProcessUse(role="model", pid=pid, cpu_seconds=times.user + times.system, peak_memory=memory)
