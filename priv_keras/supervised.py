"""Training one network alone: warm-ups before the game, attackers after it."""

import math

import keras

DROPS = 2  # of the learning rate, before training can end
FACTOR = 5  # by which each divides it


def fit(
    model,
    train,
    validation,
    task,
    *,
    learning_rate,
    epochs,
    steps_per_epoch,
    patience=None,
    goal=1.0,
    least=0,
    doubled_over=None,
    callbacks=(),
):
    """Trains a classifier until `task.metric` on validation no longer rises.

    With `patience`, the learning rate is divided by 5 whenever neither that
    metric nor the validation loss has become better for as many epochs, and
    training ends at the third time. The weights of the epoch that is best on
    validation are kept.

    A model that was trained here before is not traced anew: only its optimizer
    is reset.

    Args:
        model: Model from clips to logits.
        train: Endless dataset of `(clips, labels)` batches.
        validation: Finite dataset of `(clips, labels)` batches.
        task: `losses.SINGLE_LABEL` or `losses.MULTI_LABEL`.
        learning_rate: Float, of Adam.
        epochs: Int, at most.
        steps_per_epoch: Int, updates between validations.
        patience: Int, epochs without improvement before it gives up; `None`
            to train for all `epochs`.
        goal: Float in [0, 1], the metric that is good enough to stop at;
            `None` to go on even from a perfect epoch.
        least: Int, epochs before which patience does not end training.
        doubled_over: Int, the number of validation clips. With it, training
            that would end goes on for as many epochs as were spent, again from
            the first learning rate, and ends if these raised the metric by
            less than its standard error over so many clips; otherwise they
            are doubled again.
        callbacks: Further ones, see `keras.Model.fit`.

    Returns:
        Dict: `epochs` trained; `converged`, whether it ended at a plateau or
        the goal rather than after `epochs`; `learning_rate` at the end;
        `validation`, the metric of the epoch that is kept, and
        `validation_accuracy`, its accuracy; and the highest
        `training_accuracy` of any epoch.
    """
    measure = _compile_classifier(model, task, learning_rate)
    best = KeepBest(measure)
    ends = []
    if goal is not None:
        ends.append(StopAtGoal(measure, goal))
    if patience:
        ends.append(
            StopAtPlateau(measure, learning_rate, patience, least, doubled_over)
        )
    history = _history(
        model,
        train,
        epochs,
        steps_per_epoch,
        [best, *callbacks, *ends],
        validation_data=validation,
    )
    return {
        "epochs": len(history["loss"]),
        "converged": model.stop_training,
        "learning_rate": float(model.optimizer.learning_rate),
        "validation": best.best[0],
        "validation_accuracy": best.accuracy,
        "training_accuracy": max(history["accuracy"]),
    }


def _compile_classifier(model, task, learning_rate):
    """Returns the name of the validation figure that is to be high."""
    metric = task.metric()
    # Not an optimizer that scales the loss, since the scale must not be 0.
    plain = type(getattr(model, "optimizer", None)) is keras.optimizers.Adam
    if plain and model.loss is task.loss:
        for variable in model.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        model.optimizer.learning_rate = learning_rate
        return f"val_{metric.name}"
    accuracy = Accuracy(task)
    _compile(
        model,
        keras.optimizers.Adam(learning_rate),
        loss=task.loss,
        metrics=list({m.name: m for m in (metric, accuracy)}.values()),
    )
    return f"val_{metric.name}"


def _compile(model, optimizer, **kwargs):
    # XLA would compile for longer than a small network trains.
    model.compile(optimizer=optimizer, jit_compile=False, **kwargs)
    # A first step that creates the slots would be traced twice.
    model.optimizer.build(model.trainable_variables)


def _history(model, train, epochs, steps_per_epoch, callbacks, **kwargs):
    return model.fit(
        train,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
        **kwargs,
    ).history


class Accuracy(keras.metrics.Mean):
    """The accuracy of a task, in which each clip counts alike.

    The mean over batches would count those of a last, smaller one for more.

    Args:
        task: `losses.Task`.
    """

    def __init__(self, task):
        super().__init__("accuracy")
        self.task = task

    def update_state(self, labels, logits, sample_weight=None):
        clips = keras.ops.shape(logits)[0]
        super().update_state(self.task.accuracy(labels, logits), clips)


class KeepBest(keras.callbacks.Callback):
    """Restores the weights of the best epoch at the end.

    If epochs tie, the one of lower validation loss is better: accuracies on
    few clips tie often, and the first such epoch is of an attacker that has
    hardly trained.

    Args:
        measure: Name of the figure of an epoch that is to be high.

    Attributes:
        best: Pair of floats of the best epoch, the figure and the negative
            validation loss.
        accuracy: Float, its validation accuracy.
    """

    def __init__(self, measure):
        super().__init__()
        self.measure = measure
        self.best = (-1.0, 0.0)

    def on_epoch_end(self, epoch, logs=None):
        score = (logs[self.measure], -logs["val_loss"])
        if score > self.best:
            self.best = score
            self.accuracy = logs["val_accuracy"]
            self.weights = self.model.get_weights()

    def on_train_end(self, logs=None):
        self.model.set_weights(self.weights)


class StopAtGoal(keras.callbacks.Callback):
    """Stops at the first epoch that is good enough.

    Args:
        measure: Name of the figure of an epoch that is to be high.
        goal: Float, the figure that is good enough.
    """

    def __init__(self, measure, goal):
        super().__init__()
        self.measure, self.goal = measure, goal

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.measure] >= self.goal:
            self.model.stop_training = True


class StopAtPlateau(keras.callbacks.Callback):
    """Lowers the learning rate at two plateaus, and stops at the third.

    Args:
        measure: Name of the figure of an epoch that is to be high.
        learning_rate: Float, that of the first epoch.
        patience, least, doubled_over: See `fit`.
    """

    def __init__(
        self, measure, learning_rate, patience, least=0, doubled_over=None
    ):
        super().__init__()
        self.measure = measure
        self.learning_rate = learning_rate
        self.patience = patience
        self.least = least
        self.doubled_over = doubled_over
        self.high, self.low = -1.0, math.inf  # the best figure and loss
        self.waited = self.drops = 0
        self.doubling = None  # its first epoch, and the best figure before it

    def on_epoch_end(self, epoch, logs=None):
        figure, loss = logs[self.measure], logs["val_loss"]
        better = figure > self.high or loss < self.low
        self.waited = 0 if better else self.waited + 1
        self.high, self.low = max(figure, self.high), min(loss, self.low)
        if self.doubling:
            self._double(epoch + 1)
        elif self.waited >= self.patience and self.drops < DROPS:
            self._drop()
        elif self.waited >= self.patience and epoch + 1 >= self.least:
            self._settle(epoch + 1)

    def _drop(self):
        self.waited = 0
        self.drops += 1
        rate = self.learning_rate / FACTOR**self.drops
        self.model.optimizer.learning_rate = rate

    def _settle(self, spent):
        """Stops, or begins to double what was spent."""
        if not self.doubled_over:
            self.model.stop_training = True
            return
        self.doubling = spent, self.high
        self.drops = 0
        self.model.optimizer.learning_rate = self.learning_rate

    def _double(self, spent):
        """Drops the rate halfway through, and halfway through the rest."""
        first, before = self.doubling
        share = (spent - first) / first
        if share >= 1:
            error = math.sqrt(before * (1 - before) / self.doubled_over)
            if self.high - before <= error:
                self.model.stop_training = True
            else:
                self._settle(spent)
        elif share >= 1 - 0.5 ** (self.drops + 1) and self.drops < DROPS:
            self._drop()


def fit_identity(anonymizer, train, *, learning_rate, steps, callbacks=()):
    """Trains f_A to return its input, the start of the game (Sec. 4.1.2).

    Args:
        anonymizer: Model from frames in [0, 1] to the same.
        train: Endless dataset of frames `(batch, height, width, 3)`.
        learning_rate: Float, of Adam.
        steps: Int, updates.
        callbacks: See `keras.Model.fit`.

    Returns:
        What `fit_images` returns.
    """
    return fit_images(
        anonymizer,
        train.map(lambda frames: (frames, frames)),
        learning_rate=learning_rate,
        steps=steps,
        callbacks=callbacks,
    )


def fit_images(model, train, *, learning_rate, steps, callbacks=()):
    """Trains a model to turn frames into other frames.

    Args:
        model: Model from frames in [0, 1] to the same.
        train: Endless dataset of pairs of frames `(batch, height, width, 3)`,
            the input and the output that is wanted.
        learning_rate: Float, of Adam; it decays to a twentieth by a cosine.
        steps: Int, updates.
        callbacks: See `keras.Model.fit`.

    Returns:
        Float in [0, 1], the mean absolute error over the last tenth of the
        updates.
    """
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps, 0.05)
    _compile(model, keras.optimizers.Adam(rate), loss="mean_absolute_error")
    tenth = max(1, steps // 10)
    epochs = -(-steps // tenth)
    history = _history(model, train, epochs, tenth, list(callbacks))
    return history["loss"][-1]
