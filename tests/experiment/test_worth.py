"""Tests of whether there is something to keep and something to hide."""

import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver

from flags import data
from flags import training
from priv_keras.experiment import worth
from priv_keras.runs import results

CHANCE = {"majority": 0.25}


def score(accuracy, low, high):
    return {"name": "a", "accuracy": accuracy, "interval": [low, high]}


@pytest.fixture(autouse=True)
def unforced():
    absl_flags.FLAGS.mark_as_parsed()
    with flagsaver.flagsaver((training.FORCE, False)):
        yield


def test_actions_and_people_that_can_be_read_are_let_through():
    worth.check_actions(score(0.5, 0.4, 0.6), CHANCE, pytest.fail)
    # One strong attacker is enough.
    attackers = [score(0.2, 0.1, 0.3), score(0.9, 0.8, 0.95)]
    worth.check_private(attackers, CHANCE, pytest.fail)


@pytest.mark.parametrize(
    ("check", "found", "says"),
    [
        (
            worth.check_actions,
            score(0.3, 0.25, 0.4),
            r"nothing to keep: f_T reads 0.300 \[0.250, 0.400\].* 0.250",
        ),
        (
            worth.check_private,
            [score(0.1, 0.0, 0.2), score(0.3, 0.2, 0.4)],
            "nothing to hide: the strongest attacker reads 0.300",
        ),
    ],
)
def test_what_reads_no_better_than_a_guess_ends_the_run(check, found, says):
    with pytest.raises(ValueError, match=says) as refused:
        check(found, CHANCE, pytest.fail)
    assert "--resume --force" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_run_that_is_forced_is_warned_of_it():
    said = []
    with flagsaver.flagsaver((training.FORCE, True)):
        worth.check_actions(score(0.3, 0.2, 0.4), CHANCE, said.append)
    (line,) = said
    assert line.startswith("warning: there is nothing to keep")


@pytest.mark.parametrize(
    ("dataset", "bits", "told"),
    [("folder", None, 1), ("folder", 12.0, 0), ("puppets", None, 0)],
)
def test_who_plays_on_clips_of_their_own_is_told_of_the_bound(
    dataset, bits, told
):
    said = []
    with flagsaver.flagsaver(
        (data.DATASET, dataset), (training.ANONYMIZER_BITS, bits)
    ):
        worth.tell_unbounded(said.append)
    assert len(said) == told
    assert all("--recipe=bounded" in line for line in said)


def test_the_result_of_a_run_that_ended_at_chance_says_so():
    def result(low):
        return {
            "anonymized": {"target": score(0.3, low, 0.4)},
            "chance": {"actions": CHANCE},
        }

    assert "ENDED AT CHANCE" in results.failure(result(0.2))
    assert results.failure(result(0.26)) == ""
