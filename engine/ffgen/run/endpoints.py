"""The endpoints of a run, found out before anything is asked, and the embedded server while it lives."""

import asyncio
import os
from typing import Any

from msgspec import to_builtins

from ffgen.ask import embedded
from ffgen.ask.address import base_url
from ffgen.ask.client import Client
from ffgen.ask.probe import Endpoint, recognise
from ffgen.ask.replies import Replies
from ffgen.errors import EndpointError, UsageError
from ffgen.plan.compile import EMBEDDED, Plan
from ffgen.spec.model import Key


class Endpoints:
    """What is asked, and where. All endpoints of a run serve one model through one API.

    `found` are those that may be asked. When none answers, what a former run recognised stands in for them, so that a
    run whose replies are all kept needs no server; `absent` is then the error for the first ask that does.
    """

    def __init__(self, found: list[Endpoint], absent: EndpointError | None, plain: bool) -> None:
        self.found = found
        self.absent = absent
        self.plain = plain
        self.missing: dict[str, str] = {}
        """Endpoints that are named and did not answer, and what was wrong."""
        """The server refuses patterns in a schema, so they are left out."""
        self.embedded: embedded.Embedded | None = None
        self._starting = asyncio.Lock()

    @property
    def first(self) -> Endpoint:
        """The endpoint that gives the run its API, model name and digest."""
        return self.found[0]

    async def url(self, index: int, slots: int, context: int) -> str:
        """Where to send a request; starts the embedded server when it is the first. Raises when nothing answers."""
        if self.absent is not None:
            raise self.absent
        if self.found[index].url != EMBEDDED:
            return self.found[index].url
        async with self._starting:
            if self.embedded is None:
                self.embedded = await embedded.start(slots, context)
        return self.embedded.url

    def stop(self) -> None:
        """Ends the embedded server."""
        if self.embedded is not None:
            self.embedded.stop()
            self.embedded = None

    def keep_plain(self, replies: Replies) -> None:
        """Remembers that these servers refuse patterns."""
        self.plain = True
        for endpoint in self.found:
            replies.remember(endpoint.url, to_builtins(endpoint) | {"plain": True})


async def find_endpoints(plan: Plan, key: str | None, replies: Replies) -> Endpoints:
    """Recognises the plan's endpoints. One that does not answer is left out when another does."""
    if plan.endpoints == [EMBEDDED]:
        _, name, digest = embedded.describe()
        return Endpoints([Endpoint(EMBEDDED, "openai", name, digest)], None, plain=False)
    client = Client(limit=4)
    try:
        asked = [recognise(client, url, plan.model.name, plan.model.api, key) for url in plan.endpoints]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        await client.close()
    found = [answer for answer in answers if isinstance(answer, Endpoint)]
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if found:
        endpoints = recognised(found, replies)
        pairs = zip(plan.endpoints, answers, strict=True)
        endpoints.missing = {base_url(url): str(said) for url, said in pairs if isinstance(said, BaseException)}
        return endpoints
    error = errors[0]
    if not isinstance(error, EndpointError):
        raise error
    known = [replies.recall(base_url(url)) for url in plan.endpoints]
    if not known or any(each is None or not same_model(each, plan) for each in known):
        raise error
    return Endpoints([endpoint_of(each) for each in known if each], error, bool((known[0] or {}).get("plain")))


def recognised(found: list[Endpoint], replies: Replies) -> Endpoints:
    """The endpoints that answered, which must be alike; remembered for a time when they don't."""
    if len({endpoint.api for endpoint in found}) > 1:
        said = ", ".join(f"{endpoint.url} speaks {endpoint.api}" for endpoint in found)
        raise UsageError(f"The endpoints of one model must speak one API: {said}.", hint="Name those of one kind.")
    digests = {endpoint.digest for endpoint in found if endpoint.digest}
    if len(digests) > 1:
        raise UsageError("The endpoints have different models under one name.", hint="Pull the same one everywhere.")
    plain = False
    for endpoint in found:
        known = replies.recall(endpoint.url) or {}
        same = known.get("model") == endpoint.model and known.get("digest") == endpoint.digest
        plain = plain or (same and bool(known.get("plain")))
        if not same:
            replies.remember(endpoint.url, to_builtins(endpoint))
    return Endpoints(found, None, plain)


def same_model(known: dict[str, Any], plan: Plan) -> bool:
    """Whether what is remembered of a URL is the model that the plan asks for."""
    return plan.model.name in (None, known.get("model"), str(known.get("model")).removesuffix(":latest"))


def endpoint_of(known: dict[str, Any]) -> Endpoint:
    """A remembered endpoint."""
    return Endpoint(known["url"], known["api"], known["model"], known["digest"])


def read_key(key: Key | None, given: str | None) -> str | None:
    """The API key: from where the spec says, else what the caller gave, which may be meant for another host.

    UsageError when the place that the spec names has none.
    """
    if key is None:
        return given
    if key.env is not None:
        value = os.environ.get(key.env, "").strip()
        if not value:
            raise UsageError(f"`model.key` names ${key.env}, which is not set.", hint=f"export {key.env}=...")
        return value
    path = os.path.expanduser(str(key.file))
    try:
        with open(path, encoding="utf-8") as file:
            value = file.read(65_536).strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"`model.key` names {path}, which can't be read: {reason}.") from error
    if not value:
        raise UsageError(f"`model.key` names {path}, which is empty.", hint="Put the key into it, on one line.")
    return value
