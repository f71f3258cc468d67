from flags import evaluation as flags
from priv_keras.evaluation.judges import JUDGES


def test_each_judge_of_the_command_line_is_known():
    assert tuple(JUDGES) == flags.JUDGES


def test_a_thorough_judge_spares_nothing_that_the_standard_does():
    for one, other in zip(JUDGES["thorough"], JUDGES["standard"], strict=True):
        assert one >= other
