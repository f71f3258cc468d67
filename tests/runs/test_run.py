import json

import made_runs
import pytest

from priv_keras.runs.run import load_run


def test_what_is_no_judged_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="priv_keras.evaluate"):
        load_run(tmp_path)
    folder = made_runs.make(tmp_path / "run")
    for text in ("{", "[]", json.dumps({"raw": {}})):
        (folder / "result.json").write_text(text)
        with pytest.raises(ValueError, match="or not from priv_keras"):
            load_run(folder)


def test_an_attack_without_a_figure_is_refused(tmp_path):
    folder = made_runs.make(tmp_path / "run")
    path = folder / "result.json"
    result = json.loads(path.read_text())
    result["attacks"] = [{"attack": "static", "name": "x"}]
    path.write_text(json.dumps(result))
    with pytest.raises(ValueError, match="attacks"):
        load_run(folder)
