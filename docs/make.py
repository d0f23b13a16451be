"""Writes the generated parts of the manual: `python -m docs.make`. `tests/test_docs.py` fails while they are stale.

Spec keys, types, generators, functions, commands, flags and variables are told once, where they are defined. A page
marks a generated part with `<!-- begin NAME -->` and `<!-- end NAME -->`; `.env.example` is generated whole.
"""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

import ffgen.expr
from ffgen.expr.functions import FUNCTIONS
from ffgen.plan.kinds import FAMILIES, TYPE, KindView, described, kinds
from ffgen.sample.catalogue import JAVASCRIPT, PYTHON
from ffgen.spec import model
from ffgen.spec.types import TYPES
from ffgen_cli import kind
from ffgen_cli.command.help import EXIT_CODES
from ffgen_cli.main import COMMANDS, cli
from ffgen_cli.option import GROUPS, OTHER
from ffgen_cli.settings import OPTIONS, Option

ROOT = Path(__file__).parents[1]
PAGES = ("spec.md", "generators.md", "expressions.md", "cli.md", "running.md")


def main() -> None:
    """Writes what changed."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


def generated() -> dict[Path, str]:
    """Every file with generated parts, as it should be."""
    pages = {ROOT / "docs" / name: filled((ROOT / "docs" / name).read_text(encoding="utf-8")) for name in PAGES}
    return {**pages, ROOT / ".env.example": env_example()}


def filled(page: str) -> str:
    """A page with its generated parts written anew; KeyError for a part that nobody writes."""

    def part(found: re.Match[str]) -> str:
        return f"<!-- begin {found[1]} -->\n{PARTS[found[1]]()}\n<!-- end {found[1]} -->"

    return re.sub(r"<!-- begin (\S+) -->\n.*?<!-- end \1 -->", part, page, flags=re.DOTALL)


def table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(escaped(cell) for cell in line)} |" for line in lines)


def escaped(text: str) -> str:
    """One cell: on one line, its bars written out."""
    return " ".join(text.split()).replace("|", "\\|")


def keys_of(struct: type[msgspec.Struct]) -> Callable[[], str]:
    """The keys of one mapping of a spec."""

    def rows() -> Iterator[tuple[str, ...]]:
        for field in msgspec.structs.fields(struct):
            written, told = described(field.type, linked)
            known = f"{struct.__name__}.{field.name}"
            default = "" if known in COUNTED else default_of(field)
            yield f"`{field.encode_name}`", written, default, told or KEYS_TOLD[known]

    return lambda: table(("key", "value", "unless said", "meaning"), rows())


KEYS_TOLD = {
    "Spec.version": "The version of this language.",
    "Spec.model": "The language model, and how it is asked.",
    "Spec.dataset": "The records wanted.",
    "Spec.seed": "Another seed, other records.",
    "Spec.output": "Where records go, unless the command line says otherwise.",
    "Model.temperature": "How daring the model is; higher is more varied, and more often wrong.",
    "Model.top_p": "Nucleus sampling; the server's own unless said.",
    "Model.price": "Money per million tokens; plan and report then show money.",
    "Price.input": "A million tokens of prompts.",
    "Price.output": "A million tokens of replies.",
    "Key.env": "The name of an environment variable that holds the key.",
    "Key.file": "A file that holds the key.",
    "Dataset.name": "What the records are called.",
    "Dataset.fields": "The fields of a record, in the order of the output.",
    "Field.name": "What the field is called; no dots.",
    "Field.nullable": "Null is allowed.",
    "Ref.min": "The fewest children that a parent has.",
    "Ref.max": "The most.",
    "Ref.mean": "How many on average.",
    "Correlation.fields": "Numbers, dates or times of the table.",
    "Correlation.r": "How closely any two of them go together: 1 fully, 0 not at all, -1 the other way round.",
    "Correlation.matrix": "One for each pair: a row and a column for each field.",
    "Output.path": "A file, a folder ending in `/`, or `-` (standard output): [more](running.md#where-records-go).",
    "Output.format": "Taken from the path unless said.",
    "Output.compression": "Taken from `.gz` or `.zst` in the path unless said; Parquet compresses inside, with zstd.",
}
"""What the structs leave to their names."""
KEYS_TOLD |= {
    f"Case.{name}": f"Instead of the field's own `{name}`."
    for name in ("generator", "range", "values", "weights", "pattern", "length", "derive")
}
COUNTED = ("Dataset.count",)
"""Keys whose default depends on others."""


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """The default as YAML; empty for none."""
    if field.required:
        return "required"
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    shown = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
    if isinstance(value, float) and value.is_integer():
        shown = int(value)
    return "" if shown in (None, [], {}, "") else f"`{shown}`"


def linked(struct: type) -> str:
    """A mapping that has a heading of its own."""
    return f"[{struct.__name__.lower()}](#{struct.__name__.lower()})"


def types() -> str:
    """The types of values."""

    def rows() -> Iterator[tuple[str, ...]]:
        for name, type_ in sorted(TYPES.items()):
            keys = ", ".join(f"`{key}`" for key in sorted(type_.keys))
            yield f"`{name}`", (type_.__doc__ or "").strip().split(" `build` is")[0], keys

    return table(("type", "what a value is", "its own keys"), rows())


def generators() -> str:
    """The generators that are built in, by family: each one's page, its parameters, an example."""
    views = [view for view in kinds() if view.family in FAMILIES]
    parts: list[str] = []
    for family in FAMILIES:
        parts.append(f"## {family[0].upper()}{family[1:]}")
        parts += [generator_page(view) for view in views if view.family == family]
    return "\n\n".join(parts)


def generator_page(view: KindView) -> str:
    """One generator."""
    parts = [f"### {view.name}", view.page, f"Draws {', '.join(f'`{name}`' for name in view.types)}."]

    def rows() -> Iterator[tuple[str, ...]]:
        for one in view.parameters:
            default = f"`{one.default}`" if one.default else ""
            yield f"`{one.name}`", one.value, "required" if one.required else default, one.meaning

    if view.parameters:
        parts.append(table(("parameter", "value", "unless said", "meaning"), rows()))
    if view.example:
        parts.append(f"```yaml\n{view.example}\n```")
    return "\n\n".join(parts)


def faker() -> str:
    """The methods of Faker that may be named, in both styles."""
    of_python = ", ".join(f"`{name}`" for name in sorted(PYTHON))
    of_javascript = ", ".join(f"`{name}`" for name in sorted(JAVASCRIPT))
    return f"Of Faker.js: {of_javascript}.\n\nOf Python Faker: {of_python}."


def drawn_types() -> str:
    """The types of values, and what draws them."""

    def rows() -> Iterator[tuple[str, ...]]:
        for view in kinds():
            if view.family == TYPE:
                by = f"[{view.drawn_by}](#{view.drawn_by.replace('.', '')})" if view.drawn_by else ""
                yield f"`{view.name}`", view.summary, by

    return table(("type", "what a value is", "drawn by, unless said"), rows())


def expressions() -> str:
    """The language of expressions, as its package tells it."""
    _, _, rest = (ffgen.expr.__doc__ or "").partition("\n\n")
    example, _, told = rest.partition("\n\n")
    return f"```sql\n{textwrap.dedent(example)}\n```\n\n{told.strip().replace('`functions.py`', 'the table below')}"


def functions() -> str:
    """The functions of expressions."""
    by_usage: dict[str, list[str]] = {}
    for name, function in FUNCTIONS.items():
        by_usage.setdefault(function.usage, []).append(name)

    def rows() -> Iterator[tuple[str, ...]]:
        for usage, names in by_usage.items():
            also = ", ".join(f"`{name}`" for name in names if not usage.startswith(f"{name}("))
            yield f"`{usage}`", also

    return table(("function", "also written"), rows())


def commands() -> str:
    """Every command with its flags."""
    root = click.Context(cli, info_name="ffgen")
    return "\n\n".join(command_page(root, name) for name in COMMANDS)


def command_page(root: click.Context, name: str) -> str:
    """One command: what it does, its flags by group, its examples."""
    command = cli.get_command(root, name)
    assert command is not None
    usage = " ".join(["ffgen", name, *command.collect_usage_pieces(click.Context(command, root, info_name=name))])
    parts = [f"### {name}", f"```text\n{usage}\n```"]
    first = next(other for other, (target, _) in COMMANDS.items() if target == COMMANDS[name][0])
    if first != name:
        return "\n\n".join([*parts, f"The same as [{first}](#{first})."])
    parts += [inspect.cleandoc(command.help or ""), flags(command)]
    if command.epilog:
        parts.append(f"```text\n{command.epilog.strip()}\n```")
    return "\n\n".join(parts)


def flags(command: click.Command) -> str:
    """The flags of one command, in the order of its help."""
    options = [param for param in command.params if isinstance(param, click.Option)]
    order = {group: place for place, group in enumerate((*GROUPS, OTHER))}

    def rows() -> Iterator[tuple[str, ...]]:
        for option in sorted(options, key=lambda one: order[getattr(one, "group", OTHER)]):
            names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
            value = "" if option.is_flag or option.count else option.metavar or option.type.name
            yield names, f"`{value}`" if value else "", option.help or ""
        yield "`-h`, `--help`", "", "Show help, and end."

    return table(("flag", "value", "meaning"), rows())


def settings() -> str:
    """Every setting with its variable."""

    def rows() -> Iterator[tuple[str, ...]]:
        for option in OPTIONS.values():
            yield f"`{option.name}`", f"`{option.env}`", f"`{option.spec}`" if option.spec else "", default_told(option)

    return table(("setting (ffgen.toml)", "variable", "key of a spec", "unless said"), rows())


def default_told(option: Option) -> str:
    """The default of a setting; the user's own folders by what they are."""
    if option.name == "cache_dir":
        return "`ffgen` in the user's cache folder"
    if option.default is None or option.kind is kind.SWITCH:
        return ""
    return f"`{kind.written(option.kind, option.default)}`"


def exit_codes() -> str:
    """The exit codes, as the command line tells them."""

    def rows() -> Iterator[tuple[str, ...]]:
        yield from re.findall(r"^ +(\d+) {2,}(.+)$", EXIT_CODES, flags=re.MULTILINE)

    return table(("code", "meaning"), rows())


def env_example() -> str:
    """A `.env` with every variable, all of them off."""
    lines = [
        "# Copy to .env and take the # off what you set. The environment goes before this file, flags before both.",
        "# Keys of other hosts may stand here too, if their names end with _API_KEY: a spec says `key: {env: NAME}`.",
    ]
    for group in GROUPS:
        lines += ["", f"# {group}"]
        for option in OPTIONS.values():
            if option.group == group:
                told = "" if option.name == "cache_dir" else default_told(option).strip("`")
                lines += [*textwrap.wrap(option.help, 110, initial_indent="# ", subsequent_indent="# ")]
                lines.append(f"#{option.env}={told}")
    return "\n".join(lines) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "spec": keys_of(model.Spec),
    "model": keys_of(model.Model),
    "key": keys_of(model.Key),
    "price": keys_of(model.Price),
    "dataset": keys_of(model.Dataset),
    "field": keys_of(model.Field),
    "case": keys_of(model.Case),
    "ref": keys_of(model.Ref),
    "pool": keys_of(model.Pool),
    "near": keys_of(model.Near),
    "correlation": keys_of(model.Correlation),
    "imperfections": keys_of(model.Imperfections),
    "output": keys_of(model.Output),
    "types": types,
    "drawn-types": drawn_types,
    "generators": generators,
    "faker": faker,
    "expressions": expressions,
    "functions": functions,
    "commands": commands,
    "settings": settings,
    "exit-codes": exit_codes,
}

if __name__ == "__main__":
    main()
