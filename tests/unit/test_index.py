"""Rounds over small workspaces: what is read, embedded, found and told."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import filelock
import pytest

from kibitz.indexer import index
from kibitz.indexer.errors import IndexBusyError, WorkspaceError
from kibitz.indexer.manifest import load
from kibitz.indexer.search import Searcher
from kibitz.indexer.workspace import Rules
from tests.fakes.embedder import HashEmbedder
from tests.fakes.index_bench import FILES, Bench, git, settle, write


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_first_round_indexes_everything(bench: Bench) -> None:
    report = bench.update()
    assert report.files == 4
    assert report.parsed_files == 4
    assert report.embedded_chunks == report.chunks == 3
    assert len(bench.embedder.embedded) == 2 * 3  # the texts, and the names in them
    assert report.rebuilt is None
    assert bench.found("close the session")[0] == "app/session.py"


def test_a_second_round_reads_and_embeds_nothing(bench: Bench) -> None:
    first = bench.update()
    second = bench.update()
    assert bench.pool.paths == []
    assert (second.parsed_files, second.embedded_chunks, second.removed_files) == (0, 0, 0)
    assert (second.files, second.chunks, second.version) == (first.files, first.chunks, first.version)


def test_a_touched_file_is_read_but_not_embedded_again(bench: Bench) -> None:
    bench.update()
    os.utime(bench.root / "app/retry.py")
    assert bench.update().embedded_chunks == 0
    assert bench.pool.paths == []


def test_a_changed_file_alone_is_parsed(bench: Bench) -> None:
    bench.update()
    write(bench.root, {"app/retry.py": "def exponential(attempt):\n    return 3 ** attempt\n"})
    report = bench.update()
    assert bench.pool.paths == ["app/retry.py"]
    assert report.embedded_chunks == 1
    assert bench.found("exponential")[0] == "app/retry.py"


def test_a_file_changed_without_a_new_size_or_time_in_the_rounds_own_instant_is_noticed(bench: Bench) -> None:
    later = time.time_ns() + 3_600_000_000_000
    os.utime(bench.root / "app/retry.py", ns=(later, later))
    bench.update()
    (bench.root / "app/retry.py").write_text(FILES["app/retry.py"].replace("backoff", "growing"), "utf-8")
    os.utime(bench.root / "app/retry.py", ns=(later, later))
    assert bench.update().embedded_chunks == 1


def test_a_rename_embeds_nothing_again(bench: Bench) -> None:
    bench.update()
    (bench.root / "app/retry.py").rename(bench.root / "app/waiting.py")
    report = bench.update()
    assert (report.embedded_chunks, report.parsed_files, report.removed_files) == (0, 1, 1)
    assert bench.pool.paths == ["app/waiting.py"]
    assert bench.found("backoff")[0] == "app/waiting.py"


def test_a_removed_file_is_not_found_any_more(bench: Bench) -> None:
    bench.update()
    (bench.root / "app/retry.py").unlink()
    report = bench.update()
    assert (report.files, report.removed_files, report.embedded_chunks) == (3, 1, 0)
    assert "app/retry.py" not in bench.found("backoff attempt")


def test_going_back_to_an_earlier_state_embeds_nothing(bench: Bench) -> None:
    bench.update()
    write(bench.root, {"app/retry.py": "def exponential(attempt):\n    return 3 ** attempt\n", "new.py": "x = 1\n"})
    bench.update()
    (bench.root / "new.py").unlink()
    write(bench.root, {"app/retry.py": FILES["app/retry.py"]})
    report = bench.update()
    assert (report.embedded_chunks, report.parsed_files) == (0, 0)
    assert bench.found("backoff")[0] == "app/retry.py"


def test_two_files_of_one_content_are_both_found(bench: Bench) -> None:
    write(bench.root, {"copy/retry2.py": FILES["app/retry.py"]})
    assert bench.update().chunks == 4
    assert {"app/retry.py", "copy/retry2.py"} <= set(bench.found("backoff"))


def test_a_second_worktree_and_a_branch_switch_embed_nothing(bench: Bench, tmp_path: Path) -> None:
    git(bench.root, "init")
    git(bench.root, "add", ".")
    git(bench.root, "commit", "-m", "one")
    bench.update()
    other = tmp_path / "other"
    git(bench.root, "worktree", "add", "-b", "side", str(other))
    report = bench.update(other)
    assert (report.files, report.embedded_chunks) == (4, 0)
    write(other, {"more.py": "def brand_new():\n    pass\n"})
    git(other, "add", ".")
    git(other, "commit", "-m", "two")
    assert bench.update(other).embedded_chunks == 1
    assert bench.found("brand new", other)[0] == "more.py"
    assert "more.py" not in bench.found("brand new")
    git(other, "switch", "--detach", "main")
    git(bench.root, "switch", "side")
    report = bench.update()
    assert (report.files, report.embedded_chunks, bench.pool.paths) == (5, 0, [])
    assert bench.found("brand new")[0] == "more.py"


def test_what_was_left_out_for_its_content_is_not_read_again(bench: Bench) -> None:
    (bench.root / "data.py").write_bytes(b"\0\1\2" * 100)
    settle(bench.root)
    assert bench.update().skipped["binary"] == 1
    again = bench.update()
    assert bench.pool.paths == []
    assert again.skipped["binary"] == 1
    write(bench.root, {"data.py": "def readable():\n    pass\n"})
    assert "binary" not in bench.update().skipped
    assert bench.found("readable")[0] == "data.py"


def test_a_stricter_rule_takes_a_file_out(bench: Bench) -> None:
    bench.update()
    report = bench.update(rules=Rules(ignore=("retry.py",)))
    assert (report.files, report.removed_files) == (3, 1)
    assert "app/retry.py" not in bench.found("backoff")


def test_an_unchanged_chunk_of_a_changed_file_keeps_its_vector(bench: Bench) -> None:
    body = "\n".join(f"    value_{number} = compute(value_{number - 1})" for number in range(1, 40))
    parts = [f"def part_{letter}():\n{body}\n" for letter in "abc"]
    write(bench.root, {"long.py": "\n\n".join(parts)})
    bench.update()
    bench.embedder.embedded.clear()
    write(bench.root, {"long.py": "\n\n".join([*parts[:2], parts[2].replace("compute", "derive")])})
    report = bench.update()
    assert 0 < report.embedded_chunks < report.chunks - 3
    bodies = [text for text in bench.embedder.embedded if "value_1" in text]  # the others are names
    assert bodies
    assert all("derive" in text for text in bodies)


def test_an_embedder_without_path_vectors_sees_the_path_in_the_text(bench: Bench) -> None:
    bench.embedder = HashEmbedder(name="headed", paths=False)
    bench.update()
    assert any(text.startswith("app/retry.py\n") for text in bench.embedder.embedded)
    assert bench.found("backoff")[0] == "app/retry.py"


def test_another_embedder_has_a_table_of_its_own(bench: Bench) -> None:
    bench.update()
    bench.embedder = HashEmbedder(16, name="https://x/y")
    assert bench.update().embedded_chunks == 3
    assert bench.found("backoff")[0] == "app/retry.py"


def test_asking_for_a_rebuild_embeds_everything_again(bench: Bench) -> None:
    bench.update()
    report = bench.update(rebuild=True)
    assert (report.embedded_chunks, report.rebuilt) == (3, None)


def test_progress_names_each_phase_in_order(bench: Bench) -> None:
    bench.update()
    phases = list(dict.fromkeys(step.phase for step in bench.progress))
    assert phases == ["survey", "parse", "commit", "hot"]
    assert [step.done for step in bench.progress if step.phase == "parse"] == [1, 2, 3, 4]


def test_a_folder_with_nothing_to_index_is_refused_with_the_rules_that_say_so(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(WorkspaceError, match=r"no files to index in .*none\.$"):
        bench.update(tmp_path / "none")
    (tmp_path / "none" / "a.py").write_bytes(b"\0" * 50)
    with pytest.raises(WorkspaceError, match=r"left out, by the rules binary \(1\)"):
        bench.update(tmp_path / "none")


def test_a_workspace_that_has_lost_its_last_file_is_empty(bench: Bench) -> None:
    bench.update()
    for path in FILES:
        (bench.root / path).unlink()
    report = bench.update()
    assert (report.files, report.chunks) == (0, 0)
    assert bench.found("backoff") == []


def test_a_second_writer_is_told_to_wait(bench: Bench) -> None:
    bench.update()
    with filelock.FileLock(bench.at.lock), pytest.raises(IndexBusyError, match="wait until it has finished"):
        bench.update()


def test_a_plan_says_what_a_round_would_do_and_does_nothing(bench: Bench) -> None:
    (bench.root / "data.py").write_bytes(b"\0" * 50)
    (bench.root / "logo.png").write_bytes(b"\0" * 50)
    settle(bench.root)
    planned = index.plan(bench.root, cache_dir=bench.cache, embedder=bench.embedder)
    assert not bench.cache.exists()
    assert (planned.files, planned.changed_files, planned.skipped) == (5, 5, {"binary": 1})
    assert planned.languages == {"python": 4, "markdown": 1}
    assert planned.bytes == sum(len(text) for text in FILES.values()) + 50
    bench.update()
    (bench.root / "README.md").unlink()
    planned = index.plan(bench.root, cache_dir=bench.cache, embedder=bench.embedder)
    assert (planned.files, planned.changed_files, planned.removed_files, planned.skipped) == (3, 0, 1, {"binary": 2})


def test_the_status_says_how_far_behind_the_index_is(bench: Bench) -> None:
    before = index.status(bench.root, cache_dir=bench.cache, embedder=bench.embedder)
    assert not before.indexed
    report = bench.update()
    fresh = index.status(bench.root, cache_dir=bench.cache, embedder=bench.embedder)
    assert (fresh.indexed, fresh.files, fresh.chunks, fresh.behind) == (True, 4, 3, 0)
    assert fresh.version == report.version
    assert fresh.bytes > 1000
    assert abs(fresh.indexed_at - time.time()) < 60
    write(bench.root, {"more.py": "x = 1\n", "app/retry.py": "y = 2\n"})
    (bench.root / "README.md").unlink()
    assert index.status(bench.root, cache_dir=bench.cache, embedder=bench.embedder).behind == 3


def test_one_content_under_two_endings_is_cut_by_each_grammar(bench: Bench) -> None:
    body = "".join(f"def step_{n}(value):\n    return value + {n}  # one more\n\n\n" for n in range(150))
    write(bench.root, {"steps.py": body, "steps.txt": body})
    bench.update()
    manifest = load(bench.at.manifest(bench.root))
    assert manifest is not None
    assert manifest.files["steps.py"].blob != manifest.files["steps.txt"].blob
    searcher = Searcher.open(bench.root, cache_dir=bench.cache, embedder=bench.embedder)
    of_file = {hit.chunk.path: hit.chunk for hit in searcher.search("step_7", per_file=1)}
    assert "step_7" in of_file["steps.py"].defines
    assert of_file["steps.txt"].defines == ()


def test_a_file_that_gets_another_ending_gets_another_grammar(bench: Bench) -> None:
    write(bench.root, {"later": "def found_later():\n    return 1\n"})
    bench.update()
    (bench.root / "later").rename(bench.root / "later.py")
    bench.update()
    searcher = Searcher.open(bench.root, cache_dir=bench.cache, embedder=bench.embedder)
    assert next(hit.chunk.defines for hit in searcher.search("found_later")) == ("found_later",)


def test_a_cache_inside_the_workspace_is_not_indexed(bench: Bench) -> None:
    bench.cache = bench.root / "cache"
    subprocess.run(["git", "init", "-q", str(bench.root)], check=True)
    first = bench.update()
    again = bench.update()
    assert (first.files, again.files, again.parsed_files) == (4, 4, 0)
    shutil.rmtree(bench.root / ".git")
    assert bench.update().files == 4


def test_the_status_counts_on_while_a_round_removes_files(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.update()
    lasting = index.status(bench.root, cache_dir=bench.cache, embedder=bench.embedder).bytes
    real = os.lstat

    def vanishing(path: str) -> os.stat_result:
        if path.endswith(".seg"):
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(os, "lstat", vanishing)
    assert 0 < index.status(bench.root, cache_dir=bench.cache, embedder=bench.embedder).bytes < lasting
