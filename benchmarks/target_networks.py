"""How well each network for f_T reads the actions of raw clips.

    python benchmarks/target_networks.py --ut_raw_dir=RAW --speakers_raw_dir=RAW

Trains every network from random weights, with every seed, on puppets and, if
their raw videos are given, on speakers and on folds of UT-Interaction (the seed
is the fold). Each trains to a plateau of its validation accuracy, at the tiny
scale's frames and widths. `benchmarks/results/target_networks.jsonl` keeps what
was measured, so that the same command continues where it stopped; the table
`target_networks.md` is made from it.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import time

import lines
import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "target_networks.md"
KEPT = RESULTS.with_suffix(".jsonl")
FRAMES, SIZE, FRAME_SIZE = 6, 48, (54, 50)  # of --scale=tiny
BATCH_SIZE = 16
STEPS, STEPS_PER_EPOCH, PATIENCE = 2400, 75, 4
# Name to the network, its width, its options and its learning rate.
NETWORKS = {
    "c3d, plain": ("c3d", 0.25, ("none", "dense"), 3e-4),
    "c3d, normalized": ("c3d", 0.25, ("batch", "average"), 1e-3),
    "r2plus1d_18": ("r2plus1d_18", 0.25, ("batch", "average"), 1e-3),
    "shifted_mobilenet_v2": (
        "shifted_mobilenet_v2",
        0.5,
        ("batch", "average"),
        1e-3,
    ),
}
DATASETS = ("puppets", "speakers", "ut_interaction")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="runs/target_networks")
    parser.add_argument("--ut_raw_dir")
    parser.add_argument("--speakers_raw_dir")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--networks", default=";".join(NETWORKS))
    args = parser.parse_args()
    raw = {
        "puppets": "",
        "speakers": args.speakers_raw_dir,
        "ut_interaction": args.ut_raw_dir,
    }
    records = lines.read(KEPT)
    known = {(r["dataset"], r["network"], r["seed"]) for r in records}
    for seed in map(int, args.seeds.split(",")):
        for dataset in (name for name in DATASETS if raw[name] is not None):
            for network in args.networks.split(";"):
                if (dataset, network, seed) in known:
                    continue
                folder = shards(dataset, raw[dataset], seed, args.out)
                found = measure(network, folder, seed)
                key = {"dataset": dataset, "network": network, "seed": seed}
                records.append({**key, **found, **lines.origin()})
                lines.write(KEPT, records)
                RESULTS.write_text("\n".join(table(records)) + "\n")
                print(dataset, network, seed, found, flush=True)
    print(RESULTS.read_text())


def shards(dataset, raw, seed, out):
    """Returns the folder of a dataset's shards, which are built if missing."""
    kind = "folder" if dataset == "speakers" else dataset
    fold = seed if dataset == "ut_interaction" else 0
    out = pathlib.Path(out) / f"{dataset}-{fold}"
    if dataset == "puppets":
        from tfrecords_tools.puppets import cache

        return cache.puppets(None, paper_size=False, workers=2) / dataset
    if not (out / kind / "manifest.json").exists():
        options = [f"--fold={seed}"] if dataset == "ut_interaction" else []
        subprocess.run(
            [
                sys.executable,
                "-m",
                "tfrecords_tools.build",
                f"--dataset={kind}",
                f"--raw_dir={raw}",
                f"--out_dir={out}",
                *options,
            ],
            check=True,
            cwd=ROOT,
        )
    return out / kind


def measure(network, folder, seed):
    """Trains and tests one network.

    Returns:
        Dict: `accuracy` on test clips and its `interval`, `validation`,
        `parameters`, `updates`, `seconds` an update, and `chance`.
    """
    import keras

    from priv_keras import losses
    from priv_keras import supervised
    from priv_keras.experiment.shards import Cut
    from priv_keras.experiment.shards import Shards
    from priv_keras.networks import targets

    keras.utils.set_random_seed(seed)
    cut = Cut(FRAMES, SIZE, FRAME_SIZE)
    data = Shards(
        folder, {"actions": "target"}, cut, batch_size=BATCH_SIZE, seed=seed
    )
    name, width, (normalization, head), rate = NETWORKS[network]
    model = targets.build(
        name,
        len(data.labels["actions"]),
        width,
        (FRAMES, SIZE, SIZE, 3),
        normalization=normalization,
        head=head,
    )

    def pairs(dataset):
        return dataset.map(lambda batch: (batch["clips"], batch["actions"]))

    took, clock = timed_updates()
    fitted = supervised.fit(
        model,
        pairs(data.training_batches("train", "target")),
        pairs(data.validation_batches("gate")),
        losses.SINGLE_LABEL,
        learning_rate=rate,
        epochs=STEPS // STEPS_PER_EPOCH,
        steps_per_epoch=STEPS_PER_EPOCH,
        patience=PATIENCE,
        callbacks=[clock],
    )
    return {
        **tested(model, data),
        "validation": fitted["validation_accuracy"],
        "parameters": model.count_params(),
        "updates": fitted["epochs"] * STEPS_PER_EPOCH,
        "seconds": statistics.median(took[5:]),
    }


def tested(model, data):
    """Returns `accuracy` on test clips, its `interval` and `chance`."""
    import numpy as np

    from priv_keras import metrics

    test = list(data.test_batches("test", "target").as_numpy_iterator())
    labels = np.concatenate([batch["actions"] for batch in test])
    videos = np.concatenate([batch["video"] for batch in test])
    hits = labels == np.concatenate(
        [model.predict_on_batch(b["clips"]).argmax(axis=1) for b in test]
    )
    return {
        "accuracy": float(hits.mean()),
        "interval": metrics.bootstrap_interval(
            lambda rows: hits[rows].mean(), videos
        ),
        "chance": metrics.chance(labels)["majority"],
    }


def table(records):
    yield "# Networks for f_T on raw clips, from random weights"
    yield ""
    yield (
        "Made by `python benchmarks/target_networks.py` on "
        f"{machine.name()}. {FRAMES} frames of {SIZE}x{SIZE}, batches of "
        f"{BATCH_SIZE} clips, at most {STEPS} updates of Adam. A_T is the mean "
        "over seeds, or folds of UT-Interaction, on test clips, with the "
        "lowest and the highest; seconds an update are the median."
    )
    yield ""
    yield (
        "| dataset | network | parameters | A_T | of seeds | chance | updates "
        "| s an update |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for dataset in DATASETS:
        for network in NETWORKS:
            found = [
                record
                for record in records
                if (record["dataset"], record["network"]) == (dataset, network)
            ]
            if found:
                yield row(dataset, network, found)


def row(dataset, network, found):
    accuracies = [record["accuracy"] for record in found]
    low, high = min(accuracies), max(accuracies)
    updates = statistics.mean(record["updates"] for record in found)
    seconds = statistics.median(record["seconds"] for record in found)
    chance = statistics.mean(record["chance"] for record in found)
    cells = (
        dataset,
        network,
        f"{found[0]['parameters']:,}",
        f"{statistics.mean(accuracies):.3f} ({low:.3f} to {high:.3f})",
        f"{len(found)}",
        f"{chance:.3f}",
        f"{updates:.0f}",
        f"{seconds:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def timed_updates():
    """Returns a list, and a callback that adds the seconds of each update."""
    import keras

    began, took = [0.0], []

    def begin(batch, logs):
        began[0] = time.perf_counter()

    def end(batch, logs):
        took.append(time.perf_counter() - began[0])

    return took, keras.callbacks.LambdaCallback(
        on_train_batch_begin=begin, on_train_batch_end=end
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
