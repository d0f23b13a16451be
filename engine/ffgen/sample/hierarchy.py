"""Categories and what belongs to them, on fields that agree: `hierarchy`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from ffgen.rng import U64, Stream
from ffgen.sample.base import Column, Rows, Sampler, Scope
from ffgen.sample.beside import Beside
from ffgen.sample.build import convert, generator_of
from ffgen.sample.given import HELD, Lists, Path
from ffgen.sample.weighted import PLAIN_TYPES, Pool, Vocabulary, weight
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType
from ffgen.spec.types.base import tidy


class Hierarchy(Sampler):
    """A category, and on other fields the subcategories that belong to it.

    The field at the top has the tree; each field below names the one above it. A leaf's number is its weight (null:
    1), a category weighs as much as all leaves below it. Leaves can also be a list: `{Books: [Fiction, Travel]}`.

    - `tree`: the categories and what is below them, as deep as needed; on the top field only.
    - `of`: the field one level up; on all fields but the top. Where a branch ends early, the fields below are null,
      which they must allow.
    """

    serves: ClassVar[frozenset[str]] = PLAIN_TYPES
    holds: ClassVar[frozenset[str]] = HELD
    example: ClassVar[str] = """\
- name: category
  generator:
    name: hierarchy
    tree:
      Electronics: {Phones: 5, Laptops: 3, Cameras: 1}
      Garden: [Tools, Seeds]
- name: subcategory
  generator: {name: hierarchy, of: category}
"""

    tree: Annotated[
        Annotated[dict[str, Any], Meta(min_length=1)] | None, Meta(description="Categories and what is below them.")
    ] = None
    of: Annotated[str | None, Meta(description="The field one level up.")] = None

    def bind(self, kind: ValueType, scope: Scope) -> None:
        super().bind(kind, scope)
        if (self.tree is None) == (self.of is None):
            raise Problem("generator", "needs one of `tree` and `of`.", "`tree` on the top field, `of` below it.")
        self.above, tree = self.lineage(scope)
        lists = dict(nodes(tree, len(self.above)))
        vocabulary = Vocabulary(kind, "generator.of" if self.above else "generator.tree")
        if self.above:
            self.lists = Lists(vocabulary, self.checked(lists), None)
        else:
            codes, weights = vocabulary.group(lists[()])
            self.pool = Pool(vocabulary.values().gather(codes), weights)

    def checked(self, lists: dict[Path, dict[Any, float]]) -> dict[Path, dict[Any, float]]:
        """The lists of this level that hold something; where one is empty, the field must be nullable."""
        bare = next((path for path, listed in lists.items() if not listed), None)
        if bare is not None and not self.field.nullable:
            what = f"{' > '.join(bare)} has nothing below it in the tree."
            raise Problem("generator.of", what, "Add it there, or make this field nullable.")
        full = {path: listed for path, listed in lists.items() if listed}
        if not full:
            raise Problem("generator.of", f"the tree has nothing below `{self.of}`.", "Nest it deeper.")
        return full

    def lineage(self, scope: Scope) -> tuple[list[str], dict[str, Any]]:
        """The fields above, from the top, and the tree that the top one has."""
        above: list[str] = []
        step: Sampler = self
        while isinstance(step, Hierarchy) and step.of is not None:
            field = Beside(step.of, scope, "generator.of").field
            if field is None or step.of in above:
                raise Problem("generator.of", f"`{step.of}` leads to no tree.", "Name the field one level up.")
            above.append(step.of)
            step = convert(*generator_of(field, scope))
        if not isinstance(step, Hierarchy) or step.tree is None:
            what = f"`{above[-1]}` has no tree."
            raise Problem("generator.of", what, "E.g. generator: {name: hierarchy, tree: {Garden: [Tools, Seeds]}}.")
        return above[::-1], step.tree

    @property
    def reads(self) -> Sequence[str]:
        return self.above

    def outcomes(self, field: Field) -> Sequence[Any] | None:
        """Every value of the top field, as the spec writes it."""
        return None if self.tree is None else list(dict(nodes(self.tree, 0))[()])

    def draw(self, rng: Stream, n: int, rows: Rows) -> Column:
        if self.above:
            return self.lists.draw(rng, [rows[name] for name in self.above])
        return self.pool.draw(rng, n)

    def room(self) -> int | None:
        return len(self.pool) if not self.above and self.pool.even else None

    def at(self, index: U64) -> Column:
        return self.pool.at(index)


def nodes(tree: Any, depth: int, path: Path = ()) -> Iterator[tuple[Path, dict[Any, float]]]:
    """The nodes at a depth, each with its children and their weights: none where a branch ends here or above."""
    children = tree if isinstance(tree, dict) else dict.fromkeys(tree) if isinstance(tree, list) else {}
    weights = {name: weight_of(child, name) for name, child in children.items()}
    weights = {name: weight for name, weight in weights.items() if weight > 0}
    if depth == 0 or not weights:
        yield path, weights
        return
    for name in weights:
        yield from nodes(children[name], depth - 1, (*path, tidy(str(name))))


def weight_of(node: Any, name: Any) -> float:
    """A leaf's weight, or what all leaves below a node weigh together."""
    if isinstance(node, dict):
        return sum(weight_of(child, inner) for inner, child in node.items())
    return float(len(node)) if isinstance(node, list) else weight(node, name, "generator.tree")
