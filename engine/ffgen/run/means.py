"""By means of what a run asks: kept replies, the audit trail, the key, endpoints. Opened in one place for whole records
and for answers, so that both are asked for alike."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from msgspec import Struct

from ffgen.ask.replies import Replies
from ffgen.errors import EndpointError
from ffgen.plan.compile import Plan
from ffgen.run.audit import Audit
from ffgen.run.desk import remember_asked
from ffgen.run.endpoints import Endpoints, find_endpoints, read_key
from ffgen.run.fence import fence
from ffgen.run.options import Options, cache_folder


class Means(Struct, frozen=True):
    """`asks` is False where nothing but kept replies is there."""

    replies: Replies
    audit: Audit
    endpoints: Endpoints
    key: str | None = None
    asks: bool = True

    def keep(self, run: str) -> None:
        """A run is over: its replies stay, the oldest of others go where they are too many."""
        self.replies.finish(run)
        self.replies.trim()


@asynccontextmanager
async def opened(plan: Plan, options: Options, otherwise: str = "") -> AsyncIterator[Means]:
    """What a plan is asked by, given back at the end. Raises EndpointError when nobody answers and nothing is known of
    the endpoints; its hint ends with `otherwise`."""
    with (
        Replies.open(os.path.join(cache_folder(options.cache_dir), "replies.sqlite3")) as replies,
        closing(Audit(options.audit, options.audit_prompts, plan.spec_hash)) as audit,
    ):
        key = read_key(plan.model.key, options.key)
        if options.isolate:
            fence([*plan.endpoints, "http://127.0.0.1"])
        endpoints = await found(plan, key, replies, otherwise)
        try:
            remember_asked(plan, endpoints.first, replies)
            replies.begin(plan.spec_hash)
            yield Means(replies, audit, endpoints, key)
        finally:
            endpoints.stop()


async def found(plan: Plan, key: str | None, replies: Replies, otherwise: str) -> Endpoints:
    """The endpoints."""
    try:
        endpoints = await find_endpoints(plan, key, replies)
    except EndpointError as error:
        error.hint = f"{error.hint} {otherwise}".strip()
        raise
    if endpoints.absent is not None:  # known from before: the error for what is not kept
        endpoints.absent.hint = f"{endpoints.absent.hint} {otherwise}".strip()
    return endpoints
