import hashlib
import json

from priv_keras.films import audit


def test_the_hash_of_a_file_is_that_of_sha256sum(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(b"x" * (3 << 20))
    assert audit.sha256(path) == hashlib.sha256(b"x" * (3 << 20)).hexdigest()


def test_the_hash_of_a_folder_tells_contents_and_names(tmp_path):
    (tmp_path / "model" / "variables").mkdir(parents=True)
    (tmp_path / "model" / "a").write_text("1")
    (tmp_path / "model" / "variables" / "b").write_text("2")
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for content, name in ((b"1", "a"), (b"2", "variables/b"))
    )
    expected = hashlib.sha256(lines.encode()).hexdigest()
    assert audit.sha256(tmp_path / "model") == expected
    (tmp_path / "model" / "a").rename(tmp_path / "model" / "c")
    assert audit.sha256(tmp_path / "model") != expected


def test_a_log_is_json(tmp_path):
    audit.write(tmp_path / "log", {"frames": 3})
    assert json.loads((tmp_path / "log").read_text()) == {"frames": 3}
