"""Which dialect an endpoint speaks, and which of its models is meant: found out before anything is asked."""

import asyncio
import random
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any, Literal

import orjson
from msgspec import Struct

from ffgen.ask.address import KEY_HINT, base_url, printable
from ffgen.ask.client import AskFailed, Client
from ffgen.ask.retry import delay
from ffgen.errors import EndpointError

Api = Literal["ollama", "openai"]

_TRIES = 3
_SECONDS = 5.0
_LONGEST_WAIT = 5.0
_SHOWN = 8
_ROOT_HINT = "Is this the API's root? Say which API it is with `model.api: ollama` or `model.api: openai`."


class Endpoint(Struct, frozen=True):
    """A server that answers, and its model. `digest` names the weights where the server tells; `note` is for people."""

    url: str
    api: Api
    model: str
    digest: str = ""
    note: str = ""


class _Model(Struct, frozen=True):
    """A model that a server lists."""

    name: str
    digest: str = ""
    any_name: bool = False


async def recognise(
    client: Client, url: str, name: str | None, api: Literal["auto", "ollama", "openai"], key: str | None
) -> Endpoint:
    """The endpoint at `url`, which must have the model `name`; without a name, its only model.

    Two or three small requests, each tried up to 3 times: under 2 s where nobody listens. EndpointError says
    what is missing and what is there; UsageError that `url` is none.
    """
    url = base_url(url)
    tried: list[str] = []
    if api != "openai" and await _is_ollama(client, url, key, tried, sure=api == "ollama"):
        return await _ollama(client, url, name, key)
    if api != "ollama":
        listed = await _openai_models(client, url, key, tried)
        if listed is None and api == "openai" and name:
            listed = []  # Some serve completions only; the user has said all that the list could.
        if listed is not None:
            return _openai(url, name, listed)
    speaks = {"auto": "neither Ollama's API nor OpenAI's", "ollama": "no Ollama API", "openai": "no OpenAI API"}[api]
    raise EndpointError(f"{url} speaks {speaks}: {'; '.join(tried)}.", hint=_ROOT_HINT)


async def _is_ollama(client: Client, url: str, key: str | None, tried: list[str], sure: bool) -> bool:
    # A hosted server may refuse a path that it does not know as if the key were wrong: only /v1/models tells.
    found = await _get(client, url, "/api/version", key, tried, refusal=sure)
    if isinstance(found, dict) and isinstance(found.get("version"), str):
        return True
    if found is not None:
        tried.append("GET /api/version gave no version")
    return False


async def _ollama(client: Client, url: str, name: str | None, key: str | None) -> Endpoint:
    tried: list[str] = []
    found = await _get(client, url, "/api/tags", key, tried)
    entries = _entries(found, "models")
    if entries is None:
        raise EndpointError(f"The Ollama at {url} does not list its models: {'; '.join(tried) or 'no `models`'}.")
    models = [_Model(_text(e, "name") or _text(e, "model"), _text(e, "digest")) for e in entries]
    who = f"The Ollama at {url}"
    if not models:
        raise EndpointError(f"{who} has no model.", hint=f"Get one: `ollama pull {name or 'llama3.2'}`.")
    model = _pick(models, name, who, hint=f"Get it: `ollama pull {name}`." if name else "")
    return Endpoint(url, "ollama", model.name, model.digest)


async def _openai_models(client: Client, url: str, key: str | None, tried: list[str]) -> list[_Model] | None:
    """The models of an OpenAI-compatible server; None when it is none."""
    found = await _get(client, url, "/v1/models", key, tried)
    entries = _entries(found, "data")
    if entries is None:
        if found is not None:
            tried.append("GET /v1/models gave no list of models")
        return None
    return [_Model(_text(e, "id"), any_name=_text(e, "owned_by") == "llamacpp") for e in entries]


def _openai(url: str, name: str | None, models: list[_Model]) -> Endpoint:
    who = f"The server at {url}"
    if name and not models:
        return Endpoint(url, "openai", name, note=f"{who} lists no models, so {name} was not looked up.")
    if not models:
        raise EndpointError(f"{who} lists no models.", hint="Name one: `model.name` or --model.")
    if name and not _find(models, name) and any(model.any_name for model in models):
        note = f"{who} is a llama.cpp, which answers as {models[0].name} whatever name it is given."
        return Endpoint(url, "openai", name, note=printable(note))
    return Endpoint(url, "openai", _pick(models, name, who, hint="Change `model.name` or --model.").name)


def _pick(models: list[_Model], name: str | None, who: str, hint: str) -> _Model:
    if name is None and len(models) == 1:
        return models[0]
    if name is None:
        there = _listing(model.name for model in models)
        raise EndpointError(f"{who} has {len(models)} models: {there}.", hint="Name one: `model.name` or --model.")
    found = _find(models, name)
    if found is None:
        there = _listing(sorted((m.name for m in models), key=lambda n: (-_likeness(n, name), n)))
        raise EndpointError(f"{who} has no model {printable(name, 100)!r}. It has: {there}.", hint=hint)
    return found


def _find(models: list[_Model], name: str) -> _Model | None:
    """The model of that name: exactly, else with Ollama's `:latest` understood on either side."""
    exact = next((model for model in models if model.name == name), None)
    return exact or next((model for model in models if _tagged(model.name) == _tagged(name)), None)


def _tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _likeness(there: str, wanted: str) -> float:
    return SequenceMatcher(None, there.lower(), wanted.lower()).ratio()


def _listing(names: Iterable[str]) -> str:
    shown = [printable(name, 100) for name in names]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _entries(document: Any, name: str) -> list[dict[str, Any]] | None:
    found = document.get(name) if isinstance(document, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else None


def _text(entry: dict[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""


async def _get(client: Client, url: str, path: str, key: str | None, tried: list[str], refusal: bool = True) -> Any:
    """The JSON at `path`; None, with a line in `tried`, when there is none. EndpointError when nobody answers."""
    try:
        return orjson.loads(await _patiently(client, url, path, key))
    except orjson.JSONDecodeError:
        tried.append(f"GET {path} gave no JSON")
    except AskFailed as failure:
        if refusal and failure.status in (401, 403):
            what = "wants an API key" if key is None else "does not accept the API key"
            raise EndpointError(f"{url} {what} (HTTP {failure.status}).", hint=KEY_HINT) from failure
        if failure.status == 0:
            hint = "Is it running? `ollama serve`, or --endpoint URL."
            raise EndpointError(failure.what, hint=failure.hint if failure.kind == "fatal" else hint) from failure
        tried.append(f"GET {path} answered {failure.status}")
    return None


async def _patiently(client: Client, url: str, path: str, key: str | None) -> bytes:
    for tries in range(1, _TRIES):
        try:
            return await client.fetch(url, path, key, _SECONDS)
        except AskFailed as failure:
            if failure.kind == "fatal":
                raise
            wait = None if failure.retry_after is None else min(failure.retry_after, _LONGEST_WAIT)
            await asyncio.sleep(delay(tries, wait, random.random()))
    return await client.fetch(url, path, key, _SECONDS)
