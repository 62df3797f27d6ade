"""How long a question takes: answered by an open index, and by a command that starts for it.

The questions are first sentences of docstrings in the tree's own Python files, or --questions FILE, one a line. Prints
a table in Markdown: Kibitz, semble (with --semble PYTHON), SQLite FTS5 and a literal search (ripgrep, or grep where
it is missing) for each question's longest word. Each engine answers every question --repeat times over.
"""

import argparse
import json
import re
import shutil
import statistics
import tempfile
from pathlib import Path

from tests.bench.costs import KIBITZ, Cost, machine, median, percentile, run
from tests.bench.peers import PEERS, SEMBLE, semble_answers, semble_env
from tests.bench.questions import spread, strip_tree

LITERAL = {"rg": ["rg", "-l", "-F"], "grep": ["grep", "-r", "-I", "-l", "-F"]}


def questions_of(tree: Path, count: int, given: Path | None) -> list[str]:
    if given:
        return given.read_text("utf-8").splitlines()[:count]
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as folder:
        return [each.text for each in spread(strip_tree(tree, Path(folder)), count)]


def row(name: str, times: list[list[float]], cpu_ms: float, memory: float, cold: Cost) -> str:
    """One line of the table; the first question of each repetition apart from the others."""
    first, later = [each[0] for each in times], [ms for each in times for ms in each[1:]]
    return (
        f"| {name} | {cpu_ms:.1f} | {statistics.median(later):.1f} | {percentile(later, 95):.1f} "
        f"| {statistics.median(first):.1f} | {memory:.0f} | {cold.wall * 1000:.0f} | {cold.cpu * 1000:.0f} |"
    )


def cpu_each(warm: list[Cost], cold: list[Cost], questions: int) -> float:
    """CPU milliseconds a question: what a process that answers all takes more than one that answers the first."""
    return (median(warm).cpu - median(cold).cpu) / (questions - 1) * 1000


def kibitz(tree: Path, folder: Path, questions: list[str], repeat: int) -> str:
    env = {"KIBITZ_CACHE_DIR": str(folder)}
    report = json.loads(run([*KIBITZ, "index", tree, "--json"], env=env).output.splitlines()[-1])
    asked = "\n".join(json.dumps({"query": each}) for each in questions)
    batch = [*KIBITZ, "search", "--path", tree, "--queries", "-"]
    warm = [run(batch, env=env, stdin=asked) for _ in range(repeat)]
    cold = [run([*KIBITZ, "search", "--path", tree, "--json", questions[0]], env=env) for _ in range(2 * repeat + 1)]
    times = [[json.loads(line)["ms"] for line in cost.output.splitlines()] for cost in warm]
    cpu = cpu_each(warm, cold, len(questions))
    return row(f"kibitz search, {report['chunks']} chunks", times, cpu, median(warm).mb, median(cold))


def semble(python: str, tree: Path, folder: Path, questions: list[str], repeat: int) -> str:
    env = semble_env(python, folder)
    one = [python, *SEMBLE, "search", questions[0], tree, "-k", "10", "--content", "all"]
    run(one, env=env)  # indexes
    times, cpu, memory = [], [], 0.0
    for _ in range(repeat):
        answers, memory = semble_answers(python, env, tree, questions)
        times.append([each.ms for each in answers])
        cpu += [each.cpu_ms for each in answers[1:]]
    cold = [run(one, env=env) for _ in range(2 * repeat + 1)]
    return row("semble", times, statistics.mean(cpu), memory, median(cold))


def fts5(tree: Path, folder: Path, questions: list[str], repeat: int) -> str:
    folder.mkdir()
    database = folder / "fts5.db"
    run([*PEERS, "index", tree, database])
    warm = [run([*PEERS, "ask", database], stdin="\n".join(questions)) for _ in range(repeat)]
    cold = [run([*PEERS, "ask", database], stdin=questions[0]) for _ in range(2 * repeat + 1)]
    times = [[json.loads(line)["ms"] for line in cost.output.splitlines()] for cost in warm]
    cpu = cpu_each(warm, cold, len(questions))
    return row("SQLite FTS5, BM25 over files", times, cpu, median(warm).mb, median(cold))


def literal(tree: Path, questions: list[str]) -> str:
    """One process a question, for its longest word: unranked, whatever it finds."""
    tool = next(name for name in LITERAL if shutil.which(name))
    words = [max(re.findall(r"\w+", question), key=len) for question in questions]
    # Finding nothing is no failure here.
    costs = [run(["sh", "-c", '"$@" >/dev/null || true', "sh", *LITERAL[tool], word, tree]) for word in words]
    cost = median(costs)
    return row(f"{tool}, one literal word", [[each.wall * 1000 for each in costs]], cost.cpu * 1000, cost.mb, cost)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--questions", type=Path, help="one a line")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--semble", metavar="PYTHON", help="a Python that has semble installed")
    args = parser.parse_args()
    tree, repeat = args.tree.resolve(), args.repeat
    questions = questions_of(tree, args.count, args.questions)
    print(machine())
    print(f"{len(questions)} questions, {repeat} times\n")
    print("| engine | CPU ms | median ms | p95 ms | first ms | peak MB | command, wall ms | command, CPU ms |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        folder = Path(temporary)
        print(kibitz(tree, folder / "kibitz", questions, repeat), flush=True)
        if args.semble:
            print(semble(args.semble, tree, folder / "semble", questions, repeat), flush=True)
        print(fts5(tree, folder / "fts5", questions, repeat), flush=True)
        print(literal(tree, questions[:20]), flush=True)


if __name__ == "__main__":
    main()
