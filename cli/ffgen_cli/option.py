"""Flags of the commands, made from the table of settings, and help that groups them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ffgen_cli import kind
from ffgen_cli.kind import Kind
from ffgen_cli.settings import LOG, MODEL, OPTIONS, RECORDS, RUN, SERVE, SHOW, Option

F = TypeVar("F", bound=Callable[..., Any])
GROUPS = (RECORDS, MODEL, RUN, SERVE, SHOW, LOG)
OTHER = "More"

CHANGES = ("count", "local", "allow_plugins", "seed", "endpoint", "model", "concurrency", "batch_size")
"""Settings that change a spec: every command that reads one takes them."""
LOOKS = ("errors", "color")
LOGS = ("log_level", "log_format", "log_file")


class KindType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """A kind of setting as click sees it."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.name = kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The parsed value; what is wrong is said in the words of the kind."""
        if not isinstance(value, str):
            return value
        try:
            return self.kind.parse(value)
        except ValueError as error:
            self.fail(f"{value!r} is not {error}.", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """The words of a closed set."""
        return [
            click.shell_completion.CompletionItem(word) for word in self.kind.choices if word.startswith(incomplete)
        ]


class Flag(click.Option):
    """An option that knows the group it is listed under."""

    def __init__(self, *args: Any, group: str = OTHER, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.group = group


class Command(click.Command):
    """A command whose help lists its flags by group, its examples as they are typed."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One section a group, in one order everywhere."""
        listed: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)) is not None:
                listed.setdefault(getattr(param, "group", OTHER), []).append(record)
        for group in (*GROUPS, OTHER):
            if group in listed:
                with formatter.section(group):
                    formatter.write_dl(listed[group], col_max=26)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Click would flow the lines of an example together."""
        if self.epilog:
            formatter.write_paragraph()
            for line in self.epilog.strip("\n").splitlines():
                formatter.write(f"{line}\n")


def settings(*names: str) -> Callable[[F], F]:
    """Adds the flags of these settings. A command gets None for a flag that was not given."""

    def decorate(function: F) -> F:
        for name in reversed(names):
            function = _flag(OPTIONS[name])(function)
        return function

    return decorate


def _flag(option: Option) -> Callable[[F], F]:
    given: dict[str, Any] = {"cls": Flag, "group": option.group, "help": _help(option), "default": None}
    if option.kind is kind.SWITCH:
        given["is_flag"] = True
    else:
        given |= {"type": KindType(option.kind), "metavar": option.kind.name}
    if option.kind in kind.LISTS:
        given |= {"multiple": True, "callback": _joined}
    if option.kind is kind.COUNTS:
        given |= {"multiple": True, "callback": _counted}
    return click.option(*option.flags, option.name, **given)


def _joined(ctx: click.Context, param: click.Parameter, values: tuple[list[str], ...] | None) -> list[str] | None:
    return [one for value in values or () for one in value] or None


def _counted(
    ctx: click.Context, param: click.Parameter, values: tuple[int | dict[str, int], ...]
) -> int | dict[str, int] | None:
    """The last plain number, the last one of each table."""
    tables = {name: count for value in values if isinstance(value, dict) for name, count in value.items()}
    plain = [value for value in values if isinstance(value, int)]
    if not tables:
        return plain[-1] if plain else None
    return ({"": plain[-1]} if plain else {}) | tables


def _help(option: Option) -> str:
    if option.default is None or option.kind in (kind.SWITCH, kind.PATH):
        return option.help
    default = kind.written(option.kind, option.default)
    return f"{option.help} [the spec's, else {default}]" if option.spec else f"{option.help} [{default}]"


def flag(*args: Any, **rest: Any) -> Callable[[F], F]:
    """A flag that is no setting: it belongs to one call only."""
    return click.option(*args, cls=Flag, **rest)


def takes_spec(function: F) -> F:
    """Adds the spec, as an argument or as --spec, and --set."""
    for add in (
        flag(
            "--set",
            "sets",
            multiple=True,
            metavar="PATH=VALUE",
            group=RECORDS,
            help="Change anything in the spec: --set 'dataset.fields[2].range=[18, 65]'. Repeatable.",
        ),
        flag("--spec", "--rules", "spec_option", metavar="SPEC", group=RECORDS, help="The spec, as a flag."),
        click.argument("spec", required=False, metavar="SPEC"),
    ):
        function = add(function)
    return function


def takes_drafter(function: F) -> F:
    """Adds which model drafts a spec, if any, and whether it must."""
    said = "Fail where the model makes no spec; else ffgen then drafts itself, and says so."
    function = flag("--model-only", is_flag=True, group=MODEL, help=said)(function)
    return settings("endpoint", "model", "api", "local_only")(function)
