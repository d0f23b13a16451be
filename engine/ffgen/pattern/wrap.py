"""A pattern as model servers take it in a JSON schema.

llama.cpp's own converter (common/json-schema-to-grammar.cpp, `_visit_pattern`) wants `^...$`, knows no shorthand, works
on bytes, applies a count to all the letters before it where an escape stands among them, and puts the result between
the quotes of JSON text as it is, where a dot lets a quote through that ends the string early. So all is said anew in
what every converter (llama.cpp, llguidance, Ollama, xgrammar) reads alike: letters, classes, groups, counts.
"""

from ffgen.pattern.chars import ASCII, EVERY, CharSet
from ffgen.pattern.parse import ANY, END, START, Anchor, Chain, Chars, Either, Node, Repeat, parse

MAX_RANGES = 32
MAX_REPEATS = 2000
"""llama.cpp refuses a grammar with more."""

_ESCAPED = CharSet(((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C)))
"""What JSON text can't hold as it is: control characters, the quote and the backslash."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-@:/,;=#%&!~'<>")
_EMPTY = Chain(())
_NOTHING = Either(())
_ANY = Chars(EVERY - _ESCAPED, ANY.drawn - _ESCAPED)
_REST = Repeat(_ANY, 0, None)


def wrapped(pattern: str) -> str:
    """The pattern anchored at both ends (`@x[.]com$` becomes `^[^...]*@x[.]com$`), or "" where a server is better told
    nothing: a pattern found in every text, or only in text that JSON must escape, or too large, or not to be said so.

    It steers a model and decides nothing: it takes every text that the pattern is found in and that JSON writes as it
    is, save digits beyond ASCII for `\\d`; and it may take more beyond ASCII.
    """
    node = parse(pattern)
    if node is None:
        return ""
    node = _simple(_closed(_opened(node)))
    if node in (_NOTHING, _REST, _EMPTY) or _anchored(node) or _size(node) > MAX_REPEATS:
        return ""
    return f"^{_said(Chain((node,)))}$"


def _opened(node: Node) -> Node:
    """The same with its start said: any text before a branch that is not anchored, no anchor where one was."""
    if node == START:
        return _EMPTY
    if isinstance(node, Either):
        return Either(tuple(map(_opened, node.branches)))
    if isinstance(node, Chain) and node.parts and _anchored(node.parts[0], START):
        return Chain((_opened(node.parts[0]), *node.parts[1:]))
    return Chain((_REST, node))


def _closed(node: Node) -> Node:
    """The mirror image of `_opened`, at the end."""
    if node == END:
        return _EMPTY
    if isinstance(node, Either):
        return Either(tuple(map(_closed, node.branches)))
    if isinstance(node, Chain) and node.parts and _anchored(node.parts[-1], END):
        return Chain((*node.parts[:-1], _closed(node.parts[-1])))
    return Chain((node, _REST))


def _anchored(node: Node, *anchors: Anchor) -> bool:
    """Whether one of these anchors, or any at all, stands somewhere in it."""
    match node:
        case Anchor():
            return not anchors or node in anchors
        case Chain(nodes) | Either(nodes):
            return any(_anchored(each, *anchors) for each in nodes)
        case Repeat(item):
            return _anchored(item, *anchors)
    return False


def _simple(node: Node) -> Node:
    """The same without what JSON can't hold as it is, nested chains, branches that nothing takes, and empty parts."""
    match node:
        case Chars(full, drawn):
            return Chars(full - _ESCAPED, drawn - _ESCAPED) if full - _ESCAPED else _NOTHING
        case Chain(parts):
            simple = [_simple(part) for part in parts]
            flat = [each for part in simple for each in (part.parts if isinstance(part, Chain) else (part,))]
            once = [part for at, part in enumerate(flat) if part != _REST or at == 0 or flat[at - 1] != _REST]
            return _NOTHING if _NOTHING in once else once[0] if len(once) == 1 else Chain(tuple(once))
        case Either(branches):
            return _chosen([_simple(branch) for branch in branches])
        case Repeat(item, low, high):
            item = _simple(item)
            if item == _EMPTY or high == 0 or (item == _NOTHING and low == 0):
                return _EMPTY
            return _NOTHING if item == _NOTHING else item if low == high == 1 else Repeat(item, low, high)
    return node


def _chosen(branches: list[Node]) -> Node:
    taken = [branch for branch in dict.fromkeys(branches) if branch not in (_NOTHING, _EMPTY)]
    node = taken[0] if len(taken) == 1 else Either(tuple(taken))
    if _EMPTY not in branches:
        return node
    return Repeat(node, 0, 1) if taken else _EMPTY


def _size(node: Node) -> int:
    match node:
        case Chain(nodes) | Either(nodes):
            return sum(map(_size, nodes))
        case Repeat(item, low, high):
            return _size(item) * max(low, high or 0, 1)
    return 1


def _said(node: Node) -> str:
    match node:
        case Chars():
            return _class(node)
        case Chain(parts):
            return "".join(f"({_said(part)})" if isinstance(part, Either) else _said(part) for part in parts)
        case Either(branches):
            return "|".join(map(_said, branches))
        case Repeat(item, low, high):
            said = _said(item)
            # One letter is put in brackets: llama.cpp can't tell it from the letters before it.
            unit = (said if said.startswith("[") else f"[{said}]") if isinstance(item, Chars) else f"({said})"
            return unit + _count(low, high)
    return ""


def _count(low: int, high: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high))
    return short or "{" + (f"{low}" if low == high else f"{low},{'' if high is None else high}") + "}"


def _class(node: Chars) -> str:
    if node.full.size == 1 and node.full.nth(0) in _PLAIN:
        return node.full.nth(0)
    if node.full.size > 10_000:  # the dot, a negation, \w: what it leaves out is shorter, and all beyond ASCII may pass
        others = EVERY - node.full
        return f"[^{_ranges(others if len(others.ranges) <= MAX_RANGES else others & ASCII)}]"
    return f"[{_ranges(node.full if len(node.full.ranges) <= MAX_RANGES else node.drawn)}]"


def _ranges(chars: CharSet) -> str:
    return "".join(
        _char(low) if low == high else f"{_char(low)}{'-' if high > low + 1 else ''}{_char(high)}"
        for low, high in chars.ranges
    )


def _char(code: int) -> str:
    """A character inside a class, spelled so that nothing takes it for a sign."""
    if code < 0x80:
        return chr(code) if chr(code).isalnum() else f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else chr(code)
