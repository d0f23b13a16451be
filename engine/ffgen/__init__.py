"""ffgen: exactly N unique, valid, synthetic records, from a YAML spec, drawn or written by a model.

To a file, or as polars frames:

    import ffgen

    ffgen.run("specs/customers.yaml", "customers.jsonl")
    for frame in ffgen.run("specs/customers.yaml"):
        print(frame)
"""

# Type checkers take the names from the api, which nothing else may load before one is used.
# ruff: noqa: F403, F405

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Asking",
    "CacheView",
    "Chat",
    "ChatView",
    "Draft",
    "Drafting",
    "Explanation",
    "Fault",
    "FieldStory",
    "FieldView",
    "FileCheck",
    "Finding",
    "Frames",
    "KindView",
    "ParameterView",
    "Plan",
    "PlanView",
    "ProcessUse",
    "Progress",
    "Question",
    "Refreshed",
    "Refusal",
    "Refusals",
    "RefusedRows",
    "Reply",
    "Report",
    "RunView",
    "Source",
    "Spec",
    "TableValidity",
    "Validity",
    "Verification",
    "__version__",
    "chat",
    "chats",
    "check",
    "delete_chat",
    "describe",
    "destinations",
    "draft",
    "explain",
    "explain_refused",
    "export_chat",
    "is_fresh",
    "load",
    "measure_cache",
    "plan",
    "purge_cache",
    "refresh",
    "run",
    "schema",
    "status",
    "types",
    "validate",
    "verify",
]

_LIGHT = {
    "CacheView": "ffgen.run.cache",
    "FileCheck": "ffgen.run.verify",
    "RunView": "ffgen.run.status",
    "Verification": "ffgen.run.verify",
    "is_fresh": "ffgen.run.ledger",
    "measure_cache": "ffgen.run.cache",
    "purge_cache": "ffgen.run.cache",
    "status": "ffgen.run.status",
    "verify": "ffgen.run.verify",
}
"""What must not wait a second for polars: cron looks at twenty fresh specs in the time."""

# A spawned worker imports this first: an eager root would cost it every module.
if TYPE_CHECKING:
    from ffgen.api import *
else:
    import importlib
    import sys
    from types import ModuleType

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'ffgen' has no attribute {name!r}")
        return getattr(importlib.import_module(_LIGHT.get(name, "ffgen.api")), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

    def _verb(name: str) -> property:
        """A verb that has its room's name: importing `ffgen.run.worker` must not turn `ffgen.run` into a module."""
        return property(lambda module: getattr(importlib.import_module("ffgen.api"), name), lambda module, room: None)

    class _Package(ModuleType):
        chat = _verb("chat")
        draft = _verb("draft")
        plan = _verb("plan")
        run = _verb("run")

    sys.modules[__name__].__class__ = _Package
