"""Flags of `python -m priv_keras.sweep`; those of `train` apply to all jobs."""

from absl import flags as absl_flags

GROUPS = {"The sweep": ("sweep_dir", "methods", "gammas", "seeds", "jobs")}

SWEEP_DIR = absl_flags.DEFINE_string(
    "sweep_dir",
    None,
    "Folder of the sweep: its runs, logs, table and report. The same command "
    "continues the sweep that it holds.",
)
METHODS = absl_flags.DEFINE_list(
    "methods",
    ["entropy"],
    "What to compare: methods (grl, kbeam, entropy), baselines (those of "
    "--baseline), recipes (those of --recipe=list) or flagfiles (*.flags), "
    "whose names name their runs.",
)
GAMMAS = absl_flags.DEFINE_list(
    "gammas",
    [],
    "Values of --gamma to compare, as in 0.5,1,2. Without it, --gamma or what "
    "a recipe says is used. Baselines and kbeam, which have no gamma, run "
    "once.",
)
SEEDS = absl_flags.DEFINE_list(
    "seeds",
    ["0"],
    "Values of --seed, whole numbers as in 0,1,2. Everything is run once for "
    "each.",
)
JOBS = absl_flags.DEFINE_integer(
    "jobs",
    1,
    "Number of jobs to run at once, each with its share of the threads. Jobs "
    "of one seed run one after another, because they share warm-ups and raw "
    "figures.",
    lower_bound=1,
)


def _are(kind):
    def check(values):
        try:
            list(map(kind, values))
        except ValueError:
            return False
        return True

    return check


absl_flags.register_validator(
    "gammas", _are(float), "--gammas must be numbers, as in 0.5,1,2."
)
absl_flags.register_validator(
    "seeds", _are(int), "--seeds must be whole numbers, as in 0,1,2."
)
