"""What the game draws from shards."""

import numpy as np
import pytest
from made_shards import build_sbu
from made_shards import reading_sbu

from priv_keras import experiment
from priv_keras.data import open_data


@pytest.fixture
def data(tmp_path):
    build_sbu(tmp_path, takes=3)
    with reading_sbu(tmp_path, gate_batches=0):
        yield open_data()


def clips(batches):
    return np.concatenate([batch["clips"] for batch in batches])


def test_a_gate_of_all_batches_reads_the_whole_validation_set(data):
    """Each of its clips once, pass after pass, and where a run resumes."""
    whole = clips(data.target.test_batches("validation", "gate"))
    assert len(whole) % 2 == 1  # so that the last batch is a smaller one
    gate = experiment._gate(data, 0.5, max_steps=9)
    assert (gate.batches, gate.running) == (-(-len(whole) // 2), False)
    drawn = iter(data.streams(epoch=1).validation)
    for _ in range(2):
        found = clips(next(drawn) for _ in range(gate.batches))
        np.testing.assert_array_equal(found, whole)
    resumed = data.streams(1, drawn=(0, gate.batches, 0)).validation
    found = clips(resumed.take(gate.batches))
    np.testing.assert_array_equal(found, whole)
