"""The kept replies of one asked plan, found again by what was asked. Asks nobody."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import to_builtins

from ffgen.ask import embedded
from ffgen.ask.address import base_url
from ffgen.ask.probe import Endpoint
from ffgen.ask.replies import Replies
from ffgen.errors import FfgenError
from ffgen.plan.compile import EMBEDDED, Plan
from ffgen.plan.strata import Steer
from ffgen.run.cache import path_of
from ffgen.run.endpoints import endpoint_of, same_model
from ffgen.shard.asked import Maker

_RUN = "run "


class Gone(Exception):
    """A reply that the run used is kept no more."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Desk:
    """Gives the replies of a plan by shard and attempt."""

    def __init__(self, plan: Plan, replies: Replies, endpoint: Endpoint) -> None:
        self.plan = plan
        self.endpoint = endpoint
        self.maker = Maker(plan, endpoint.api, endpoint.model)
        self._replies = replies
        self._plain = False

    def reply(self, shard: int, attempt: int, steer: Steer) -> tuple[bytes, bytes]:
        """The key of what was asked, and its reply; `steer` is what the verdicts before said. Raises `Gone`."""
        # A server that refused patterns was asked without them, from some request on.
        for plain in (self._plain, not self._plain):
            key = self._key(shard, attempt, plain, steer)
            if (reply := self._replies.get(key)) is not None:
                self._plain = plain
                return key, reply
        raise Gone(f"the reply of shard {shard} is kept no more")

    def _key(self, shard: int, attempt: int, plain: bool, steer: Steer) -> bytes:
        endpoint = self.endpoint
        body = self.maker.body(shard, attempt, plain, steer)
        return Replies.key(endpoint.api, endpoint.model, endpoint.digest, body)


@contextmanager
def desk_of(plan: Plan, cache: str | None) -> Iterator[Desk]:
    """The desk of a plan whose replies are kept in this folder. Raises `Gone` where there are none."""
    with kept_of(plan, cache) as (replies, endpoint):
        yield Desk(plan, replies, endpoint)


@contextmanager
def kept_of(plan: Plan, cache: str | None) -> Iterator[tuple[Replies, Endpoint]]:
    """The replies in this folder, and the model that gave a plan's. Raises `Gone` where there are none."""
    path = path_of(cache)
    if not os.path.exists(path):
        raise Gone(f"no replies are kept in {os.path.dirname(path)}")
    with Replies.open(path) as replies:
        endpoint = endpoint_for(plan, replies)
        if endpoint is None:
            raise Gone(f"it isn't known any more which model wrote this, in {os.path.dirname(path)}")
        yield replies, endpoint


def remember_asked(plan: Plan, endpoint: Endpoint, replies: Replies) -> None:
    """Notes which model a run asks: its URL may serve another one later."""
    told = to_builtins(endpoint)
    if replies.recall(_RUN + plan.spec_hash) != told:
        replies.remember(_RUN + plan.spec_hash, told)


def endpoint_for(plan: Plan, replies: Replies) -> Endpoint | None:
    """The model that a run asked, as it was noted, else as its URLs were recognised last; None where neither was."""
    known: dict[str, Any] | None = replies.recall(_RUN + plan.spec_hash)
    if known is not None:
        return endpoint_of(known)
    if plan.endpoints == [EMBEDDED]:
        try:
            _, name, digest = embedded.describe()
        except FfgenError:
            return None
        return Endpoint(EMBEDDED, "openai", name, digest)
    found = [replies.recall(base_url(url)) for url in plan.endpoints]
    return next((endpoint_of(each) for each in found if each is not None and same_model(each, plan)), None)
