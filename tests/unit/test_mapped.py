from pathlib import Path

import numpy as np
import pytest

from kibitz.indexer.mapped import _CHECKED_BYTES, Array, DamagedFileError, open_arrays, write_arrays

ARRAYS: dict[str, Array] = {
    "numbers": np.arange(7, dtype=np.int64),
    "none": np.zeros((0, 4), np.float32),
    "table": np.arange(12, dtype=np.int8).reshape(3, 4),
}


def test_arrays_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x.hot", ARRAYS, {"format": 1})
    arrays, meta = open_arrays(tmp_path / "x.hot")
    assert meta == {"format": 1}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert np.array_equal(arrays[name], array)


def test_what_is_mapped_cannot_be_changed(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x.hot", ARRAYS, {})
    arrays, _ = open_arrays(tmp_path / "x.hot")
    with pytest.raises(ValueError, match="read-only"):
        arrays["numbers"][0] = 5


def test_an_open_copy_outlives_its_file(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x.hot", ARRAYS, {})
    arrays, _ = open_arrays(tmp_path / "x.hot")
    write_arrays(tmp_path / "x.hot", {"numbers": np.zeros(1)}, {})
    assert arrays["numbers"][6] == 6


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.hot"
    write_arrays(path, ARRAYS, {})
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedFileError):
            open_arrays(path)


def test_a_changed_byte_that_matters_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.hot"
    write_arrays(path, ARRAYS, {})
    whole = path.read_bytes()
    clean, _ = open_arrays(path)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            arrays, _ = open_arrays(path)
        except DamagedFileError:
            continue
        assert all(np.array_equal(arrays[name], clean[name]) for name in clean)  # it stood in the padding


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError):
        open_arrays(tmp_path / "x.hot")


def test_a_changed_byte_of_a_large_array_is_noticed_when_asked_to_look(tmp_path: Path) -> None:
    path = tmp_path / "x.hot"
    write_arrays(path, {"large": np.zeros(_CHECKED_BYTES + 64, np.uint8)}, {})
    open_arrays(path, check=True)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] + b"?" + whole[-99:])
    assert open_arrays(path)[0]["large"].sum() == ord("?")
    with pytest.raises(DamagedFileError, match="large"):
        open_arrays(path, check=True)
