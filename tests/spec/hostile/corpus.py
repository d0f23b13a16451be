"""Files that hang, crash or mislead ordinary YAML loaders, by name: made here, since some are megabytes.

Run as a program with a name, parses that file in a process of its own, so that a crash of libyaml's C code is an
exit code (-11) and not the end of the test run. Prints the CPU seconds and the finding.
"""

import sys
import time
from collections.abc import Callable

from ffgen.errors import SpecError
from ffgen.spec.load import parse


def _alias_bomb() -> str:
    lines = ["l0: &l0 [" + ", ".join(["x"] * 10) + "]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 10)]
    return "\n".join(lines)


def _merge_bomb() -> str:
    lines = ["l0: &l0 {x: 1}"]
    lines += [f"l{i}: &l{i} {{<<: [{', '.join([f'*l{i - 1}'] * 10)}]}}" for i in range(1, 10)]
    return "\n".join(lines)


REFUSED: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "alias bomb": (_alias_bomb, "at most 200000 values"),
    "aliases without end": (lambda: "- &a x\n" + "- *a\n" * 2000, "at most 1000 aliases"),
    "merge bomb": (_merge_bomb, "merge keys"),
    "100k open brackets": (lambda: "[" * 100_000, "64 levels"),
    "100k open braces": (lambda: "{a: " * 100_000, "64 levels"),
    "100k dashes": (lambda: "- " * 100_000, "64 levels"),
    "100k question marks": (lambda: "? " * 100_000, "key must be text"),
    "depth 500": (lambda: "[" * 500 + "]" * 500, "64 levels"),
    "depth 500 by indent": (lambda: "".join(" " * i + "a:\n" for i in range(500)), "64 levels"),
    "100k digits": (lambda: "a: " + "1" * 100_000, "at most 31 digits"),
    "100k hex digits": (lambda: "a: 0x" + "f" * 100_000, "at most 31 digits"),
    "100k decimals": (lambda: "a: 0." + "1" * 100_000, "at most 100 characters"),
    "duplicate keys": (lambda: "a: 1\nb: 2\na: 3\n", "`a` stands here twice"),
    "100k duplicate keys": (lambda: "a: 1\n" * 100_000, "`a` stands here twice"),
    "tabs": (lambda: "a:\n\tb: 1\n", "a tab can't indent"),
    "nul": (lambda: b"a: \x00\n", "U+0000"),
    "escape to the terminal": (lambda: b"a: \x1b[2J\n", "U+001B"),
    "another line break": (lambda: "a: x\u2028b: y\n", "U+2028"),
    "lone surrogate": (lambda: "a: \ud800\n", "U+D800"),
    "escaped lone surrogate": (lambda: 'a: "\\ud800"\n', "no character"),
    "escape beyond Unicode": (lambda: 'a: "\\U00110000"\n', "no character"),
    "anchor in itself": (lambda: "a: &a [*a]", "`*a` holds itself"),
    "alias of nothing": (lambda: "a: *b", "isn't defined"),
    "directive YAML 3.0": (lambda: "%YAML 3.0\n---\na: 1\n", "1.1 and 1.2"),
    "directive TAG": (lambda: "%TAG ! tag:yaml.org,2002:python/\n---\na: 1\n", "a `%TAG` line"),
    "60k TAG directives": (lambda: "".join(f"%TAG !{i}! b\n" for i in range(60_000)) + "---\na: 1", "%TAG"),
    "python object": (lambda: "a: !!python/object/apply:os.system [id]", "`!!python/object/apply:os.system`"),
    "binary": (lambda: "a: !!binary aGk=", "`!!binary`"),
    "own tag": (lambda: "a: !secret b", "`!secret`"),
    "timestamp": (lambda: "a: !!timestamp 2024-01-01", "`!!timestamp`"),
    "two documents": (lambda: "a: 1\n---\nb: 2\n", "second document"),
    "200k documents": (lambda: "---\n" * 200_000, "second document"),
    "UTF-16": (lambda: "a: 1\n".encode("utf-16"), "UTF-16"),
    "Latin-1": (lambda: "a: caf\u00e9\n".encode("latin-1"), "0xe9 isn't UTF-8"),
    "empty": (lambda: "", "empty"),
    "only comments": (lambda: "# nothing\n" * 1000, "empty"),
    "5 MB": (lambda: b"a: 1\n" * 1_000_000, "at most 1 MiB"),
    "300k values": (lambda: "[" + "1," * 300_000 + "]", "at most 200000 values"),
    "key that is a list": (lambda: "? [a, b]\n: 1", "key must be text"),
    "unclosed quote": (lambda: 'a: "' + "x" * 900_000, "isn't closed"),
    "unclosed bracket": (lambda: "a: [1, 2", "is missing here"),
    "infinity": (lambda: "a: .inf", "finite"),
    "overflow": (lambda: "a: 1e999", "too large"),
    "postcode": (lambda: "a: 01234", "starts with a zero"),
}


if __name__ == "__main__":
    started = time.process_time()
    try:
        parse(REFUSED[sys.argv[1]][0](), "hostile.yaml")
    except SpecError as error:
        print(f"{time.process_time() - started:.3f} {error}")
