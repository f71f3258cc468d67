"""Flags of `python -m priv_keras.sweep`; those of `train` are common to all."""

from absl import flags as absl_flags

SWEEP_DIR = absl_flags.DEFINE_string(
    "sweep_dir", None, "Folder of the sweep: its runs, logs, table and report."
)
METHODS = absl_flags.DEFINE_list(
    "methods",
    ["entropy"],
    "What to compare: grl, kbeam, entropy; a baseline, as in --baseline of "
    "priv_keras.evaluate; or a flagfile, as "
    "flags/recipes/entropy_m4_restart.flags, whose name names its runs.",
)
GAMMAS = absl_flags.DEFINE_list(
    "gammas", [], "Values of --gamma; none for that of the common flags."
)
SEEDS = absl_flags.DEFINE_list("seeds", ["0"], "Values of --seed.")
JOBS = absl_flags.DEFINE_integer(
    "jobs",
    1,
    "Jobs at once, each with its share of the threads. Those of one seed run "
    "one after another: they share warm-ups and raw figures.",
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
    "gammas", _are(float), "--gammas are numbers, as in 0.5,1,2."
)
absl_flags.register_validator(
    "seeds", _are(int), "--seeds are whole numbers, as in 0,1,2."
)
