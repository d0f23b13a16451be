"""The model that drafts: where it is, how it is spoken to, and an answer to a conversation. Nothing here knows specs.

Ollama, servers that speak OpenAI's API, OpenAI itself and Anthropic are asked over the one client, and no other host
than the one that was named.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from ffgen.ask import embedded
from ffgen.ask.address import Auth, base_url
from ffgen.ask.anthropic import Anthropic
from ffgen.ask.client import AskFailed, Client
from ffgen.ask.dialect import Answer, Dialect, Prompt
from ffgen.ask.ollama import Ollama
from ffgen.ask.openai import OpenAI
from ffgen.ask.probe import recognise
from ffgen.errors import EndpointError, UsageError
from ffgen.plan.compile import EMBEDDED
from ffgen.run.fence import fence
from ffgen.run.options import new_loop

T = TypeVar("T")

Api = Literal["auto", "ollama", "openai", "anthropic"]
Sleep = Callable[[float], Awaitable[None]]
WAITS = (2.0, 4.0, 8.0, 16.0)
"""Seconds before the next try of a request that failed and may go again."""
LONGEST_WAIT = 60.0
CONTEXT = 4096
"""Tokens that one call may take, answer included."""
HOSTED = {"openai": "https://api.openai.com", "anthropic": "https://api.anthropic.com"}
"""Names that stand for an address."""
_KEYS = {"api.openai.com": "OPENAI_API_KEY", "api.anthropic.com": "ANTHROPIC_API_KEY"}
"""Variables that are looked at for these hosts, and for no other, where no key is given."""
_DIALECTS: dict[str, Callable[..., Dialect]] = {"ollama": Ollama, "openai": OpenAI, "anthropic": Anthropic}
_OPTIONAL = ("response_format", "format", "temperature", "seed", "max_tokens", "top_p", "think")
"""What a server may refuse to hear of: it is left out then."""


class ModelChoice(Struct, frozen=True, kw_only=True):
    """Which model drafts, as it was said. `timeout` is for one request, in seconds."""

    endpoint: str
    name: str | None = None
    api: Api = "auto"
    key: str | None = None
    timeout: float = 120.0

    @property
    def place(self) -> str:
        """The choice without its key: what its model's identity is remembered under."""
        return f"{self.url} {self.api} {self.name or ''}"

    @property
    def url(self) -> str:
        """The address; `embedded` as it is. UsageError for what is none."""
        if self.endpoint == EMBEDDED:
            return EMBEDDED
        return base_url(HOSTED.get(self.endpoint, self.endpoint))

    @property
    def host(self) -> str:
        """The host that may get the key."""
        return urlsplit(self.url).hostname or ""

    @property
    def speaks(self) -> Api:
        """The API as far as it is known without asking."""
        return "anthropic" if self.api == "auto" and self.host == "api.anthropic.com" else self.api


class Identity(Struct, frozen=True):
    """The model that answers, as drafts are kept under it: never the host."""

    api: str
    model: str
    digest: str = ""


class Author:
    """One model, ready to be asked. Belongs to the loop that opened it; `close` it there."""

    def __init__(self, choice: ModelChoice, *, sleep: Sleep = asyncio.sleep, isolate: bool = False) -> None:
        self.choice = choice
        self.identity = Identity(choice.speaks, choice.name or "")
        self.tokens_in = self.tokens_out = self.calls = 0
        self._sleep = sleep
        self._isolate = isolate
        self._client = Client(limit=2)
        self._url = ""
        self._options: dict[str, Any] = {}
        self._server: embedded.Embedded | None = None

    async def open(self) -> None:
        """Finds out which model answers. EndpointError when none does."""
        choice = self.choice
        if choice.url == EMBEDDED:
            _, name, digest = embedded.describe()
            self.identity = Identity("openai", name, digest)
            return
        self._url = choice.url
        if self._isolate:
            fence([self._url])
        if choice.speaks == "anthropic":
            if not choice.name:
                raise UsageError("Which model of Anthropic's?", hint="Name it: --model NAME, or FFGEN_LLM_MODEL.")
            self.identity = Identity("anthropic", choice.name)
            return
        api: Literal["auto", "ollama", "openai"] = choice.speaks
        found = await recognise(self._client, self._url, choice.name, api, self._key())
        self.identity = Identity(found.api, found.model, found.digest)

    async def answer(self, prompt: Prompt, attempt: int) -> Answer:
        """What the model says. Tried again after 2, 4, 8 and 16 s where that may help. AskFailed in the end."""
        if self.choice.url == EMBEDDED and self._server is None:
            self._server = await embedded.start(1, CONTEXT)
            self._url = self._server.url
            if self._isolate:
                fence([self._url])
        for _ in range(len(_OPTIONAL) + 1):
            dialect = self._dialect(prompt)
            body = dialect.body(prompt, attempt)
            try:
                said = dialect.read(await patiently(partial(self._send, dialect.path, body), self._sleep))
            except AskFailed as failure:
                if not self._leave_out(failure, body, prompt):
                    raise
                continue
            self.calls += 1
            self.tokens_in += said.tokens_in
            self.tokens_out += said.tokens_out
            return said
        raise EndpointError(f"{self.choice.url} refuses every form of a request.", hint="Check `--api`.")

    async def close(self) -> None:
        """Closes connections and ends the embedded server."""
        await self._client.close()
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    async def _send(self, path: str, body: bytes) -> bytes:
        auth: Auth = "anthropic" if self.identity.api == "anthropic" else "bearer"
        return await self._client.send(self._url, path, body, self._key(), self.choice.timeout, auth)

    def _key(self) -> str | None:
        """The key, which is for this one host."""
        variable = _KEYS.get(self.choice.host)
        return self.choice.key or (os.environ.get(variable, "").strip() or None if variable else None)

    def _dialect(self, prompt: Prompt) -> Dialect:
        options = dict(self._options)
        more: dict[str, Any] = {}
        if self.identity.api == "openai" and prompt.schema is not None and "response_format" not in options:
            # Not `strict`: OpenAI's own servers refuse most schemas under that word.
            named = {"name": "draft", "strict": False, "schema": prompt.schema}
            options["response_format"] = {"type": "json_schema", "json_schema": named}
        if "max_tokens" in options and self.identity.api == "openai":
            options["max_completion_tokens"] = prompt.max_tokens
        if self.identity.api == "ollama":
            more["context"] = CONTEXT
        return _DIALECTS[self.identity.api](model=self.identity.model, temperature=0.0, options=options, **more)

    def _leave_out(self, failure: AskFailed, body: bytes, prompt: Prompt) -> bool:
        """Whether the server refused a part that can be left out, which is then noted: newer models take no
        temperature, older servers no schema."""
        if failure.status != 400:
            return False
        sent = msgspec.json.decode(body, type=dict[str, Any])
        said = failure.what.lower()
        named = next((name for name in _OPTIONAL if name in said and name in sent and name not in self._options), None)
        if named is None and "schema" in said and prompt.schema is not None:
            named = "format" if self.identity.api == "ollama" else "response_format"
            named = None if named in self._options else named
        if named is None:
            return False
        self._options[named] = None
        return True


async def patiently(send: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep) -> T:
    """What `send` gives, which is tried 5 times in all; `Retry-After` is obeyed up to a minute. Raises the last
    failure, or one that will not go away by waiting."""
    for wait in WAITS:
        try:
            return await send()
        except AskFailed as failure:
            if failure.kind == "fatal" or (failure.retry_after or 0.0) > LONGEST_WAIT:
                raise
            await sleep(max(wait, failure.retry_after or 0.0))
    return await send()


def to_end(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a coroutine to its end, in a loop of its own; in another thread where this one has a loop already."""

    def run() -> T:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(make())

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append((run(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=work, name="ffgen-draft")
    thread.start()
    thread.join()
    made, error = outcome[0]
    if error is not None:
        raise error
    result: T = made
    return result
