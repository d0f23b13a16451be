from hypothesis import given
from hypothesis import strategies as st

from ffgen.pattern.chars import CharSet, atoms

CODES = st.frozensets(st.integers(0, 30))


def charset(codes: frozenset[int]) -> CharSet:
    return CharSet.of((code, code) for code in codes)


def codes(chars: CharSet) -> set[int]:
    return {code for low, high in chars.ranges for code in range(low, high + 1)}


@given(CODES, CODES)
def test_sets_behave_as_sets(one: frozenset[int], two: frozenset[int]) -> None:
    a, b = charset(one), charset(two)
    assert codes(a | b) == one | two
    assert codes(a & b) == one & two
    assert codes(a - b) == one - two
    assert a.size == len(one)


@given(CODES)
def test_nth_and_index_are_inverse(one: frozenset[int]) -> None:
    chars = charset(one)
    assert [ord(chars.nth(index)) for index in range(chars.size)] == sorted(one)
    assert [chars.index(chr(code)) for code in range(31)] == [
        sorted(one).index(code) if code in one else None for code in range(31)
    ]


@given(st.lists(CODES, max_size=4))
def test_atoms_part_the_alphabet(given_codes: list[frozenset[int]]) -> None:
    parts = atoms(charset(one) for one in given_codes)
    assert sum(part.size for part, _ in parts) == len(frozenset().union(*given_codes))
    for index, one in enumerate(given_codes):
        assert {code for part, holders in parts if index in holders for code in codes(part)} == one
