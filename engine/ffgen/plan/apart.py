"""What makes each key set of a drawn table unique: a field by construction, several together, or the gate."""

from collections.abc import Mapping, Sequence

from ffgen.plan.capacity import drawable_of, shortfall
from ffgen.plan.recipe import Recipe
from ffgen.plan.tables import Layout
from ffgen.sample.base import MOST_ROOM, Sampler
from ffgen.sample.cases import Conditional
from ffgen.sample.dependence import Monotone
from ffgen.sample.reference import Reference
from ffgen.shingles import room_of
from ffgen.spec.model import Field
from ffgen.spec.types import Problem, ValueType


def keep_apart(recipe: Recipe, laid: Layout, recipes: Mapping[str, Recipe]) -> None:
    """Decides, for each unique field and for the records, what keeps rows apart; notes what nothing can."""
    Keeper(recipe, laid, recipes.get(laid.parent)).keep_all()


class Keeper:
    """Decides for one table; `above` is the recipe of the table that its rows are laid out under."""

    def __init__(self, recipe: Recipe, laid: Layout, above: Recipe | None) -> None:
        self.recipe = recipe
        self.dataset = recipe.dataset
        self.laid = laid
        self.above = above

    def keep_all(self) -> None:
        """What makes each key set unique: a field by construction, several together, or the gate."""
        recipe = self.recipe
        for i, each in enumerate(self.dataset.fields):
            if recipe.samplers[each.name].numbered and self._may_be_keyed(each):
                recipe.keyed.add(each.name)
            if each.unique and each.name in recipe.written_on:
                self._keep_written_apart(i, each)
            elif each.near is not None:
                self._keep_near_apart(i, each, each.near)
            elif each.unique:
                self._keep_field_apart(i, each)
        names = list(dict.fromkeys(self.dataset.unique_by or recipe.written))
        recipe.capacity = drawable_of(self.dataset, names, recipe.samplers, self._is_free)
        self._keep_records_apart()

    def _is_free(self, name: str) -> bool:
        return self._may_be_keyed(self.recipe.samplers[name].field)

    def _keep_field_apart(self, i: int, each: Field) -> None:
        recipe = self.recipe
        room = recipe.samplers[each.name].room() if self._may_be_keyed(each) else None
        if room is None:
            recipe.gated.append([each.name])
            recipe.how[each.name] = "the gate: every value's hash is compared"
        elif room < recipe.count:
            what = f"`{each.name}` can be drawn with {room:,} distinct values; {recipe.count:,} rows are asked for."
            self.recipe.note(("fields", i), Problem("unique", what, f"Widen it, or lower count to {room}."))
        else:
            recipe.keyed.add(each.name)
            recipe.how[each.name] = f"by construction: a function of the row number, {words(room)} values"

    def _keep_near_apart(self, i: int, each: Field, threshold: float) -> None:
        """A text that may have no near twin: only the gate can tell."""
        recipe = self.recipe
        sampler = recipe.samplers[each.name]
        room = sampler.room()
        if sampler.numbered:
            what = f"`{each.name}` follows from the row number: a near twin drawn again would be the same."
            self.recipe.note(("fields", i), Problem("unique", what, "Say `unique: true`, or another generator."))
        elif room is not None and room < recipe.count:
            what = f"`{each.name}` can be drawn with {room:,} distinct values; {recipe.count:,} rows are asked for."
            self.recipe.note(("fields", i), Problem("unique", what, f"Widen it, or lower count to {room}."))
        recipe.near.append((each.name, threshold))
        recipe.gated.append([each.name])
        recipe.how[each.name] = "the gate: " + twin_words(threshold, recipe.count, sampler.kind)

    def _keep_written_apart(self, i: int, each: Field) -> None:
        """A unique field that a model writes: one that is there already is asked for again."""
        if each.source != "ask":
            what = f"`{each.name}` hangs on what the model writes, and is not known when rows are kept apart."
            self.recipe.note(("fields", i), Problem("unique", what, "Make the asked field unique."))
            return
        self.recipe.held_back.unique.append(each.name)
        how = "compared with every row before; a text that is there already is asked for again"
        if each.near is not None:
            kind = self.recipe.samplers[each.name].kind
            twins = twin_words(each.near, self.recipe.count, kind)
            how = f"compared with every row before, and asked for again: {twins}"
        self.recipe.how[each.name] = how

    def _keep_records_apart(self) -> None:
        recipe = self.recipe
        names = list(dict.fromkeys(self.dataset.unique_by or recipe.written))
        carrier = next((name for name in names if name in recipe.keyed and self._is_whole(name)), None)
        label = ", ".join(self.dataset.unique_by) if self.dataset.unique_by else "record"
        if carrier is not None:
            recipe.how[label] = f"`{carrier}` tells rows apart by construction"
            return
        if any(set(keys) <= set(names) for keys in recipe.gated if self._is_whole(keys[0])):
            recipe.how[label] = "a unique field tells rows apart"
            return
        if (pair := self._family(names)) is not None:
            recipe.how[label] = f"by construction: `{pair[0]}` tells parents apart, `{pair[1]}` the rows of each"
            return
        if recipe.dataset.rows is not None:
            return
        joint, size = self._joint(names)
        if size >= 2 * recipe.count and (decisive := set(joint) & set(recipe.needed([]))):
            # A refused row can't be drawn again with the same values, and there is room for the gate to find others.
            joint, size = self._joint([name for name in names if name not in decisive])
        if size >= recipe.count and len(joint) == 1:
            recipe.keyed |= set(joint)
            recipe.how[label] = f"by construction: `{joint[0]}` is a function of the row number, {words(size)} values"
            return
        if size >= recipe.count and joint:
            recipe.joint = joint
            recipe.how[label] = f"by construction: {', '.join(joint)} together are one permuted number, {words(size)}"
            return
        if recipe.written_on & set(names):
            recipe.held_back.records = sorted(set(names) - (recipe.written_on - set(recipe.asked)))
            recipe.how[label] = "compared with every row before; the model is asked again for one that is there already"
            return
        if self._is_within(names):
            recipe.apart = sorted(names)
            parent = self.laid.parent
            recipe.how[label] = f"within its shard: rows that repeat one of the same {parent} row are drawn again"
            return
        if not recipe.problems and (wrong := shortfall(recipe.capacity, recipe.count)):
            self.recipe.note((), Problem("count", *wrong))
        recipe.gated.append(sorted(names))
        recipe.gates_records = True
        recipe.how[label] = "the gate: every row's hash is compared"

    def _is_within(self, names: Sequence[str]) -> bool:
        """Whether rows that are alike in these fields are always rows of one parent: the fields hold its key."""
        laid = self.laid
        above = self.above
        if above is None:
            return False
        copied = set()
        for name in names:
            sampler = self.recipe.samplers[name]
            if isinstance(sampler, Reference) and sampler.group == (laid.parent, laid.role) and not sampler.orphans:
                copied |= {sampler.column} if self._is_whole(name) else set()
        keys = [{name} for name in above.keyed] + [{each.name} for each in above.dataset.fields if each.unique]
        keys += [set(above.dataset.unique_by)] if above.dataset.unique_by else []
        nullable = {each.name for each in above.dataset.fields if each.may_be_null}
        return any(key <= copied and not key & nullable for key in keys)

    def _family(self, names: Sequence[str]) -> tuple[str, str] | None:
        """A key of the parent and a field that tells its rows apart, among some fields of a table laid out so."""
        laid = self.laid
        whole = {name: self.recipe.samplers[name] for name in names if self._is_whole(name)}
        above = self.above
        keys = [
            name
            for name, sampler in whole.items()
            if isinstance(sampler, Reference) and sampler.group == (laid.parent, laid.role) and not sampler.orphans
            if above is not None and above.room(sampler.column) is not None
        ]
        ranks = [name for name, sampler in whole.items() if isinstance(sampler, Monotone) and sampler.ranks]
        return (keys[0], ranks[0]) if keys and ranks else None

    def _joint(self, names: Sequence[str]) -> tuple[list[str], int]:
        """Fields whose values can be numbered, and how many ways they go together."""
        if self.recipe.requires:
            return [], 0
        joint: list[str] = []
        size, groups = 1, {self.recipe.group(name) for name in self.recipe.keyed} - {None}
        for name in names:
            sampler, group = self.recipe.samplers[name], self.recipe.group(name)
            room = sampler.room() if self._may_be_keyed(sampler.field) and self._is_whole(name) else None
            if len(names) > 1 and not can_be_numbered(sampler):
                continue
            if name not in self.recipe.keyed and room and size * room <= MOST_ROOM and group not in groups:
                joint.append(name)
                size *= room
                groups |= {group} - {None}
        return joint, size

    def _may_be_keyed(self, each: Field) -> bool:
        """Whether nothing but the sampler itself decides over a field's values."""
        correlated = any(each.name in correlation.fields for correlation in self.dataset.correlations)
        refused = any(each.name in expression.columns for expression in self.recipe.requires)
        checked = any(name == each.name for name, _, _ in self.recipe.checks)
        laid = self.laid
        ref = each.reference
        if ref is not None and laid.parent and (ref.table, ref.role) == (laid.parent, laid.role):
            return False
        if each.near is not None:
            return False
        return not (each.cases or correlated or refused or checked or self.dataset.rows is not None)

    def _is_whole(self, name: str) -> bool:
        return not self.recipe.samplers[name].field.may_be_null


def twin_words(threshold: float, count: int, kind: ValueType) -> str:
    """How near twins are found, and in how much memory."""
    room = room_of(count, kind.widths()[0] - 2, threshold) / (1 << 20)
    return f"texts alike by {threshold:g} or more are refused, which takes {room:,.1f} MiB of --dedup-memory or so"


def can_be_numbered(sampler: Sampler) -> bool:
    """Whether any of its values can be had by number, not only that of a row."""
    inner = sampler.parts[-1].sampler if isinstance(sampler, Conditional) else sampler
    return type(inner).at is not Sampler.at


def words(number: int) -> str:
    """A count as people read it."""
    return f"{number:,}" if number < 10**12 else f"{float(number):.2g}"
