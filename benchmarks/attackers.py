"""What attackers find for a second of processor time.

    python benchmarks/attackers.py --run_dir=RUN --data_dir=SHARDS --dataset=...

Trains each candidate for the tiny scale on raw clips and on the output of the
f_A of a run of `priv-keras-train`, as `--judge=standard` reads them but at one
learning rate, and notes what it reads of validation clips after so many
seconds, in which those of f_A are. `benchmarks/results/attackers.jsonl` keeps
each, so that the same command continues where it stopped. Writes
`benchmarks/results/attackers.md`.
"""

import itertools
import pathlib
import sys
import tempfile
import time

import lines
import machine
from absl import app

import priv_keras.evaluate  # noqa: F401 - the flags of a judge
from flags import data as data_flags
from flags import parsing

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "attackers.md"
KEPT = RESULTS.with_suffix(".jsonl")
# Name, width, pictures of a batch, learning rate.
CANDIDATES = (
    ("resnet_v1_26", 0.25, 64, 2e-3),
    ("resnet_v1_26", 0.125, 64, 2e-3),
    ("resnet_v1_26", 0.25, 32, 1e-3),
    ("resnet_v2_26", 0.25, 64, 2e-3),
    ("mobilenet_v1_1", 0.25, 64, 2e-3),
    ("mobilenet_v1_1", 0.5, 64, 2e-3),
    ("inception_v1", 0.25, 64, 2e-3),
)
SECONDS = (60, 120, 240)


def main(argv):
    from priv_keras.experiment import attacked_clips
    from priv_keras.experiment import game
    from priv_keras.experiment import judge
    from priv_keras.experiment.data import open_data

    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    data = open_data()
    candidate = judge.trained(data, game.checkpoint_of(run_dir))
    judge.begin(data, run_dir, (), print)
    records = lines.read(KEPT)
    known = {(r["run"], r["clips"], *r["attacker"]) for r in records}
    with tempfile.TemporaryDirectory() as folder:
        sides = attacked_clips.both_sides(
            data, candidate, pathlib.Path(folder)
        )[1]
        for clips, attacker in itertools.product(sides, CANDIDATES):
            name = {"run": run_dir.name, "clips": clips, "attacker": attacker}
            if (run_dir.name, clips, *attacker) not in known:
                found = measure(attacker, data, sides[clips])
                records.append({**name, **found, **lines.origin()})
                lines.write(KEPT, records)
                RESULTS.write_text("\n".join(table(records)) + "\n")
    print(RESULTS.read_text())


def measure(attacker, data, splits):
    """Trains one attacker for the longest of `SECONDS`, or until it reads all.

    Returns:
        Dict: `found`, the best figure on validation clips within each of
        `SECONDS`; `updates` and `parameters`.
    """
    import keras

    from priv_keras.evaluation import two_step
    from priv_keras.experiment import attack
    from priv_keras.networks import attackers

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.began = time.process_time()

        def on_epoch_end(self, epoch, logs=None):
            spent = time.process_time() - self.began
            noted.append((spent, logs["val_accuracy"]))
            if spent > SECONDS[-1] or logs["val_accuracy"] == 1:
                self.model.stop_training = True

    noted = []
    name, width, batch_size, rate = attacker
    keras.utils.set_random_seed(data_flags.SEED.value)
    classes = len(data.labels["budget_labels"])
    model = attackers.build(name, classes, data.clip_shape[1:], width)
    protocol = attack.attacker_protocol()._replace(
        steps=100_000,
        steps_per_epoch=75,
        patience=None,
        doubles=False,
        batch_size=batch_size,
        learning_rate=rate,
    )
    two_step.train(
        model,
        splits,
        "budget_labels",
        data.attacker_task,
        protocol,
        seed=data_flags.SEED.value,
        callbacks=[Clock()],
    )
    print(attacker, noted, flush=True)
    return {
        "found": [
            max((x for spent, x in noted if spent <= most), default=0.0)
            for most in SECONDS
        ],
        "updates": 75 * len(noted),
        "parameters": model.count_params(),
    }


def table(records):
    yield "# What attackers find for a second of processor time"
    yield ""
    yield (
        f"Made by `python benchmarks/attackers.py` on {machine.name()}, behind "
        "the f_A of runs at the tiny scale; shares of validation clips that "
        "were read, the best up to then, one run each. Seconds are of all "
        "cores together, with validation and with what f_A takes."
    )
    heads = [f"{n} s" for n in SECONDS]
    for run, clips in sorted({(x["run"], x["clips"]) for x in records}):
        yield from ("", f"## {run}, {clips} clips", "")
        columns = ["attacker", "width", "batch", "rate", "parameters"]
        columns += [*heads, "updates"]
        yield f"| {' | '.join(columns)} |"
        yield "|---" * len(columns) + "|"
        for record in records:
            if (record["run"], record["clips"]) == (run, clips):
                found = [f"{x:.3f}" for x in record["found"]]
                cells = (
                    *map(str, record["attacker"]),
                    f"{record['parameters']:,}",
                    *found,
                    str(record["updates"]),
                )
                yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.argv[0] = "benchmarks/attackers.py"
    app.run(main, flags_parser=parsing.with_run)
