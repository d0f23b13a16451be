"""Text into a tree that holds nothing but what is listed here. sqlglot reads; everything it knows beyond is refused."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError
from sqlglot.parser import Parser as SqlParser

from ffgen.expr.error import ExpressionError
from ffgen.expr.functions import FUNCTIONS
from ffgen.expr.value import refusal

LONGEST = 1_000  # characters
MOST = 64  # operators and function calls, as they stand in the text
DEEPEST = 24  # parentheses and CASEs; one level costs the parser some 25 frames of Python's 1,000


class Language(Dialect):
    """sqlglot's neutral dialect without its functions: each call stays a name and its arguments."""

    class Parser(SqlParser):
        FUNCTIONS = {}
        FUNCTION_PARSERS = {name: SqlParser.FUNCTION_PARSERS[name] for name in ("CAST", "POSITION")}
        NO_PAREN_FUNCTIONS = {}
        NO_PAREN_FUNCTION_PARSERS = {"CASE": SqlParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}


LANGUAGE = Language()

SYMBOLS = frozenset("+ - * / % = == <> != < <= > >= || ( ) , .".split())
COUNTED = SYMBOLS - {"(", ")", ",", "."} | {"AND", "OR", "NOT", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "CASE", "WHEN"}
QUOTED = frozenset({TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER})
WORD = re.compile(r"[^\W\d]\w*")

_PAIR = frozenset({"this", "expression"})
_ONE = frozenset({"this"})

# Every node that may stand in a tree, with the parts it may have: a part that is not listed would be silently ignored.
NODES: Mapping[type, frozenset[str]] = {
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _PAIR),
    **dict.fromkeys((exp.And, exp.Or, exp.Is, exp.Escape, exp.Dot), _PAIR),
    **dict.fromkeys((exp.Like, exp.ILike), _PAIR | {"negate"}),
    **dict.fromkeys((exp.Not, exp.Neg, exp.Paren, exp.Boolean), _ONE),
    exp.Div: _PAIR | {"typed", "safe"},
    exp.DPipe: _PAIR | {"safe"},
    exp.In: frozenset({"this", "expressions"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.StrPosition: frozenset({"this", "substr"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Column: frozenset({"this", "table", "db", "catalog"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Null: frozenset(),
}

# Known names that are refused for a reason worth saying.
CLOCK = frozenset(
    "NOW CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP TODAY GETDATE SYSDATE LOCALTIME LOCALTIMESTAMP".split()
)
CHANCE = frozenset("RANDOM RAND UUID GEN_RANDOM_UUID NEWID SETSEED".split())
MANY_ROWS = frozenset("SUM AVG MEAN MEDIAN MIN MAX COUNT STDDEV VARIANCE LAG LEAD RANK ROW_NUMBER FIRST LAST".split())


def read(text: str, names: Collection[str]) -> exp.Expression:
    """The checked tree of `text`. Bounded: some milliseconds whatever the text; raises only `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(
            f"The expression has {len(text)} characters; {LONGEST} are allowed.", hint="Split it.", column=LONGEST + 1
        )
    tree = _tree(text, _tokens(text), names)
    for node in tree.walk():
        _check(node, names)
    return tree


def _tokens(text: str) -> list[Token]:
    try:
        tokens = LANGUAGE.tokenize(text)
    except Exception as error:  # a third party's tokenizer on hostile text: whatever it raises, the text is wrong
        raise ExpressionError(
            "The text is cut off or has a character that can't stand here.", hint="Look for a quote that isn't closed."
        ) from error
    if not tokens:
        raise ExpressionError("The expression is empty.", hint="Write a condition such as age >= 18, or leave it out.")
    operators = depth = 0
    for index, token in enumerate(tokens):
        symbol = token.text.upper()
        if token.token_type in QUOTED:
            continue
        if symbol not in SYMBOLS and not WORD.fullmatch(symbol):
            raise _at(
                token, f"`{token.text}` can't be used in an expression.", f"Operators: {' '.join(sorted(SYMBOLS))}."
            )
        calls = symbol == "(" and index > 0 and _is_name(tokens[index - 1])
        operators += symbol in COUNTED or calls
        depth += (symbol in ("(", "CASE")) - (symbol in (")", "END"))
        if operators > MOST:
            raise _at(token, f"More than {MOST} operators and functions.", "Split the condition in two.")
        if depth > DEEPEST:
            raise _at(token, f"More than {DEEPEST} levels of parentheses and CASE.", "Nest less.")
    return tokens


def _is_name(token: Token) -> bool:
    return token.token_type not in QUOTED and bool(WORD.fullmatch(token.text)) and token.text.upper() not in COUNTED


def _at(token: Token, what: str, hint: str) -> ExpressionError:
    return ExpressionError(what, hint=hint, column=token.start + 1)


def _tree(text: str, tokens: list[Token], names: Collection[str]) -> exp.Expression:
    try:
        tree = LANGUAGE.parser().parse_into(exp.Condition, tokens, text)[0]
    except ParseError as error:
        raise _syntax(tokens, error, names) from error
    except RecursionError as error:
        raise ExpressionError("The expression nests too deeply.", hint="Nest less.") from error
    except Exception as error:  # a third party's parser on hostile text: whatever it raises, the text is wrong
        raise ExpressionError("The expression can't be read.", hint="Look for a missing operand or quote.") from error
    if not isinstance(tree, exp.Expression):
        raise ExpressionError("The expression is empty.", hint="Write a condition such as age >= 18, or leave it out.")
    return tree


def _syntax(tokens: list[Token], error: ParseError, names: Collection[str]) -> ExpressionError:
    """sqlglot names the last character of the token where it stopped; its words are about SQL and not shown."""
    found = error.errors[0] if error.errors else {}
    token = next((t for t in tokens if (t.line, t.col) == (found.get("line"), found.get("col"))), tokens[-1])
    missing = str(found.get("description")).startswith(("Required", "Expect"))
    what = f"Something is missing after `{token.text}`." if missing else f"`{token.text}` doesn't fit here."
    keyword = next(
        (t.text for t in tokens if t.token_type not in QUOTED and t.text in names and _reserved(t.text)), None
    )
    if keyword is not None:
        return _at(
            token, what, f'{keyword} is a word of the language: the field is written "{keyword}", in double quotes.'
        )
    hint = "Close every parenthesis and CASE ... END." if missing else "Look for a missing operator before it."
    return _at(token, what, hint)


def _reserved(word: str) -> bool:
    try:
        tree = LANGUAGE.parser().parse_into(exp.Condition, LANGUAGE.tokenize(f"{word} = 1"))[0]
    except ParseError:
        return True
    return not (isinstance(tree, exp.EQ) and isinstance(tree.this, exp.Column))


def _check(node: exp.Expr, names: Collection[str]) -> None:
    allowed = NODES.get(type(node))
    parts = {name for name, part in node.args.items() if part not in (None, False, [])}
    if allowed is None or not parts <= allowed:
        raise refusal(
            _placed(node),
            f"{type(node).__name__} can't be used in an expression.",
            "An expression has =, <, +, AND, IN, LIKE, CASE, CAST and functions of one row.",
        )
    if isinstance(node, exp.Anonymous):
        _check_call(node)
    elif isinstance(node, (exp.Column, exp.Dot)) and not isinstance(node.parent, (exp.Column, exp.Dot)):
        _check_name(node, path(node)[0], names)


def _placed(node: exp.Expr) -> exp.Expr:
    """The node, or the nearest one around it that the parser gave a place in the text."""
    while node.parent is not None and not any("start" in part.meta for part in node.walk()):
        node = node.parent
    return node


def _check_call(node: exp.Anonymous) -> None:
    name = str(node.this).upper()
    function = FUNCTIONS.get(name)
    if not isinstance(node.this, str) or function is None:
        raise refusal(node, f"There is no function {name}.", _instead(name))
    if not function.least <= len(node.expressions) <= function.most:
        raise refusal(node, f"{name} got {len(node.expressions)} arguments.", f"Write {function.usage}.")


def _check_name(node: exp.Expr, name: str, names: Collection[str]) -> None:
    if name in names:
        return
    if name.upper() in CLOCK | CHANCE:
        raise refusal(node, f"There is no field or function {name}.", _instead(name.upper()))
    near = get_close_matches(name, names, 1, 0.6) or [n for n in names if n.lower() == name.lower()]
    hint = f"Did you mean {near[0]}?" if near else f"Fields: {', '.join(sorted(names)[:20]) or 'none'}."
    raise refusal(node, f"There is no field {name}.", hint + " Text stands in single quotes.")


def _instead(name: str) -> str:
    if name in CLOCK:
        return "Nothing reads the clock, so that a row comes out the same every time: write a date, DATE '2025-01-31'."
    if name in CHANCE:
        return "Conditions are not random, so that a row comes out the same every time."
    if name in MANY_ROWS:
        return "An expression sees one row only. LEAST and GREATEST choose between fields of it."
    near = get_close_matches(name, FUNCTIONS, 1, 0.6)
    return f"Did you mean {FUNCTIONS[near[0]].usage}?" if near else f"There are {', '.join(sorted(FUNCTIONS))}."


def path(node: exp.Expr) -> list[str]:
    """The names of a (nested) field, outermost first."""
    if isinstance(node, exp.Dot):
        return [*path(node.this), *path(node.expression)]
    if isinstance(node, exp.Identifier):
        return [str(node.this)]
    if not isinstance(node, exp.Column):
        raise refusal(_placed(node), "Only fields have a dot.", "Write functions around a field: LOWER(name).")
    return [
        name
        for part in (node.args.get(key) for key in ("catalog", "db", "table", "this"))
        if part
        for name in path(part)
    ]


def columns(tree: exp.Expr) -> frozenset[str]:
    """The top-level fields that an expression reads."""
    found = [node for node in tree.find_all(exp.Column, exp.Dot) if not isinstance(node.parent, exp.Dot)]
    return frozenset(path(node)[0] for node in found)


def picks(tree: exp.Expression) -> list[str] | None:
    """See `Expression.picks`."""
    found: list[str] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Paren):
            stack.append(node.this)
        elif isinstance(node, exp.Case):
            stack += [branch.args["true"] for branch in node.args["ifs"]]
            stack += [node.args["default"]] if node.args.get("default") is not None else []
        elif isinstance(node, exp.Literal) and node.is_string:
            found.append(node.this)
        elif not isinstance(node, exp.Column | exp.Dot | exp.Null):
            return None
    return found
