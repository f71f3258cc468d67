"""What a program tells people while it works: lines, and a bar for each phase.

Part of the programs: `--verbosity` is absl's flag. At -1, the default, there is
a line for each phase and epoch, and a bar if standard error is a terminal; at 1
there is a line for each turn as well; at -2 only warnings and results appear.
"""

import contextlib

import keras
import tqdm
from absl import logging

SPARE, TURNS = -2, 1  # values of --verbosity


def say(line):
    """Prints a line, above the bar of the phase if there is one."""
    if logging.get_verbosity() > SPARE or line.startswith("warning"):
        tqdm.tqdm.write(line)


def say_nothing(line):
    """Takes the place of `say` where another process or call says the line."""


def each(items, name, total):
    """Yields the items of an iterable, and shows a bar meanwhile.

    Args:
        items: Iterable.
        name: String, the name of the phase.
        total: Int, the number of items.

    Yields:
        Each item.
    """
    with _bar(name, total) as bar:
        for item in items:
            yield item
            bar.update()


@contextlib.contextmanager
def watch(name, total, done=0):
    """Opens a bar, and yields a Keras callback that advances it.

    Args:
        name: String, the name of the phase.
        total: Int, the number of its steps, one for each batch.
        done: Int, the number of steps that are already done.

    Yields:
        `Watch`.
    """
    with _bar(name, total, done) as bar:
        yield Watch(bar)


def _bar(name, total, done=0):
    return tqdm.tqdm(
        desc=name,
        total=total,
        initial=done,
        leave=False,
        # `None` hides the bar unless standard error is a terminal.
        disable=None if logging.get_verbosity() > SPARE else True,
    )


class Watch(keras.callbacks.Callback):
    """Advances a bar by one step with each batch.

    For a game, the bar also shows A_T, A_B and the updates of the last turn.

    Args:
        bar: `tqdm.tqdm`.
    """

    def __init__(self, bar):
        super().__init__()
        self.bar = bar
        self.done = bar.n  # counted here, because a hidden bar does not count
        self.accuracies = self.updates = ""

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        self.updates = _updates(logs)
        self._show(refresh=False)
        self.bar.update()
        if self.updates and logging.get_verbosity() >= TURNS:
            say(f"turn {self.done:4d}/{self.bar.total}  {self.updates}")

    def on_epoch_end(self, epoch, logs=None):
        if "val_target_accuracy" in logs:
            budgets = [v for k, v in logs.items() if "val_budget" in k]
            self.accuracies = (
                f"A_T {float(logs['val_target_accuracy']):.3f} "
                f"A_B {float(max(budgets)):.3f} "
            )
            self._show(refresh=True)

    def _show(self, refresh):
        self.bar.set_postfix_str(f"{self.accuracies}{self.updates}", refresh)


def _updates(logs):
    """Returns the updates of a turn's gated loops: `updates f_T 3, f_B 8`."""
    of_target = logs.get("target_steps")
    if of_target is None:
        return ""
    of_budgets = max(
        int(value)
        for name, value in logs.items()
        if name.startswith("budget_") and name.endswith("_steps")
    )
    return f"updates f_T {int(of_target)}, f_B {of_budgets}"


def say_next(run_dir, exported):
    """Prints the commands that a judged run makes possible.

    Args:
        run_dir: Folder of the run.
        exported: Bool, whether the folder holds an anonymizer.
    """
    commands = [f"python -m priv_keras.report {run_dir}"]
    if exported:
        model = f"{run_dir}/export/anonymizer"
        commands += [
            f"python -m priv_keras.anonymize FILM --model={model}",
            f"tensorboard --logdir={run_dir}",
        ]
    print("\nNext:\n" + "\n".join(f"  {command}" for command in commands))
