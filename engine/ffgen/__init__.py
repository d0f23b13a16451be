"""ffgen: exactly N unique, valid, synthetic records, from a YAML spec and a local language model.

To a file, or as polars frames:

    import ffgen

    ffgen.run("specs/customers.yaml", "customers.jsonl")
    for frame in ffgen.run("specs/customers.yaml"):
        print(frame)
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Fault",
    "FieldView",
    "Finding",
    "Frames",
    "KindView",
    "ParameterView",
    "Plan",
    "PlanView",
    "ProcessUse",
    "Progress",
    "Refusal",
    "Report",
    "Source",
    "Spec",
    "Validity",
    "__version__",
    "check",
    "describe",
    "load",
    "plan",
    "run",
    "schema",
    "types",
    "validate",
]

# A spawned worker imports this first: an eager root would cost it every module.
if TYPE_CHECKING:
    from ffgen.api import (
        Fault,
        FieldView,
        Finding,
        Frames,
        KindView,
        ParameterView,
        Plan,
        PlanView,
        ProcessUse,
        Progress,
        Refusal,
        Report,
        Source,
        Spec,
        Validity,
        check,
        describe,
        load,
        plan,
        run,
        schema,
        types,
        validate,
    )
else:
    import importlib
    import sys
    from types import ModuleType

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'ffgen' has no attribute {name!r}")
        return getattr(importlib.import_module("ffgen.api"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

    def _verb(name: str) -> property:
        """A verb that has its room's name: importing `ffgen.run.worker` must not turn `ffgen.run` into a module."""
        return property(lambda module: getattr(importlib.import_module("ffgen.api"), name), lambda module, room: None)

    class _Package(ModuleType):
        plan = _verb("plan")
        run = _verb("run")

    sys.modules[__name__].__class__ = _Package
