"""What judges a run, beside the whole runs of `test_train.py`."""

import keras
import pytest
from made_shards import build_sbu
from made_shards import reading_sbu

from priv_keras import judging
from priv_keras.data import open_data


class Reached(Exception):
    pass


def test_a_baseline_is_judged_in_the_precision_of_games(tmp_path, monkeypatch):
    """Figures of raw clips are shared with them, and named by it."""
    build_sbu(tmp_path)

    def attacked(court, accused, cache):
        raise Reached(keras.mixed_precision.global_policy().name)

    monkeypatch.setattr(judging, "_attacked", attacked)
    with reading_sbu(tmp_path, precision="mixed_bfloat16"):
        accused = judging.baseline("downsample_4", tmp_path / "run")
        try:
            with pytest.raises(Reached, match="^mixed_bfloat16$"):
                judging.judge(accused, open_data(), tmp_path / "run", print)
        finally:
            keras.mixed_precision.set_global_policy("float32")
