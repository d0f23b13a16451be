"""What a request gets: a function of its body, how often that body came, and the settings; no I/O, no clock.

Which faults take a slot: `http429`, `http503`, `noschema` and a full house (`reject_over`) are refused at the door;
`http500`, `half` and `reset` come after the time that the reply would have taken, half of it for `reset`.
"""

import time
from dataclasses import replace
from email.utils import formatdate

import xxhash
from tests.standin import anthropic, faults, ollama, openai, replies
from tests.standin.order import Asked, Dialect, Refusal, Told
from tests.standin.settings import Settings
from tests.standin.slots import Answer, Counts
from tests.standin.wire import Request, message

_DRIP_SECONDS = 0.02
_NO_PATTERN = "JSON schema conversion failed:\nPattern must start with '^' and end with '$'"
_BUSY = "server busy, please try again.  maximum pending requests exceeded"
_CRASHED = "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error"
_TOO_MANY = "too many requests"


def dialect_of(path: str, settings: Settings) -> Dialect:
    """Whose words a path is answered in; with `both`, those of the API that the path belongs to."""
    if settings.api == "both":
        return openai if path.startswith(("/v1/", "/health")) else ollama
    if settings.api == "anthropic":
        return anthropic
    return ollama if settings.api == "ollama" else openai


def authorise(request: Request, settings: Settings, dialect: Dialect) -> None:
    """Refusal 401 without the key, where there is one. Anyone may ask whether the server is there."""
    if dialect is anthropic:
        anthropic.check(request, settings)
        return
    if settings.api_key is None or request.path in ("/", "/health"):
        return
    if request.header("authorization") != f"Bearer {settings.api_key}":
        raise Refusal(401, dialect.UNAUTHORISED)


def answer(request: Request, settings: Settings, counts: Counts, dialect: Dialect) -> Answer:
    """The answer to a request for text; counts the try. Refusal and Unsupported for what can't be answered.

    A full house is the one thing here that depends on other requests: it does not count as a try.
    """
    asked = dialect.read(request.path, request.body)
    if not dialect.knows(asked.model, settings):
        raise Refusal(404, dialect.unknown_model(asked.model))
    if settings.reject_over is not None and counts.in_flight >= settings.reject_over:
        return _refused(429, dialect.error(429, _TOO_MANY), settings, None)
    seed = xxhash.xxh3_64_intdigest(request.body)
    attempt = counts.tries.get(seed, 0)
    counts.tries[seed] = attempt + 1
    counts.repeated += seed in counts.answered
    if asked.is_load:
        told = Told("", "unload" if asked.is_unload else "load", 0, 0.0)
        return Answer(seed, 200, dialect.answer(asked, told), is_free=True)
    if settings.script:
        return _scripted(asked, seed, settings, counts, dialect)
    fault = faults.pick(settings, seed, attempt, b'"pattern"' in asked.schema)
    if fault == "noschema":
        return _refused(400, dialect.error(400, _NO_PATTERN), settings, fault)
    if fault == "http429":
        return _refused(429, dialect.error(429, _TOO_MANY), settings, fault)
    if fault == "http503":
        return _refused(503, dialect.error(503, _BUSY), settings, fault)
    if fault == "hang":
        return Answer(seed, 200, [], end="never", fault=fault)
    return _spoken(asked, seed, fault, settings, dialect)


def _scripted(asked: Asked, seed: int, settings: Settings, counts: Counts, dialect: Dialect) -> Answer:
    """The next answer of the script."""
    turn = settings.script[min(counts.scripted, len(settings.script) - 1)]
    counts.scripted += 1
    if turn.status != 200:
        return _refused(turn.status, dialect.error(turn.status, _BUSY), settings, None)
    tokens = max(1, len(turn.text) // 4)
    told = Told(turn.text, "length" if turn.cut else "stop", tokens, settings.latency)
    return Answer(seed, 200, dialect.answer(asked, told), told.seconds, tokens=tokens, is_reply=True)


def _refused(status: int, body: bytes, settings: Settings, fault: str | None) -> Answer:
    more = _retry_after(settings) if status == 429 else []
    return Answer(0, status, [message(status, body, more=more)], fault=fault, is_free=True)


def _retry_after(settings: Settings) -> list[str]:
    if settings.retry_says != "date":
        return [f"Retry-After: {settings.retry_says or format(settings.retry_after, 'g')}"]
    now = time.time() - 365 * 86_400
    return [
        f"Date: {formatdate(now, usegmt=True)}",
        f"Retry-After: {formatdate(now + settings.retry_after, usegmt=True)}",
    ]


def _spoken(asked: Asked, seed: int, fault: str | None, settings: Settings, dialect: Dialect) -> Answer:
    """An answer that takes a slot and time."""
    told = _tell(asked, seed, fault, settings)
    if fault == "http500":
        return Answer(seed, 500, [message(500, dialect.error(500, _CRASHED))], told.seconds, fault=fault)
    parts = dialect.answer(asked, told)
    spoken = Answer(seed, 200, parts, told.seconds, fault=fault, tokens=told.tokens, is_reply=fault != "nodone")
    if fault in ("half", "reset", "drip"):
        return _mistreated(spoken, fault, settings)
    if len(parts) > 1:
        spoken.seconds = spoken.pause = told.seconds / len(parts)
    return spoken


def _mistreated(spoken: Answer, fault: str, settings: Settings) -> Answer:
    """A good reply that the wire spoils."""
    whole = b"".join(spoken.parts)
    if fault == "drip":
        size = max(1, int(settings.drip_rate * _DRIP_SECONDS))
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        return replace(spoken, parts=pieces, pause=size / settings.drip_rate)
    first = [whole[: len(whole) // 2]]
    if fault == "half":
        return replace(spoken, parts=first, end="close", is_reply=False)
    return replace(spoken, parts=first, end="reset", is_reply=False, seconds=spoken.seconds / 2)


def _tell(asked: Asked, seed: int, fault: str | None, settings: Settings) -> Told:
    """The reply with its faults of text, and how long it takes."""
    text = replies.write(replies.Order(asked.schema, asked.prompt, asked.last, asked.is_json), seed, fault, settings)
    reason = "stop"
    if fault == "malformed":
        text = faults.mangle(text, seed)
    elif fault in ("cut", "nodone"):
        text, reason = faults.cut(text, seed), "length" if fault == "cut" else ""
    if asked.limit and len(text) > asked.limit * 4:
        text, reason = text[: asked.limit * 4], reason and "length"
    tokens = max(1, len(text) // 4)
    seconds = settings.latency + (tokens / settings.pace if settings.pace else 0.0)
    if settings.jitter:
        seconds += settings.jitter * faults.share_of(seed, "jitter")
    return Told(text, reason, tokens, seconds)
