"""Small random expressions, and texts in which they find something."""

from hypothesis import strategies as st

LETTERS = "abAB_k\u212aé\u00c9s1 -"

texts = st.text(alphabet=LETTERS + "\u017f\n", max_size=40)
_atoms = st.one_of(
    st.sampled_from(LETTERS.replace("-", "")),
    st.sampled_from(LETTERS.replace("-", "")),
    st.sampled_from(
        [".", r"\w", r"\W", r"\d", r"\s", r"\S", r"\b", r"\B", "^", "$", "[ab]", "[^ab]", "[a-bk]", r"[^\W_]", r"[\Wa]"]
    ),
)
_times = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{2,}", "*?"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, _times).map(lambda both: f"(?:{both[0]}){both[1]}"),
        inner.map(lambda one: f"({one})"),
    )


patterns = st.recursive(_atoms, _grown, max_leaves=8)
