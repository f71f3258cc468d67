import json

import made_runs
import pytest

from priv_keras.reports import comparison
from priv_keras.reports import table
from priv_keras.runs import results
from priv_keras.runs.run import load_run


def load(folder, name="run", **options):
    return load_run(made_runs.make(folder / name, **options))


@pytest.mark.parametrize(
    "flags, label, series, members",
    [
        (["--budgets=a"], "Entropy M=1, γ=2", "Entropy", 1),
        (
            ["--restart_every=20", "--budgets=a,b"],
            "Entropy+ M=2, γ=2",
            "Entropy+",
            2,
        ),
        (
            ["--restart_patience=3", "--budgets=a"],
            "Entropy+ M=1, γ=2",
            "Entropy+",
            1,
        ),
        (
            ["--restart_every=0", "--budgets=a"],
            "Entropy M=1, γ=2",
            "Entropy",
            1,
        ),
        (
            ["--anonymizer=lite", "--restart_every=5", "--budgets=a"],
            "Entropy+ lite M=1, γ=2",
            "Entropy+ lite",
            1,
        ),
        (
            ["--anonymizer=full", "--budgets=a"],
            "Entropy M=1, γ=2",
            "Entropy",
            1,
        ),
    ],
)
def test_a_game_is_named_as_in_the_paper(
    tmp_path, flags, label, series, members
):
    run = load(tmp_path, flags=flags)
    assert comparison.label(run) == label
    assert comparison.series(run) == series
    assert comparison.members(run) == members


def test_k_beam_has_no_gamma(tmp_path):
    run = load(tmp_path, method="kbeam", flags=["--budgets=a,b"])
    assert comparison.label(run) == "K-Beam K=2"
    assert comparison.row(run)["gamma"] is None


@pytest.mark.parametrize(
    "method, series, members",
    [("downsample_8", "downsample", 8), ("face_box_black",) * 2 + (1,)],
)
def test_a_baseline_is_named_by_itself(tmp_path, method, series, members):
    run = load(tmp_path, method=method)
    assert comparison.label(run) == method
    assert comparison.series(run) == series
    assert comparison.members(run) == members


def test_seeds_of_one_configuration_are_one_point(tmp_path):
    judged = [
        load(tmp_path, f"seed{seed}", seed=seed, privacy=0.2 + 0.1 * seed)
        for seed in range(3)
    ]
    judged.append(load(tmp_path, "other", flags=["--restart_every=5"]))
    first, second = comparison.points(judged)
    assert first.runs == judged[:3]
    assert second.runs == judged[3:]
    # The strongest attacker's 0.3, 0.4, 0.5: mean 0.4, and 4.303 standard
    # errors of 0.1 / sqrt(3) on both sides, by Student's table.
    assert first.privacy.mean == pytest.approx(0.4)
    assert first.privacy.high == pytest.approx(
        0.4 + 4.3027 * 0.1 / 3**0.5, 1e-4
    )
    # A single run has an interval of its own.
    assert tuple(second.privacy) == pytest.approx((0.4, 0.35, 0.45))
    # So have runs that agree: Student's t would leave no doubt about them.
    (equal,) = comparison.points(
        [load(tmp_path, f"e{i}", seed=i) for i in range(2)]
    )
    assert tuple(equal.privacy) == pytest.approx((0.4, 0.35, 0.45))


def test_points_of_one_label_are_told_apart_by_their_flags(tmp_path):
    long = "/a/long/path" * 9
    judged = [
        load(tmp_path, "a", flags=["--budgets=a", "--keep=1"]),
        load(
            tmp_path, "b", flags=["--budgets=a", "--keep=2", "--deterministic"]
        ),
        load(tmp_path, "c", flags=["--budgets=a,b", f"--log_dir={long}"]),
        load(tmp_path, "d", flags=["--budgets=a,b", "--log_dir=x"]),
        load(tmp_path, "e", method="kbeam", flags=["--keep=7"]),
    ]
    assert [point.label for point in comparison.points(judged)] == [
        "Entropy M=1, γ=2, keep=1",
        "Entropy M=1, γ=2, keep=2, deterministic=true",
        "Entropy M=2, γ=2, log_dir=/a/long/path/a…th/a/long/path",
        "Entropy M=2, γ=2, log_dir=x",
        "K-Beam K=1",
    ]


def test_a_difference_of_several_runs_has_their_interval():
    scores = [{"accuracy": x, "interval": [0, 1]} for x in (0.2, 0.3, 0.7)]
    zero = {"accuracy": 0.1, "interval": [0, 1]}
    mean, low, high = comparison.difference([(score, zero) for score in scores])
    assert mean == pytest.approx(0.3)
    # 4.303 standard errors, by Student's table; their deviation is 0.2646.
    assert low == pytest.approx(0.3 - 4.3027 * 0.26458 / 3**0.5, abs=1e-3)
    assert high == pytest.approx(0.3 + 4.3027 * 0.26458 / 3**0.5, abs=1e-3)


def test_runs_that_were_judged_otherwise_are_another_point(tmp_path):
    flags = ["--gamma=2", "--attacker_steps=600"]
    made = [load(tmp_path, str(i), flags=flags, seed=i) for i in range(3)]
    for run, steps in zip(made, (None, 600, 2400), strict=True):
        if steps:
            run.result["judging"] = f"--attacker_steps={steps}\n"
            text = json.dumps(run.result)
            (run.folder / "result.json").write_text(text)
    first, second = comparison.points([load_run(run.folder) for run in made])
    assert [len(point.runs) for point in (first, second)] == [2, 1]
    assert second.runs[0].flags["attacker_steps"] == "2400"
    assert second.runs[0].flags["gamma"] == "2"


def test_raw_clips_that_runs_share_count_once(tmp_path):
    judged = [
        load(tmp_path, "one", seed=0),
        load(tmp_path, "two", seed=0, flags=["--restart_every=5"]),
        load(tmp_path, "three", seed=1),
    ]
    # Another machine rounds otherwise, and its attackers learn otherwise.
    judged[0].result["raw"]["target"]["accuracy"] -= 0.01
    assert [run.name.split("/")[1] for run in comparison.distinct(judged)] == [
        "two",
        "three",
    ]


def test_other_attackers_are_another_arena(tmp_path):
    one, other = load(tmp_path, "one"), load(tmp_path, "other")
    other.result["raw"]["attackers"][0]["name"] = "z"
    assert comparison.arena(one) != comparison.arena(other)


def test_attackers_who_trained_otherwise_are_another_arena(tmp_path):
    one, other = (
        load(tmp_path, steps, flags=[f"--attacker_steps={steps}"])
        for steps in ("600", "20000")
    )
    assert comparison.arena(one) != comparison.arena(other)


def test_other_private_labels_are_another_arena(tmp_path):
    one, other = load(tmp_path, "one"), load(tmp_path, "other")
    other.result["budget_labels"].append("age")
    assert comparison.arena(one) != comparison.arena(other)


def test_a_row_holds_the_strongest(tmp_path):
    row = comparison.row(load(tmp_path))
    assert row["anonymized_a_b"] == pytest.approx(0.4)
    assert row["anonymized_strongest"] == "y"
    assert row["raw_strongest"] == "x"


def attacked(folder, name, *found, **options):
    folder = made_runs.make(folder / name, **options)
    path = folder / "result.json"
    result = json.loads(path.read_text())
    result["attacks"] = [
        {"attack": kind, **made_runs.score("x", value)} for kind, value in found
    ]
    path.write_text(json.dumps(result))
    return load_run(folder)


def test_the_strongest_of_each_attack_counts_and_of_all(tmp_path):
    raw = (results.RAW_VIDEO, 0.95)
    run = attacked(
        tmp_path,
        "run",
        ("static", 0.2),
        ("static", 0.3),
        ("video", 0.5),
        raw,
        ("0.1 of the labels", 0.1),
        privacy=0.3,
    )
    found = results.attacks(run.result)
    assert {kind: results.value(score) for kind, score in found.items()} == {
        "retrained": 0.4,
        "static": 0.3,
        "video": 0.5,
        "0.1 of the labels": 0.1,
        "any": 0.5,
    }
    row = comparison.row(run)
    assert row["anonymized_a_b video"] == row["anonymized_a_b any"] == 0.5


def test_attacks_are_compared_over_runs_that_all_were_made_on(tmp_path):
    both = [("static", 0.2), ("video", 0.6)]
    judged = [
        attacked(tmp_path, "0", *both, seed=0),
        attacked(tmp_path, "1", ("static", 0.4), ("video", 0.4), seed=1),
        attacked(tmp_path, "2", ("static", 0.9), seed=2),
        attacked(tmp_path, "3", method="downsample_4"),
    ]
    (only,) = comparison.by_attack(comparison.points(judged))
    assert (only.label, only.runs) == ("Entropy M=1, γ=2", 2)
    means = {kind: found.mean for kind, found in only.attacks.items()}
    assert means == pytest.approx(
        {"retrained": 0.4, "static": 0.3, "video": 0.5, "any": 0.5}
    )


def test_without_other_attacks_there_is_nothing_to_compare(tmp_path):
    assert comparison.by_attack(comparison.points([load(tmp_path)])) == []


def test_networks_below_the_floor_are_named_run_by_run():
    floor = made_runs.score("floor_trees", 0.4)
    low, high = made_runs.score("x", 0.3), made_runs.score("x", 0.5)
    assert results.below_floor([low, floor]) == ["x"]
    assert results.below_floor([high, floor]) == []
    assert results.below_floor([low]) == []
    assert "about f_A: x." in results.caveat([[high, floor], [low, floor]])
    assert results.caveat([[high, floor], [low]]) == ""


def test_a_table_marks_networks_below_the_floor():
    result = {**made_runs.result(privacy=0.3), "untouched": 0.0}
    for side in ("raw", "anonymized"):
        floor = made_runs.score("floor_trees", 0.35)
        result[side]["attackers"].append(floor)
    marked = [x for x in table.table(result).splitlines() if "below the" in x]
    assert [line.split()[0] for line in marked] == ["x"]


def test_attackers_that_failed_do_not_count():
    result = made_runs.result(privacy=0.3)
    assert results.count(result, "anonymized") == 2
    x, y = result["anonymized"]["attackers"]
    y["failed"] = "reads too little of raw clips"
    assert results.count(result, "anonymized") == 1
    assert results.privacy(result, "anonymized")["name"] == "x"
    floor = made_runs.score("floor_trees", 0.9)
    said = results.caveat([[floor, y]])
    assert said.endswith("not counted: y (reads too little of raw clips).")
    y["failed"] = results.STOPPED
    assert "--attacker_steps stopped may find" in results.caveat([[floor, y]])


def test_the_strongest_has_an_interval_of_its_own_and_one_is_chosen():
    result = made_runs.result(privacy=0.3)
    assert results.chosen(result, "anonymized") is None
    result["anonymized"]["strongest"] = {"interval": [0.2, 0.6], "chosen": "x"}
    best = results.privacy(result, "anonymized")
    assert best["name"] == "y" and best["interval"] == [0.2, 0.6]
    assert results.chosen(result, "anonymized")["name"] == "x"
    text = table.table({**result, "untouched": 0.0, "judge": "quick"})
    assert "0.400 [0.200, 0.600]" in text and results.QUICK in text
    assert "The attacker that validation chose: 0.300" in text
