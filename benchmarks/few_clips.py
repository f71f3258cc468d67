"""What f_T reads of training, validation and test clips behind f_A.

    python benchmarks/few_clips.py --run_dir=RUN

Reads a run of `priv-keras-train` before its game and at the turn that
`--checkpoint` names, each clip in four draws of f_A's noise. If few clips are
learned by heart, the splits differ before the game already. For other bits and
changes of clips, train with `--anonymizer_bits` or `--augment` and with
`--max_iter=1`. `benchmarks/results/few_clips.jsonl` keeps each run, by the name
of its folder. Writes `benchmarks/results/few_clips.md`.
"""

import pathlib
import sys

import lines
import machine
from absl import app

import priv_keras.train  # noqa: F401 - the flags of a run
from flags import data as data_flags
from flags import parsing
from flags import training as training_flags

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "few_clips.md"
KEPT = RESULTS.with_suffix(".jsonl")
SPLITS = ("train", "validation", "test")
DRAWS = 4


def main(argv):
    from priv_keras.experiment import console
    from priv_keras.experiment import game
    from priv_keras.experiment import play
    from priv_keras.experiment.data import open_data
    from priv_keras.runs import checkpoints
    from priv_keras.runs.folder import RunFolder

    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    data = open_data()
    folder = RunFolder(run_dir).checkpoints
    paths = {
        "before": checkpoints.newest(folder, play.WARM_UP, console.say),
        "after": game.checkpoint_of(run_dir),
    }
    found = {when: measure(data, path) for when, path in paths.items()}
    record = {
        "run": run_dir.name,
        "dataset": data_flags.DATASET.value,
        "bits": training_flags.ANONYMIZER_BITS.value,
        "augment": data_flags.AUGMENT.value,
        **found,
        **lines.origin(),
    }
    others = [r for r in lines.read(KEPT) if r["run"] != run_dir.name]
    lines.write(KEPT, [*others, record])
    RESULTS.write_text("\n".join(table([*others, record])) + "\n")
    print(RESULTS.read_text())


def measure(data, path):
    """Returns a dict of split to the accuracy of f_T, and `turn`."""
    from priv_keras.evaluation import filtering
    from priv_keras.evaluation import scores
    from priv_keras.experiment import play
    from priv_keras.layers import PerFrame
    from priv_keras.runs import checkpoints

    game = play.new_game(data)
    checkpoints.load(game, path)
    found = {"turn": int(game.turns_played())}
    for split in SPLITS:
        clips = data.target.test_batches(split, "attackers")
        drawn = filtering.filtered(
            filtering.redrawn(clips, DRAWS), PerFrame(game.anonymizer)
        )
        batch_size = data_flags.BATCH_SIZE.value
        scored = scores.score(game.target, drawn, "actions", batch_size)
        found[split] = scored["accuracy"]
    return found


def table(records):
    yield "# What f_T reads behind f_A"
    yield ""
    yield (
        f"Made by `python benchmarks/few_clips.py` on {machine.name()}: shares "
        f"of clips, means of {DRAWS} draws of f_A's noise, one run each."
    )
    yield ""
    columns = ["run", "dataset", "bits", "augment", "turn", *SPLITS]
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for record in records:
        for when in ("before", "after"):
            found = record[when]
            cells = (
                record["run"],
                record["dataset"],
                f"{record['bits'] or 'no bound'}",
                "yes" if record["augment"] else "no",
                str(found["turn"]),
                *(f"{found[split]:.3f}" for split in SPLITS),
            )
            yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.argv[0] = "benchmarks/few_clips.py"
    app.run(main, flags_parser=parsing.with_run)
