from flags import evaluation as flags
from priv_keras.evaluation.judges import JUDGES


def test_each_judge_of_the_command_line_is_known():
    assert tuple(JUDGES) == flags.JUDGES


def test_a_thorough_judge_spares_nothing_that_the_standard_does():
    thorough, standard = JUDGES["thorough"], JUDGES["standard"]
    assert thorough.echoes <= standard.echoes
    rest = zip(
        thorough._replace(echoes=0), standard._replace(echoes=0), strict=True
    )
    assert all(one >= other for one, other in rest)
