"""Regular expressions that Python's `re` and the Rust engine read alike on ASCII text."""

from hypothesis import strategies as st

ALPHABET = "abA1_ .-"
CLASSES = ["[ab]", "[^a]", "[a-c]", r"[\d_]", "[A-C1-3]", "[^a-z]", "[-a]", r"[a\-]", r"[.b]"]
ESCAPES = [r"\d", r"\w", r"\s", r"\D", r"\W", r"\.", r"\x61", r"\-"]


def patterns(atoms: list[str]) -> st.SearchStrategy[str]:
    """Patterns over these atoms: groups, alternation, repeats, anchors wherever they can stand."""

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        group = st.builds("{}{})".format, st.sampled_from(["(", "(?:"]), inner)
        repeat = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0,2}?", "{0}"])
        return st.one_of(
            st.builds("{}{}".format, inner, inner),
            st.builds("({}|{})".format, inner, inner),
            st.builds("{}{}".format, group, repeat),
        )

    body = st.recursive(st.sampled_from(atoms), deeper, max_leaves=6)
    start, end = st.sampled_from(["", "", "^"]), st.sampled_from(["", "", "$"])
    branch = st.builds("{}{}{}".format, start, body, end)
    several = st.lists(branch, min_size=1, max_size=3).map("|".join)
    return st.one_of(branch, several, st.builds("{}({}){}".format, body, several, body))


RICH = patterns([*ALPHABET.replace(".", ""), ".", *CLASSES, *ESCAPES])
SMALL = patterns(["a", "b", "[ab]", "ab"])
TEXTS = st.lists(st.text(ALPHABET, max_size=7), min_size=1, max_size=8)
