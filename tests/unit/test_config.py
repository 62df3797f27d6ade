"""Settings: layers, sources, and a workspace that can only narrow."""

from pathlib import Path

import pytest

from kibitz.server.config import Config, load
from kibitz.server.errors import ConfigError


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "kibitz.toml"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_file_the_defaults_hold(tmp_path: Path, user_file: Path) -> None:
    assert load(tmp_path, {}, user_file=user_file) == Config()


def test_a_later_layer_wins_and_the_source_is_known(tmp_path: Path, user_file: Path) -> None:
    write(user_file, 'chat_model = "from-file"\ncompletion_model = "small"\n')
    config = load(
        tmp_path,
        {"KIBITZ_CHAT_MODEL": "from-env", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"},
        options={"chat_model": "from-editor"},
        flags={"chat_model": "from-flag", "base_url": None},
        user_file=user_file,
    )
    assert (config.chat_model, config.completion_model) == ("from-flag", "small")
    assert config.base_url == "http://127.0.0.1:1/v1"
    assert config.sources["chat_model"] == "flag"
    assert config.sources["base_url"] == "environment"
    assert config.sources["completion_model"] == str(user_file)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('chat_modle = "x"', "unknown setting: chat_modle"),
        ('api_key = "sk-x"', "keys come from the environment"),
        ('local_threads = "two"', "must be a number"),
        ("local_threads = 0", "must be above 0"),
        ("detect = 1", "must be true or false"),
        ("embedding_price = true", "must be a number"),
        ("embedding_price = -1", "must be 0 or above"),
        ("embedding_price = inf", "must be 0 or above"),
        ("ignore = [1]", "must be a list of strings"),
        ("ignore = ", "is not valid TOML"),
    ],
)
def test_a_wrong_user_file_is_a_sentence(tmp_path: Path, user_file: Path, text: str, sentence: str) -> None:
    write(user_file, text)
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, {}, user_file=user_file)


def test_a_workspace_file_narrows(tmp_path: Path, user_file: Path) -> None:
    write(user_file, 'ignore = ["*.sql"]\nmax_file_bytes = 1000')
    write(tmp_path / ".kibitz.toml", 'ignore = ["vendor/"]\nmax_file_bytes = 5000\nask_budget_tokens = 10')
    config = load(tmp_path, {}, user_file=user_file)
    assert config.ignore == ("*.sql", "vendor/")
    assert config.max_file_bytes == 1000
    assert config.ask_budget_tokens == 10


@pytest.mark.parametrize(
    "name",
    [
        "base_url",
        "chat_model",
        "tokenizer",
        "embedding_model",
        "local_model",
        "cache_dir",
        "api_key",
        "rerank",
        "rerank_url",
    ],
)
def test_a_workspace_file_cannot_widen(tmp_path: Path, user_file: Path, name: str) -> None:
    write(tmp_path / ".kibitz.toml", f'{name} = "x"')
    with pytest.raises(ConfigError, match=f"may only narrow, so it cannot set {name}"):
        load(tmp_path, {}, user_file=user_file)


def test_an_unknown_variable_of_ours_is_an_error(tmp_path: Path, user_file: Path) -> None:
    with pytest.raises(ConfigError, match="KIBITZ_CHAT_MODLE"):
        load(tmp_path, {"KIBITZ_CHAT_MODLE": "x"}, user_file=user_file)


def test_the_key_does_not_show_itself(tmp_path: Path, user_file: Path) -> None:
    config = load(tmp_path, {"OPENAI_API_KEY": "sk-secret"}, user_file=user_file)
    assert config.api_key == "sk-secret"
    assert "sk-secret" not in repr(config)


@pytest.mark.parametrize("name", ["answer_tokens", "edit_tokens", "completion_tokens"])
def test_an_answer_takes_half_of_a_small_budget_at_most(tmp_path: Path, user_file: Path, name: str) -> None:
    budgets = dict.fromkeys(("ask_budget_tokens", "edit_budget_tokens", "completion_budget_tokens"), 100)
    config = load(tmp_path, {}, flags=budgets, user_file=user_file)
    assert getattr(config, name) == 50


def test_a_workspace_file_that_is_a_link_to_a_device_is_not_read(tmp_path: Path, user_file: Path) -> None:
    (tmp_path / ".kibitz.toml").symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="is not a regular file"):
        load(tmp_path, {}, user_file=user_file)


def test_a_workspace_file_is_never_read_whole_when_it_is_huge(tmp_path: Path, user_file: Path) -> None:
    write(tmp_path / ".kibitz.toml", "#" * 300_000)
    with pytest.raises(ConfigError, match="larger than any settings file"):
        load(tmp_path, {}, user_file=user_file)


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("KIBITZ_WORKERS", "\u00b2", "KIBITZ_WORKERS must be a number"),
        ("KIBITZ_CACHE_DIR", "~no-such-user/cache", "the home of a user that this machine does not have"),
    ],
)
def test_a_wrong_variable_is_a_sentence(
    tmp_path: Path, user_file: Path, variable: str, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(tmp_path, {variable: text}, user_file=user_file)


def test_a_folder_that_is_set_to_nothing_is_not_set(tmp_path: Path, user_file: Path) -> None:
    environ = {"KIBITZ_CACHE_DIR": "", "KIBITZ_WORKERS": "", "KIBITZ_DETECT": ""}
    assert load(tmp_path, environ, user_file=user_file) == Config()


def test_a_key_of_the_wrong_type_is_not_repeated(tmp_path: Path, user_file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {}, options={"api_key": 123456789}, user_file=user_file)
    assert "123456789" not in str(caught.value)
