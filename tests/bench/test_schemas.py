from bench import schemas
from bench.compare import judge

from ffgen.sample import SAMPLERS


def test_schemas_are_drawn_by_the_seed_alone_and_differ() -> None:
    first, second = schemas.drawn(1, 2), schemas.drawn(1, 2)
    assert first == second != schemas.drawn(2, 2)
    assert first[0] != first[1]


def test_a_drawn_schema_is_a_good_spec_of_examples() -> None:
    (groups,) = schemas.drawn(5, 1)
    assert len(groups) == schemas.EXAMPLES
    names = [field["name"] for field in schemas.joined(groups)]
    assert len(set(names)) == len(names)
    assert schemas.is_good(schemas.with_key(schemas.joined(groups)))
    examples = [schemas.example(name) for name in SAMPLERS]
    assert all(group in examples for group in groups)


def test_names_that_are_taken_and_specs_that_are_wrong_do_not_fit() -> None:
    group = [{"name": "n", "type": "integer", "range": [1, 5]}]
    assert schemas.fits([], group)
    assert not schemas.fits([group], group)
    assert not schemas.fits([], [{"name": "n", "type": "integer", "range": [5, 1]}])
    assert not schemas.fits([], [])


def test_a_disguise_keeps_the_fields_and_adds_one() -> None:
    fields = [{"name": name, "type": "uuid"} for name in ("ab", "cd", "ef")]
    groups = schemas.disguised(fields, 1)
    assert [len(group) for group in groups] == [1] * 4
    names = [group[0]["name"] for group in groups]
    assert sorted(names) == ["c0_ba", "c1_dc", "c2_fe", "z_score"] and names != sorted(names)


def test_a_schema_may_cost_a_little_more_than_its_fields() -> None:
    own = {"a": 100e-9, "b": 200e-9}
    assert not judge(schemas.figure("s", 450e-9, 50e-9, own), {}).complaint
    assert judge(schemas.figure("s", 460e-9, 50e-9, own), {}).complaint
