"""What keeping f_A's output saves the judge: `python benchmarks/judge.py`.

Each of the paper's ten attackers trains on clips that f_A has filtered once,
as in `priv_keras.evaluation.two_step`, and on clips that f_A filters again for
each update. Both take turns, at the paper's scale (16x112x112, full networks, 8
frames of a clip in an update). The seconds of an update are extrapolated to a
whole evaluation, with the updates and views of the paper scale's flags. Writes
`benchmarks/results/judge.md`.
"""

import argparse
import os
import pathlib
import statistics
import time

import machine
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "judge.md"
FRAMES, SEEN, SIZE, CLASSES = 16, 8, 112, 13


def main():
    from flags import evaluation

    parser = argparse.ArgumentParser(description=__doc__)
    ten = evaluation.ATTACKERS.default
    parser.add_argument("--attackers", default=",".join(ten))
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clips", type=int, default=230, help="for training")
    parser.add_argument("--updates", type=int, default=5000, help="of each")
    args = parser.parse_args()
    names = args.attackers.split(",")
    filtering, each = measured(names, args.batch_size, args.repeats)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(table(filtering, each, args)) + "\n")
    print(RESULTS.read_text())


def measured(names, batch_size, repeats):
    """Returns the seconds that f_A takes for a clip and, by attacker, the
    median seconds of updates on kept clips and on clips filtered again."""
    from priv_keras.networks import anonymizer
    from priv_keras.pixels import to_float
    from priv_keras.pixels import to_uint8

    filter_frames = anonymizer.build()
    rng = np.random.default_rng(0)
    shape = (batch_size, SEEN, SIZE, SIZE, 3)
    raw = rng.random(shape, "float32")
    labels = rng.integers(0, CLASSES, batch_size)
    kept = rng.integers(0, 256, shape, "uint8")

    def again():
        frames = filter_frames.predict_on_batch(raw.reshape(-1, *shape[2:]))
        return to_float(to_uint8(frames.reshape(shape)))

    def both(update):
        return (
            seconds(lambda: update(to_float(kept))),
            seconds(lambda: update(again())),
        )

    again()
    filtering = seconds(again) * FRAMES / SEEN / batch_size
    found = {}
    for name in names:
        update = trainer(name, labels)
        # Without the first update, which compiles.
        took = [both(update) for _ in range(repeats + 1)][1:]
        found[name] = [statistics.median(x) for x in zip(*took, strict=True)]
    return filtering, found


def trainer(name, labels):
    import keras

    from priv_keras.networks import attackers

    model = attackers.build(name, CLASSES, (SIZE, SIZE, 3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # As in `supervised.fit`.
    model.compile("adam", loss, jit_compile=False)
    return lambda clips: model.train_on_batch(clips, labels)


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def table(filtering, each, args):
    views = 4 * args.clips  # --attacker_views
    once = views * filtering
    kept = sum(a for a, _ in each.values())
    again = sum(b for _, b in each.values())
    yield "# What keeping f_A's output saves the judge"
    yield ""
    yield (
        f"Made by `python benchmarks/judge.py` on {machine.name()}; load at "
        f"the end {os.getloadavg()[0]:.1f}. Seconds an update of "
        f"{args.batch_size} clips, medians of {args.repeats}, both in turns; "
        f"clips of {FRAMES}x{SIZE}x{SIZE}, of which an update sees {SEEN} "
        "frames."
    )
    yield ""
    yield "| attacker | filtered once | filtered again | ratio |"
    yield "|---|---|---|---|"
    for name, (a, b) in each.items():
        yield f"| {name} | {a:.2f} | {b:.2f} | {b / a:.1f} x |"
    yield f"| all | {kept:.2f} | {again:.2f} | {again / kept:.1f} x |"
    yield ""
    hours = [(once + args.updates * kept) / 3600, args.updates * again / 3600]
    share = args.updates * (again - kept) / once
    yield (
        f"f_A takes {filtering:.2f} s for a clip. {args.updates} updates of "
        f"each of {len(each)} attackers on {views} views: {hours[0]:.1f} h, of "
        f"which f_A {once / 3600:.2f} h; filtered again, {hours[1]:.1f} h: "
        f"{hours[1] / hours[0]:.1f} times as long, and {share:.0f} times as "
        "long in f_A alone."
    )


if __name__ == "__main__":
    main()
