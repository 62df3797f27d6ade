import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.edit import files
from kibitz.server.edit.change import Edit
from kibitz.server.edit.files import decode, read_document, write_all
from kibitz.server.errors import EditError


def put(root: Path, path: str, data: bytes) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def write(root: Path, edit: Edit) -> None:
    write_all(root, [edit])


def refused(root: Path, edit: Edit) -> str:
    with pytest.raises(EditError) as error:
        write(root, edit)
    return str(error.value)


@given(st.binary(max_size=200))
def test_every_file_s_bytes_come_back_from_its_text(data: bytes) -> None:
    found = decode(data)
    assert found.encode(found.text) == data


def test_the_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = put(tmp_path, "src/a.py", b"x = 1\n")
    write(tmp_path, Edit("src/a.py", "x = 1\n", "x = 2\n"))
    assert file.read_bytes() == b"x = 2\n"
    assert list(file.parent.iterdir()) == [file]


def test_the_mode_stays(tmp_path: Path) -> None:
    file = put(tmp_path, "run.sh", b"a\n")
    file.chmod(0o750)
    write(tmp_path, Edit("run.sh", "a\n", "b\n"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o750


@pytest.mark.parametrize(
    ("data", "old", "new", "written"),
    [
        (b"a\r\nb\r\n", "a\r\nb\r\n", "a\r\nc\r\n", b"a\r\nc\r\n"),
        (b"a\r\nb\r\n", "a\nb\n", "a\nc\nd\n", b"a\r\nc\r\nd\r\n"),
        (b"a\nb\r\nc\r\n", "a\nb\nc\n", "a\nb\nx\n", b"a\nb\r\nx\r\n"),
        (b"a\nb\r\nc\r\n", "a\nb\nc\n", "x\nb\nc\n", b"x\nb\r\nc\r\n"),
        (b"a\nb", "a\nb", "a\nc", b"a\nc"),
        (b"\xef\xbb\xbfa\n", "a\n", "b\n", b"\xef\xbb\xbfb\n"),
        ("é\n".encode("utf-16"), "é\n", "è\n", "è\n".encode("utf-16")),
        (b"\xfe\xff\x00a", "a", "b", b"\xfe\xff\x00b"),
        ("café\n".encode("cp1252"), "café\n", "cafés\n", "cafés\n".encode("cp1252")),
    ],
    ids=["crlf", "crlf read as lf", "mixed", "mixed, first line", "no end", "bom", "utf-16", "utf-16-be", "cp1252"],
)
def test_encoding_and_line_ends_stay(tmp_path: Path, data: bytes, old: str, new: str, written: bytes) -> None:
    file = put(tmp_path, "a.txt", data)
    write(tmp_path, Edit("a.txt", old, new))
    assert file.read_bytes() == written


def test_what_is_read_can_be_written_back(tmp_path: Path) -> None:
    file = put(tmp_path, "a.txt", b"\xef\xbb\xbfa\r\n")
    old = read_document(tmp_path, "a.txt")
    write(tmp_path, Edit("a.txt", old, old.replace("a", "b")))
    assert file.read_bytes() == b"\xef\xbb\xbfb\r\n"


def test_a_file_that_has_changed_is_not_written(tmp_path: Path) -> None:
    file = put(tmp_path, "a.py", b"x = 3\n")
    assert "has changed" in refused(tmp_path, Edit("a.py", "x = 1\n", "x = 2\n"))
    assert file.read_bytes() == b"x = 3\n"


def test_a_file_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    assert "does not exist any more" in refused(tmp_path, Edit("a.py", "x = 1\n", "x = 2\n"))


def test_a_new_file_is_made_with_its_folders(tmp_path: Path) -> None:
    write(tmp_path, Edit("tests/test_a.py", "", "x = 1\n", is_new=True))
    assert (tmp_path / "tests/test_a.py").read_text() == "x = 1\n"


@pytest.mark.parametrize("path", ["../out.py", "/etc/hosts", "a/../../out.py", ".git/config"])
def test_nothing_outside_the_workspace_is_written(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    put(tmp_path, "out.py", b"")
    assert "outside the workspace" in refused(root, Edit(path, "", "x\n"))
    assert (tmp_path / "out.py").read_bytes() == b""


def test_a_link_out_of_the_workspace_is_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path, "out.py", b"a\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.py").symlink_to(outside)
    assert "outside the workspace" in refused(root, Edit("a.py", "a\n", "b\n"))
    assert outside.read_bytes() == b"a\n"


def test_a_link_inside_the_workspace_stays_a_link(tmp_path: Path) -> None:
    file = put(tmp_path, "real.py", b"a\n")
    (tmp_path / "link.py").symlink_to("real.py")
    write(tmp_path, Edit("link.py", "a\n", "b\n"))
    assert (tmp_path / "link.py").is_symlink()
    assert file.read_bytes() == b"b\n"


def test_a_read_only_file_is_not_written(tmp_path: Path) -> None:
    file = put(tmp_path, "a.py", b"a\n")
    file.chmod(0o444)
    assert "read-only" in refused(tmp_path, Edit("a.py", "a\n", "b\n"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert "not a regular file" in refused(tmp_path, Edit("a", "", "x\n"))


def test_a_character_that_the_encoding_lacks_is_refused(tmp_path: Path) -> None:
    file = put(tmp_path, "a.txt", "café\n".encode("cp1252"))
    assert "which has no '☕'" in refused(tmp_path, Edit("a.txt", "café\n", "café ☕\n"))
    assert file.read_bytes() == "café\n".encode("cp1252")


def test_a_binary_file_is_no_document(tmp_path: Path) -> None:
    put(tmp_path, "a.bin", b"\x00\x01")
    with pytest.raises(EditError, match="not a text file"):
        read_document(tmp_path, "a.bin")


def test_several_files_are_written_a_new_one_and_one_that_is_renamed(tmp_path: Path) -> None:
    put(tmp_path, "a.py", b"x = 1\r\n")
    put(tmp_path, "b.py", b"y = 1\n")
    edits = [
        Edit("a.py", "x = 1\n", "x = 2\n"),
        Edit("b.py", "y = 1\n", "y = 2\n", new_path="lib/c.py"),
        Edit("lib/d.py", "", "z = 1\n", is_new=True),
    ]
    write_all(tmp_path, edits)
    found = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*.py")}
    assert found == {"a.py": b"x = 2\r\n", "lib/c.py": b"y = 2\n", "lib/d.py": b"z = 1\n"}


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (Edit("gone.py", "x\n", "y\n"), "does not exist"),
        (Edit("moved.py", "before\n", "after\n"), "changed"),
        (Edit("there.py", "", "x = 1\n", is_new=True), "there already"),
        (Edit("a.py", "x = 1\n", "x = 2\n", new_path="there.py"), "there already"),
        (Edit("../out.py", "", "x = 1\n", is_new=True), "outside"),
    ],
)
def test_of_several_files_all_are_written_or_none(tmp_path: Path, last: Edit, says: str) -> None:
    put(tmp_path, "a.py", b"x = 1\n")
    put(tmp_path, "moved.py", b"since\n")
    put(tmp_path, "there.py", b"mine\n")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*")}
    with pytest.raises(EditError, match=says):
        write_all(tmp_path, [Edit("a.py", "x = 1\n", "x = 3\n"), last])
    assert {file: file.read_bytes() for file in tmp_path.rglob("*")} == before


def test_what_was_written_before_a_failure_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.py", b"x = 1\n")
    put(tmp_path, "b.py", b"y = 1\n")
    edits = [
        Edit("new/c.py", "", "z = 1\n", is_new=True),
        Edit("a.py", "x = 1\n", "x = 2\n", new_path="d.py"),
        Edit("b.py", "y = 1\n", "y = 2\n"),
    ]
    replace = files._replace

    def fail(file: Path, data: bytes, mode: int | None, path: str) -> None:
        if data == b"y = 2\n":
            raise EditError("The disk is full.")
        replace(file, data, mode, path)

    monkeypatch.setattr(files, "_replace", fail)
    with pytest.raises(EditError, match="The disk is full; every file is as it was"):
        write_all(tmp_path, edits)
    found = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*.py")}
    assert found == {"a.py": b"x = 1\n", "b.py": b"y = 1\n"}


def test_what_cannot_be_put_back_is_named_and_the_rest_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = [Edit(name, "old\n", f"{name}\n") for name in ("a.py", "b.py", "c.py")]
    for edit in edits:
        put(tmp_path, edit.path, b"old\n")
    replace = files._replace

    def fail(file: Path, data: bytes, mode: int | None, path: str) -> None:
        if data == b"c.py\n" or (path == "b.py" and data == b"old\n"):
            raise EditError("The disk is full.")
        replace(file, data, mode, path)

    monkeypatch.setattr(files, "_replace", fail)
    with pytest.raises(EditError, match=r"The disk is full; b\.py could not be put back\."):
        write_all(tmp_path, edits)
    assert [(tmp_path / edit.path).read_bytes() for edit in edits] == [b"old\n", b"b.py\n", b"old\n"]


def test_a_new_file_does_not_take_the_place_of_one_that_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.py", b"old\n")
    replace = files._replace

    def come(file: Path, data: bytes, mode: int | None, path: str) -> None:
        replace(file, data, mode, path)
        put(tmp_path, "b.py", b"somebody's\n")

    monkeypatch.setattr(files, "_replace", come)
    with pytest.raises(EditError, match="has come meanwhile"):
        write_all(tmp_path, [Edit("a.py", "old\n", "new\n"), Edit("b.py", "", "x = 1\n", is_new=True)])
    assert (tmp_path / "b.py").read_bytes() == b"somebody's\n"
    assert (tmp_path / "a.py").read_bytes() == b"old\n"
