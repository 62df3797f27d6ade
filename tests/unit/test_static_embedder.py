"""The embedder that comes with Kibitz, with its real weights."""

import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.embed import Embedder, Vectors
from kibitz.indexer.embed.static import DIM, WEIGHTS, StaticEmbedder, load_static
from kibitz.indexer.embed.wordpiece import CONTINUES, WordPiece, split_identifier, words
from kibitz.indexer.words import Vocabulary

EMBEDDER = load_static()

CONNECT = '''
def connect(host, port, user, password):
    """Return a new session."""
    conn = driver.connect(host=host, port=port, user=user, password=password)
    conn.autocommit = False
    return Session(conn)
'''
CSS = """
.navbar .menu > li { display: flex; margin: 0 auto; padding: 4px 8px; }
.button:hover { color: #fff; background: linear-gradient(90deg, red, blue); border-radius: 4px; }
"""
RETRY = """
func (c *Client) retry(ctx context.Context, attempts int, call func() error) error {
	for i := 0; i < attempts; i++ {
		if err := call(); err == nil { return nil }
		time.Sleep(backoff(i))
	}
	return errTooManyAttempts
}
"""
PARSE = """
export function parseDate(value: string): Date {
  const [year, month, day] = value.split("-").map(Number)
  return new Date(year, month - 1, day)
}
"""

code_like = st.text(alphabet="abcdefgXYZ_019 .(\n\té#", max_size=80)
pieces_of_words = st.lists(
    st.sampled_from(["a", "b", "ab", "abc", "bc", "c", "ca", "##a", "##b", "##c", "##ab", "##bc", "##cab", "##ca"]),
    unique=True,
)


def naive_tokens(word: str, vocabulary: list[str]) -> tuple[int, ...]:
    """Greedy longest match, spelt out."""
    tokens: list[int] = []
    rest, prefix = word, ""
    while rest:
        fits = [t for t in vocabulary if t.startswith(prefix) and rest.startswith(t.removeprefix(prefix))]
        if not prefix:
            fits = [t for t in fits if not t.startswith(CONTINUES)]
        if not fits:
            return ()
        longest = max(fits, key=len)
        tokens.append(vocabulary.index(longest))
        rest, prefix = rest[len(longest.removeprefix(prefix)) :], CONTINUES
    return tuple(tokens)


def cosine(a: Vectors, b: Vectors) -> float:
    return float(a @ b)


@settings(deadline=None)
@given(pieces_of_words, st.text(alphabet="abc", min_size=1, max_size=12))
def test_words_are_cut_by_greedy_longest_match(vocabulary: list[str], word: str) -> None:
    assert WordPiece(vocabulary).encode_word(word) == naive_tokens(word, vocabulary)


@pytest.mark.parametrize(
    ("identifier", "split"),
    [
        ("HTTPServer", ["http", "server"]),
        ("getUserByID", ["get", "user", "by", "id"]),
        ("snake_case_2nd", ["snake", "case", "2", "nd"]),
        ("utf8", ["utf", "8"]),
        ("__init__", ["init"]),
        ("MAX_SIZE", ["max", "size"]),
        ("Café", ["cafe"]),
        ("имяПоля", ["имяполя"]),
        ("_", []),
    ],
)
def test_identifiers_are_split_into_words(identifier: str, split: list[str]) -> None:
    assert split_identifier(identifier) == split


def test_punctuation_says_nothing() -> None:
    assert words("a.b(c) += {d: 'e'}") == ["a", "b", "c", "d", "e"]
    np.testing.assert_array_equal(EMBEDDER.embed(["open(file)"]), EMBEDDER.embed(["open / file;"]))


def test_encoded_data_has_no_tokens() -> None:
    assert EMBEDDER.embed(["x" * 100_000]).any() == np.False_


@settings(deadline=None)  # the first example reads the weights
@given(st.lists(code_like, max_size=6))
def test_vectors_have_length_one_or_zero(texts: list[str]) -> None:
    lengths = np.linalg.norm(EMBEDDER.embed(texts), axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-4) | (lengths == 0))


@settings(deadline=None)  # the first example reads the weights
@given(st.lists(code_like, min_size=1, max_size=6), st.integers(0, 5))
def test_a_text_has_the_same_vector_in_every_batch(texts: list[str], at: int) -> None:
    at %= len(texts)
    np.testing.assert_array_equal(EMBEDDER.embed(texts)[at], EMBEDDER.embed([texts[at]])[0])


@settings(deadline=None)
@given(st.lists(code_like | st.text(max_size=20), max_size=6), st.lists(code_like | st.text(max_size=20), max_size=6))
def test_a_text_has_the_same_vector_over_a_vocabulary_that_others_share(before: list[str], texts: list[str]) -> None:
    vocabulary = Vocabulary()
    embed_bags = EMBEDDER.over(vocabulary)
    embed_bags(vocabulary.bags(before))
    alone = [EMBEDDER.embed([text])[0] for text in texts]
    np.testing.assert_array_equal(embed_bags(vocabulary.bags(texts)), np.array(alone).reshape(-1, DIM))


def test_a_vocabulary_that_starts_again_changes_no_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = EMBEDDER.embed([CONNECT, CSS])
    monkeypatch.setattr("kibitz.indexer.words.MAX_KNOWN", 3)
    vocabulary = Vocabulary()
    embed_bags = EMBEDDER.over(vocabulary)
    for text, vector in zip([CONNECT, CSS], wanted, strict=True):
        vocabulary.next_batch()
        np.testing.assert_array_equal(embed_bags(vocabulary.bags([text]))[0], vector)
    assert vocabulary.generation == 1


def test_more_texts_than_are_embedded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = EMBEDDER.embed([CONNECT, CSS, RETRY])
    monkeypatch.setattr("kibitz.indexer.embed.static._TEXTS_AT_ONCE", 2)
    np.testing.assert_array_equal(EMBEDDER.embed([CONNECT, CSS, RETRY]), wanted)


def test_a_pickled_embedder_makes_the_same_vectors() -> None:
    other = pickle.loads(pickle.dumps(EMBEDDER))
    np.testing.assert_array_equal(other.embed([CONNECT]), EMBEDDER.embed([CONNECT]))


def test_two_embedders_agree() -> None:
    texts = [CONNECT, CSS, RETRY, PARSE]
    np.testing.assert_array_equal(EMBEDDER.embed(texts), StaticEmbedder(WEIGHTS).embed(texts[::-1])[::-1])


@pytest.mark.parametrize("empty", ["", " \n\t", "{}();", "#####"])
def test_a_text_without_words_is_the_zero_vector(empty: str) -> None:
    assert not EMBEDDER.embed([empty]).any()
    assert not EMBEDDER.embed_query(empty).any()
    assert not EMBEDDER.embed_paths([empty]).any()


def test_no_texts_make_no_rows() -> None:
    assert EMBEDDER.embed([]).shape == (0, DIM)
    assert EMBEDDER.embed_paths([]).shape == (0, DIM)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("open a database connection", CONNECT),
        ("log in to a server with a user name", CONNECT),
        ("try again when a request fails", RETRY),
        ("turn text into a calendar day", PARSE),
        ("style of the page's menu and buttons", CSS),
    ],
)
def test_a_question_is_nearest_to_the_code_that_answers_it(question: str, answer: str) -> None:
    codes = [CONNECT, CSS, RETRY, PARSE]
    scores = EMBEDDER.embed(codes) @ EMBEDDER.embed_query(question)
    assert codes[int(scores.argmax())] == answer


def test_words_that_only_ask_count_little() -> None:
    asked = EMBEDDER.embed_query("how does the database connection pool work")
    assert cosine(asked, EMBEDDER.embed_query("database connection pool")) > 0.9


def test_only_the_end_of_a_path_counts() -> None:
    deep, short = EMBEDDER.embed_paths(["home/me/src/acme/http/client/retry.go", "acme/http/client/retry.go"])
    np.testing.assert_array_equal(deep, short)
    other = EMBEDDER.embed_paths(["acme/storage/disk/block.go"])[0]
    question = EMBEDDER.embed_query("http client")
    assert cosine(deep, question) > cosine(other, question)


def test_a_file_is_nearer_to_its_name_than_to_its_folder() -> None:
    path = EMBEDDER.embed_paths(["session/cookie.py"])[0]
    assert cosine(path, EMBEDDER.embed(["cookie"])[0]) > cosine(path, EMBEDDER.embed(["session"])[0])


def test_threads_share_an_embedder_from_its_first_use_on() -> None:
    embedder = load_static()
    wanted, got = EMBEDDER.embed([CONNECT])[0], []

    def ask() -> None:
        got.append(embedder.embed([CONNECT, RETRY])[0])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    for vector in got:
        np.testing.assert_array_equal(vector, wanted)


def test_the_weights_are_read_at_the_first_use_only() -> None:
    nowhere = StaticEmbedder(Path("nowhere.npz"))
    assert (nowhere.name, nowhere.dim) == ("kibitz-static-3", DIM)
    with pytest.raises(FileNotFoundError):
        nowhere.embed(["text"])


def test_it_is_an_embedder() -> None:
    embedder: Embedder = EMBEDDER
    assert embedder.embed_query("a question").shape == (embedder.dim,)
    assert embedder.embed(["a text"]).dtype == np.float32


def test_remembered_identifiers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kibitz.indexer.embed.wordpiece.MAX_CACHED", 10)
    pieces = WordPiece(["a", "##a", "##b"])
    counts = [pieces.count(f"{'a' * (i + 1)} ab") for i in range(50)]
    assert all(count for count in counts)
    assert len(pieces._cache) <= 10
