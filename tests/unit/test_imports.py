"""Which file an import means."""

import pytest

from kibitz.indexer.imports import imported, names_of, without_ending

MET = [
    ("kibitz.indexer.segment", "indexer/segment.py"),
    ("segment", "indexer/segment.py"),
    (".segment", "indexer/segment.py"),
    ("kibitz.indexer", "src/kibitz/indexer/__init__.py"),
    ("./util", "src/util.ts"),
    ("./util.js", "src/util.ts"),
    ("../shapes/area", "src/shapes/area.js"),
    ("@scope/shapes/area", "packages/shapes/area.ts"),
    ("./shapes/index", "src/shapes/index.ts"),
    ("./shapes", "src/shapes/index.ts"),
    ("net/if.h", "src/net/if.c"),
    ("if.h", "src/net/if.h"),
    ("crate::hir::type_ref::TypeRef", "crates/hir/src/hir/type_ref.rs"),
    ("crate::lexer", "src/lexer/mod.rs"),
    ("crate::lexer::Token", "src/lexer.rs"),
    ("github.com/grafana/loki/pkg/util", "pkg/util/time.go"),
    ("org.apache.kafka.common.Metric", "clients/org/apache/kafka/common/Metric.java"),
    ("org.apache.kafka.common.Metric.of", "clients/org/apache/kafka/common/Metric.java"),
    (r"App\Models\User", "app/Models/User.php"),
]


@pytest.mark.parametrize(("name", "path"), MET)
def test_an_import_meets_its_file(name: str, path: str) -> None:
    assert set(imported(name)) & set(names_of(path))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("java.util.Map", "calcite/adapter/java/Map.java"),
        ("fmt", "internal/command/fmt.go"),
        ("net/http", "pkg/http/server.go"),
        ("os.path", "src/path.py"),
        ("./other", "src/util.ts"),
    ],
)
def test_an_import_does_not_meet_another_file_of_that_name(name: str, path: str) -> None:
    assert not set(imported(name)) & set(names_of(path))


@pytest.mark.parametrize(
    ("name", "bare"),
    [("./util.js", "./util"), ("net/if.h", "net/if"), ("if.h", "if"), ("os.path", "os.path"), ("a.b.c", "a.b.c")],
)
def test_only_the_ending_of_a_source_file_is_none_of_its_name(name: str, bare: str) -> None:
    assert without_ending(name) == bare


@pytest.mark.parametrize("name", ["", ".", "..", "./", "crate", "::", "@"])
def test_what_names_nothing_meets_nothing(name: str) -> None:
    assert imported(name) == []
