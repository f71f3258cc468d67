import pathlib

import pytest

from priv_keras import files


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    path = tmp_path / "new" / "result.json"
    for text in ("{}", "é"):
        files.write(path, text)
        assert path.read_text() == text
        assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "config.flags"
    files.write(path, "old")
    write = pathlib.Path.write_text

    def fill_the_disk(self, text):
        write(self, text[:1])
        raise OSError("No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_text", fill_the_disk)
    with pytest.raises(OSError, match="No space"):
        files.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
