import pytest

from priv_keras.evaluation import admission
from priv_keras.runs import results


def found(name, figure, validation=0.9, converged=True, fits=1.0):
    return {
        "name": name,
        "accuracy": figure,
        "validation": validation,
        "converged": converged,
        "training_accuracy": fits,
    }


def test_attackers_that_have_learned_all_count():
    raw = [found("a", 0.9), found("b", 0.8, validation=0.75)]
    anonymized = [
        found("a", 0.3, converged=False, fits=0.95),
        found("b", 0.2, converged=True, fits=0.3),
    ]
    assert admission.failures(raw, anonymized) == {}


def test_an_attacker_that_reads_little_of_raw_clips_does_not_count():
    raw = [found("a", 0.9), found("b", 0.5, validation=0.5)]
    anonymized = [found("a", 0.3), found("b", 0.2)]
    assert admission.failures(raw, anonymized) == {
        "b": "reads too little of raw clips"
    }


def test_an_attacker_that_was_stopped_untaught_does_not_count():
    raw = [found("a", 0.9), found("b", 0.9)]
    anonymized = [found("a", 0.3), found("b", 0.2, converged=False, fits=0.4)]
    assert admission.failures(raw, anonymized) == {"b": results.STOPPED}


def test_whoever_reads_the_most_counts():
    """To leave it out would overestimate protection."""
    raw = [found("a", 0.9), found("b", 0.5, validation=0.5)]
    anonymized = [found("a", 0.3), found("b", 0.4)]
    assert admission.failures(raw, anonymized) == {}


def test_without_an_attacker_that_has_learned_there_is_no_figure():
    untaught = [found("a", 0.2, converged=False, fits=0.4)]
    with pytest.raises(
        admission.NoAttackerAdmitted,
        match="for a figure: a was stopped .* Raise --attacker_steps",
    ):
        admission.failures([found("a", 0.9)], untaught)
