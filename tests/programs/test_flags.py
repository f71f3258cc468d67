import pathlib

import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver

from flags import data
from flags import evaluation
from flags import export
from flags import parsing
from flags import training
from priv_keras import baselines
from priv_keras.algorithms import ALGORITHMS
from priv_keras.deployment import tflite
from priv_keras.experiment import refusals
from priv_keras.networks import anonymizer
from priv_keras.networks import attackers
from priv_keras.networks import c3d
from priv_keras.networks import targets
from priv_keras.runs.folder import RunFolder
from tfrecords_tools import sources

ROOT = pathlib.Path(__file__).parents[2]
RECIPES = sorted((ROOT / "flags" / "recipes").glob("*.flags"))


@pytest.fixture(autouse=True)
def restored():
    with flagsaver.flagsaver():
        yield


def parse(*argv):
    return parsing.with_scale(["train", *argv])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe_parses(recipe):
    rest = parse("--scale=tiny", f"--flagfile={recipe}")
    assert rest == ["train"]  # every line was a flag


def recipe(name):
    return f"--flagfile={ROOT / 'flags' / 'recipes' / name}.flags"


@pytest.mark.parametrize(
    ("task", "thresholds", "gamma", "across"),
    [
        ("sbu", (0.85, 0.99), 2.0, None),
        ("ucf101_vispr", (0.70, 0.99), 0.5, "vispr"),
        ("hmdb51_vispr", (0.70, 0.95), 0.5, "vispr"),
        ("pa_hmdb51", (0.70, 0.95), 0.5, "vispr"),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    ("method", "algorithm", "members"),
    [
        ("grl", "grl", 1),
        *((f"kbeam_k{k}", "kbeam", k) for k in (1, 2, 4, 8)),
        *((f"entropy_m{m}", "entropy", m) for m in (1, 2, 4, 8)),
    ],
)
def test_an_experiment_of_the_paper_is_a_task_and_a_method(
    task, thresholds, gamma, across, restart, method, algorithm, members
):
    parse(recipe(task), recipe(method + "_restart" * restart))
    assert training.METHOD.value == algorithm
    assert len(training.BUDGETS.value) == members
    assert training.RESTART_EVERY.value == (100 if restart else 0)
    assert training.GAMMA.value == gamma
    assert data.BUDGET_DATASET.value == across
    assert thresholds == (
        training.TARGET_THRESHOLD.value,
        training.BUDGET_THRESHOLD.value,
    )
    if algorithm == "entropy":  # an ensemble of different models
        assert len(set(training.BUDGETS.value)) == members


def test_the_papers_batch_goes_with_every_experiment():
    parse(recipe("sbu"), recipe("grl"), recipe("batch_160"))
    assert data.BATCH_SIZE.value * training.ACCUMULATE_STEPS.value == 160
    assert data.BATCH_SIZE.value * training.GATE_BATCHES.value == 160


def test_what_overflows_is_not_accumulated():
    with pytest.raises(absl_flags.Error, match="Give --precision=mixed_bf"):
        parse("--accumulate_steps=2", "--precision=mixed_float16")


@pytest.mark.parametrize("factor", [1, 2, 4, 8, 16])
def test_the_papers_baseline_goes_with_a_task(factor):
    parse(recipe("sbu"), recipe(f"downsample_{factor}"))
    assert evaluation.BASELINE.value == f"downsample_{factor}"
    assert data.DATASET.value == "sbu"


def test_a_format_has_a_short_name():
    parse("--format=tflite,tflite_int8,tflite_float32")
    assert export.formats() == ["tflite_float32", "tflite_int8"]


def test_enum_flags_name_what_exists():
    parse()
    anonymizers = absl_flags.FLAGS["anonymizer"].parser.enum_values
    assert anonymizers == list(anonymizer.ANONYMIZERS)
    for flag, known in (
        ("anonymizer_upsampling", anonymizer.UPSAMPLINGS),
        ("target", targets.NAMES),
        ("target_normalization", c3d.NORMALIZATIONS),
        ("target_head", c3d.HEADS),
    ):
        assert absl_flags.FLAGS[flag].parser.enum_values == list(known)
    precisions = {x.partition("_")[2] for x in export.FORMATS} - {""}
    assert precisions == set(tflite.CONVERTERS)
    assert absl_flags.FLAGS["method"].parser.enum_values == list(ALGORITHMS)
    for dataset in (*data.DATASETS, *data.BUDGET_DATASETS):
        assert sources.source(dataset)
    assert evaluation.ATTACKER_NAMES == attackers.NAMES
    assert set(evaluation.PRETRAINED) == set(attackers.PRETRAINED)
    names = absl_flags.FLAGS["baseline"].parser.enum_values
    assert names == list(baselines.BASELINES)


def test_the_papers_ten_attackers_are_the_default():
    parse()
    families = {attackers.family(name) for name in evaluation.ATTACKERS.value}
    assert len(evaluation.ATTACKERS.value) == 10
    assert families == {"resnet_v1", "resnet_v2", "inception", "mobilenet_v1"}


def test_defaults_are_those_of_section_4_1_2():
    parse()
    assert training.GAMMA.value == 2.0
    assert training.TARGET_THRESHOLD.value == 0.85
    assert training.BUDGET_THRESHOLD.value == 0.99
    assert training.TARGET_LEARNING_RATE.value == 1e-5
    assert training.BUDGET_LEARNING_RATE.value == 1e-2
    assert training.ANONYMIZER_LEARNING_RATE.value == 1e-4
    assert training.MAX_ITER.value == 800
    assert (data.FRAMES.value, data.SIZE.value) == (16, 112)


def test_a_scale_sets_defaults_that_the_command_line_overrides():
    parse("--max_iter=28", "--scale=tiny")
    assert data.SIZE.value == 48
    assert training.MAX_ITER.value == 28


def test_a_scale_may_build_on_another():
    tiny, small = (parsing.preset(name) for name in ("tiny", "small"))
    differing = {name for name in small if small[name] != tiny[name]}
    assert differing == {"frames", "frame_width", "frame_height", "size"}
    assert small.keys() == tiny.keys()
    parse("--scale=small")
    assert (data.FRAMES.value, data.SIZE.value) == (8, 80)
    assert evaluation.ATTACKER_WIDTH.value == 0.25


def test_a_thorough_judge_has_the_papers_ten_attackers(tmp_path):
    parse("--scale=tiny")
    assert len(evaluation.ATTACKERS.value) == 2
    config = parsing.serialize(absl_flags.FLAGS, skip=["run_dir"])
    (tmp_path / "config.flags").write_text(config)
    run = ["evaluate", f"--run_dir={tmp_path}", "--judge=thorough"]
    parsing.with_run(run)
    assert len(evaluation.ATTACKERS.value) == 10
    parse("--scale=tiny", "--judge=thorough")
    assert len(evaluation.ATTACKERS.value) == 10
    parsing.with_run([*run, "--attackers=resnet_v1_26"])
    assert evaluation.ATTACKERS.value == ["resnet_v1_26"]


def test_a_flagfile_may_name_the_scale(tmp_path):
    (tmp_path / "x.flags").write_text("--scale=tiny\n--size=40\n")
    parse(f"--flagfile={tmp_path / 'x.flags'}")
    assert data.FRAMES.value == 6
    assert data.SIZE.value == 40


def test_serialized_flags_parse_to_themselves(tmp_path):
    parse("--scale=tiny", "--gamma=3", "--run_dir=somewhere")
    text = parsing.serialize(absl_flags.FLAGS, skip=("run_dir",))
    (tmp_path / "config.flags").write_text(text)
    with flagsaver.flagsaver():
        parse(f"--flagfile={tmp_path / 'config.flags'}")
        assert training.GAMMA.value == 3.0
        assert parsing.serialize(absl_flags.FLAGS, skip=("run_dir",)) == text
    assert "somewhere" not in text


def test_a_run_brings_its_flags_along(tmp_path):
    (tmp_path / "config.flags").write_text(
        "--gamma=7\n--scale=tiny\n--seed=4\n"
    )
    parsing.with_run(["evaluate", f"--run_dir={tmp_path}", "--seed=5"])
    assert training.GAMMA.value == 7.0
    assert data.SEED.value == 5


@pytest.mark.parametrize(
    ("config", "form"),
    [
        ("--gamma=7\n", ["none", "dense", True]),
        ("--target=c3d\n", [None, None, False]),
    ],
)
def test_a_run_of_before_is_judged_as_it_was_trained(tmp_path, config, form):
    """It mirrored clips, and its C3D had the paper's form."""
    (tmp_path / "config.flags").write_text(config)
    parsing.with_run(["evaluate", f"--run_dir={tmp_path}"])
    flags = (training.TARGET_NORMALIZATION, training.TARGET_HEAD, data.MIRROR)
    assert [flag.value for flag in flags] == form


def test_a_run_may_hold_flags_that_are_gone(tmp_path):
    path = tmp_path / "config.flags"
    path.write_text("--attacker_patience=6\n--gamma=7\n")
    with flagsaver.flagsaver():
        parsing.with_run(["evaluate", f"--run_dir={tmp_path}"])
        assert training.GAMMA.value == 7
        path.write_text("--attacker_patients=6\n")
        with pytest.raises(absl_flags.Error, match="no flag --attacker_pati"):
            parsing.with_run(["evaluate", f"--run_dir={tmp_path}"])


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--gamma=-1"], "--gamma=-1"),
        (["--dataset=kinetics"], "puppets"),
        (["--max_iter=150"], "multiple of --turns_per_epoch"),
        (["--size=130"], "must not exceed"),
        (["--attacker_frames=17"], "must not exceed --frames"),
        (["--attackers=mobilenet_v2_1"], "of other families than --budgets"),
        (["--attacks=static"], "--attacks must include retrained"),
        (["--attacks=retrained,statick"], "Did you mean static"),
        (["--attacks=retrained", "--label_shares=0"], "numbers above 0"),
        (["--label_shares=few"], "numbers above 0"),
        (["--baseline=downsample_3"], "downsample_4"),
        (["--anonymizer=light"], "lite"),
        (["--format=tflite,onxx"], "onxx is not one of savedmodel, tflite_f"),
        (["--format="], "give at least one of savedmodel"),
        (["--calibration_frames=0"], "--calibration_frames=0"),
        (["--attribute_weights=1,a"], "positive numbers"),
        (["--attribute_weights=1,nan"], "positive numbers"),
        (["--attribute_weights=1,0"], "positive numbers"),
        (["--budget_weights=none", "--restart_every=9"], "would be lost"),
        (["--seed=x"], "--seed=x: not a whole number"),
        (["--gamma=x"], "--gamma=x: not a number"),
        (["--resume=x"], "--resume=x: not true or false"),
        (["--label_shares=2,3"], "--label_shares=2,3: --label_shares must"),
        (["--flagfile=no.flags"], "^--flagfile cannot be read: .*no.flags"),
        (["-x"], "There is no flag --x.$"),
        (["--gama=1"], "Did you mean --gamma"),
    ],
)
def test_rejected(argv, message):
    with pytest.raises(absl_flags.Error, match=message):
        parse(*argv)


def test_a_recipe_is_named(tmp_path):
    rest = parse("--recipe=ucf101_vispr,entropy_m4_restart", "--gamma=3")
    assert rest == ["train"]
    assert data.DATASET.value == "ucf101"
    assert len(training.BUDGETS.value) == 4
    assert training.GAMMA.value == 3.0  # the command line wins


def test_a_later_recipe_wins_and_both_win_over_the_scale():
    parse("--recipe=kbeam_k4,grl", "--scale=tiny", "--recipe=smoke")
    assert training.METHOD.value == "grl"
    assert training.BUDGETS.value == ["mobilenet_v2_1.0"]
    assert training.MAX_ITER.value == 2
    assert data.SIZE.value == 48


def test_a_scale_has_a_recipe_which_any_other_replaces(tmp_path):
    with flagsaver.flagsaver():
        parse("--scale=tiny", "--gamma=3")
        assert training.ANONYMIZER_BITS.value == 12
        assert training.GAMMA.value == 3
    own = tmp_path / "own.flags"
    own.write_text("--scale=tiny")
    with flagsaver.flagsaver():
        parse(f"--flagfile={own}")
        assert training.ANONYMIZER_BITS.value == 12
    with flagsaver.flagsaver():
        parse()
        assert not training.ANONYMIZER_BITS.value
    for named in ("--recipe=none", recipe("entropy_m1")):
        with flagsaver.flagsaver():
            parse("--scale=tiny", named)
            assert not training.ANONYMIZER_BITS.value
            assert training.GAMMA.value == 1.5


def test_the_flags_of_a_run_get_no_recipe_that_it_did_not_have(tmp_path):
    with flagsaver.flagsaver():
        parse("--scale=tiny", "--recipe=grl")
        text = parsing.serialize(absl_flags.FLAGS)
    path = tmp_path / parsing.CONFIG
    path.write_text(text)
    parse(f"--flagfile={path}")
    assert training.ANONYMIZER_BITS.value is None
    assert parsing.serialize(absl_flags.FLAGS) == text


@pytest.mark.parametrize("scale", data.SCALES)
@pytest.mark.parametrize("method", training.METHODS)
def test_a_flag_that_only_another_method_uses_is_refused(scale, method):
    """That of the scale's own recipe is not."""
    with flagsaver.flagsaver():
        parse(f"--scale={scale}", f"--method={method}")
        refusals.check_game()
        parse(f"--scale={scale}", f"--method={method}", "--privacy_on=both")
        if method == "entropy":
            refusals.check_game()
        else:
            with pytest.raises(ValueError, match="is for --method=entropy"):
                refusals.check_game()


def test_a_recipe_is_no_part_of_a_configuration(tmp_path):
    parse("--recipe=sbu,grl")
    by_name = parsing.serialize(absl_flags.FLAGS)
    assert "recipe" not in by_name
    with flagsaver.flagsaver():
        absl_flags.FLAGS.unparse_flags()
        parse(recipe("sbu"), recipe("grl"))
        assert parsing.serialize(absl_flags.FLAGS) == by_name


def test_a_recipe_overrides_the_run_that_is_judged(tmp_path):
    (tmp_path / "config.flags").write_text("--attacker_steps=7\n--seed=4\n")
    parsing.with_run(["evaluate", f"--run_dir={tmp_path}", "--recipe=smoke"])
    assert evaluation.ATTACKER_STEPS.value == 10
    assert data.SEED.value == 4


def test_recipes_are_listed_each_in_a_line(capsys):
    with pytest.raises(SystemExit) as end:
        parse("--recipe=list")
    assert not end.value.code
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [p.stem for p in RECIPES]
    kinds = {line.split()[1] for line in lines}
    assert kinds == {"Method:", "Task:", "Baseline:", "Option:", "Test:"}
    assert all(line.endswith(".") for line in lines)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["--run-dir=a-b"], ["--run_dir=a-b"]),
        (["--run-dir", "--a-b"], ["--run_dir", "--a-b"]),
        (["-run-dir", "a-b", "x-y"], ["-run_dir", "a-b", "x-y"]),
        (
            ["--nopictures", "--no-such=--x-y"],
            ["--nopictures", "--no_such=--x-y"],
        ),
        (["--resume", "--data-dir", ""], ["--resume", "--data_dir", ""]),
        (["--run-dir"], ["--run_dir"]),
        (["-", "--", "--a-b", "--run-dir"], ["-", "--", "--a-b", "--run-dir"]),
        (["--run-dir", "--", "--a-b"], ["--run_dir", "--", "--a_b"]),
    ],
)
def test_flags_may_be_spelt_with_dashes(typed, meant):
    assert parsing.underscored(typed) == meant


def test_dashes_work_in_flagfiles_too(tmp_path):
    (tmp_path / "x.flags").write_text("--max-iter=28\n--turns-per-epoch=14\n")
    parse(f"--flagfile={tmp_path / 'x.flags'}", "--data-dir", "a-b")
    assert training.MAX_ITER.value == 28
    assert data.DATA_DIR.value == "a-b"


def test_programs_look_for_the_flags_of_a_run_where_runs_keep_them(tmp_path):
    assert RunFolder(tmp_path).config == tmp_path / parsing.CONFIG
