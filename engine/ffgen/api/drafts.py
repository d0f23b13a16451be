"""The verbs that make a spec of words: `draft` at once, `chat` in a conversation that is kept."""

import os
from collections.abc import Mapping
from typing import Any, Literal, TypedDict, Unpack

from ffgen.api.reading import proved
from ffgen.api.specs import check
from ffgen.chat.chat import Chat
from ffgen.chat.sessions import ChatView, Sessions
from ffgen.chat.standing import Tools
from ffgen.draft.drafting import Draft, draft_of
from ffgen.draft.mapping import draft_of_map
from ffgen.draft.modelled import How, draft_by_model
from ffgen.draft.providers import ModelChoice
from ffgen.errors import UsageError
from ffgen.spec.duration import seconds
from ffgen.spec.load import of_value, read


class Drafting(TypedDict, total=False):
    """How `draft` goes about it where a model is to draft, and what was answered."""

    answers: Mapping[str, Any] | None
    endpoint: str | None
    model: str | None
    api: Literal["auto", "ollama", "openai", "anthropic"]
    key: str | None
    timeout: float | str | None
    local_only: bool
    model_only: bool
    fresh: bool
    cache_dir: str | os.PathLike[str] | None
    isolate: bool


def draft(
    description: str | os.PathLike[str] | Mapping[str, Any],
    *,
    rows: int | Mapping[str, int] | None = None,
    seed: int = 0,
    **settings: Unpack[Drafting],
) -> Draft:
    """A spec made of a description in plain words: by ffgen itself, offline and in milliseconds, or by a model where
    `endpoint` names one. The spec is loaded, checked and planned before it is returned.

    A path or a mapping is a provider map (`{"name": "person.fullName", ...}`), and its spec needs no model.

    - `rows` is how many records the table has that the description is about (1000 unless it says), or a mapping of
      tables to counts.
    - `answers`: to the draft's questions, by id, `{"count:orders": 500}`. The same description with answers is the
      draft with those in it; what is left open has the default that the spec holds.
    - `endpoint`, `model`, `api`, `key`: the model and how it is spoken to. `endpoint` is a URL, `embedded`, `openai` or
      `anthropic`; nobody else is asked. `timeout` is for one request, in seconds or as "90s"; 120 s unless said.
    - The model is asked once, and again with what is wrong, three times in all. Then, or where it can't be asked, the
      draft is ffgen's own, with a note; with `model_only` a DraftError or EndpointError.
    - A model's draft is kept by description (whatever its case and spaces), model and version of ffgen, in `cache_dir`;
      requests for the same one at the same time, from any processes, ask once. `fresh` asks anew.
    - `local_only` refuses a model. `isolate` lets this process connect to no other host, for good.

    UsageError for a description that names nothing, is longer than 20,000 characters or holds control characters.
    """
    unknown = settings.keys() - Drafting.__annotations__.keys()
    if unknown:
        raise TypeError(f"draft() got an unexpected keyword argument {min(unknown)!r}")
    counts = {name: _row_count(count) for name, count in rows.items()} if isinstance(rows, Mapping) else rows
    wanted = _row_count(counts) if isinstance(counts, int) else counts
    endpoint, answers = settings.get("endpoint"), settings.get("answers")
    if not isinstance(description, str):
        document = of_value(description) if isinstance(description, Mapping) else read(description)
        return draft_of_map(document, wanted, seed, proved)
    if endpoint is None and settings.get("model") is not None:
        raise UsageError("Where is the model?", hint="Name its server: --endpoint URL, or FFGEN_LLM_BASE_URL.")
    if endpoint is None:
        return draft_of(description, wanted, seed, check, answers)
    if settings.get("local_only"):
        raise UsageError("A model is named, and none may be asked.", hint="Leave out one of them.")
    limit, cache_dir = settings.get("timeout"), settings.get("cache_dir")
    choice = ModelChoice(
        endpoint=endpoint,
        name=settings.get("model"),
        api=settings.get("api", "auto"),
        key=settings.get("key"),
        timeout=120.0 if limit is None else seconds(limit),
    )
    how = How(
        fresh=settings.get("fresh", False),
        model_only=settings.get("model_only", False),
        isolate=settings.get("isolate", False),
        cache_dir=None if cache_dir is None else os.fspath(cache_dir),
    )
    return draft_by_model(description, wanted, seed, proved, answers, choice, how)


def _row_count(count: int) -> int:
    if not 1 <= count <= 10**12:
        raise UsageError(f"rows must be from 1 to {10**12:,}, got {count}.")
    return count


def chat(
    resume: str | None = None,
    *,
    rows: int | Mapping[str, int] | None = None,
    seed: int = 0,
    yes: bool = False,
    **settings: Unpack[Drafting],
) -> Chat:
    """A conversation about data that is to be: lines in, a spec that grows out. Prints nothing, and asks nobody itself.

    `resume` goes on with a kept one: its id, the beginning of it, or "last". `rows` and `seed` as for `draft`, for what
    is said first; `yes` makes the data without a last question. Settings as for `draft`: which model hears what the
    rules don't, if any; `answers` are the conversation's own. What was said is kept in the user's state folder
    (FFGEN_STATE_DIR) before it is answered. UsageError for an id that is not there.
    """
    if settings.pop("answers", None):
        raise UsageError("`answers` can't be given to chat().", hint="Answer in the conversation.")
    sessions = Sessions()

    def by_setting(text: str, answers: Mapping[str, str] | None = None) -> Draft:
        settings["answers"] = answers
        return draft(text, rows=rows, seed=seed, **settings)

    def own(text: str, answers: Mapping[str, str] | None = None) -> Draft:
        return draft(text, rows=rows, seed=seed, answers=answers)

    tools = Tools(draft=by_setting, own=own, check=proved)
    return Chat(tools, sessions, sessions.find(resume) if resume else "", yes=yes)


def chats() -> list[ChatView]:
    """The kept conversations of this user, the last one gone on with first."""
    return Sessions().listed()


def export_chat(id: str) -> str:
    """A kept conversation as a YAML spec, its transcript below as comments. `id` as in `chat`. UsageError."""
    return chat(id).export()


def delete_chat(id: str) -> str:
    """Forgets a kept conversation: the id that was meant. UsageError for one that is not there."""
    sessions = Sessions()
    found = sessions.find(id)
    sessions.delete(found)
    return found
