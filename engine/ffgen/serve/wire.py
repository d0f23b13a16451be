"""What goes over the wire in answers, and between the processes of a service. FastAPI tells of these in the OpenAPI
document; dataclasses, so that a maker that fills them in needs no pydantic."""

from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["csv", "jsonl", "parquet", "zip"]


@dataclass(kw_only=True)
class Slip:
    """One thing that is wrong: a JSON pointer into the body, what, and what to do."""

    pointer: str
    detail: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


@dataclass(kw_only=True)
class Problem:
    """An error (RFC 9457): what, where (`errors`), and what next (`hint`)."""

    type: str
    title: str
    status: int
    detail: str
    hint: str = ""
    instance: str = ""
    errors: list[Slip] = field(default_factory=list)


@dataclass(kw_only=True)
class Asked:
    """What a description leaves open, and what was taken for it."""

    id: str
    about: str
    text: str
    default: str
    choices: list[str]
    changes: str


@dataclass(kw_only=True)
class Drafted:
    """A spec made of a description; `text` is the same as YAML with comments. `author` is the model that drafted, empty
    for ffgen itself; `kept` says that the model was not asked again."""

    name: str
    spec: dict[str, Any]
    text: str
    tables: list[str]
    finest: str
    why: dict[str, str]
    understood: list[str]
    ignored: list[str]
    questions: list[Asked]
    answers: dict[str, str]
    author: str
    kept: bool
    notes: list[str]


@dataclass(kw_only=True)
class TablePlan:
    """One table that would be made."""

    name: str
    rows: int


@dataclass(kw_only=True)
class Validated:
    """What is wrong with a spec, and what it would make when nothing is."""

    valid: bool
    findings: list[Slip]
    tables: list[TablePlan]
    finest: str
    asks_model: bool


State = Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]


@dataclass(kw_only=True)
class JobProgress:
    """Where a job stands."""

    phase: str
    records: int
    wanted: int
    seconds: float


@dataclass(kw_only=True)
class JobFile:
    """A table that a finished job has made."""

    table: str
    name: str
    bytes: int
    href: str


@dataclass(kw_only=True)
class JobView:
    """A job. `error` says why it failed."""

    id: str
    state: State
    name: str
    tables: list[TablePlan]
    format: Format
    seed: int
    created: str
    started: str | None = None
    ended: str | None = None
    progress: JobProgress | None = None
    files: list[JobFile] = field(default_factory=list)
    error: Problem | None = None
    href: str = ""


@dataclass(kw_only=True)
class JobList:
    """Jobs, the newest first; `next` is the address of the page after this one."""

    jobs: list[JobView]
    next: str | None = None


@dataclass(kw_only=True)
class Health:
    """Whether the service lives, or can take requests; `problems` says why it can't."""

    status: Literal["ok", "unavailable"]
    version: str
    problems: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class About:
    """What this service is, and where its parts are."""

    name: str
    version: str
    links: dict[str, str]
    models: list[str]
