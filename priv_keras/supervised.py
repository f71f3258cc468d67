"""Training one network alone: warm-ups before the game, attackers after it."""

import keras


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
    callbacks=(),
):
    """Trains a classifier until `task.metric` on validation no longer rises.

    The learning rate is divided by 5 after half of `patience`. The weights of
    the epoch that is best on validation are kept.

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
        goal: Float in [0, 1], the metric that is good enough to stop at.
        callbacks: Further ones, see `keras.Model.fit`.

    Returns:
        Dict: `epochs` trained; `converged`, whether it ended at a plateau or
        the goal rather than after `epochs`; `learning_rate` at the end;
        `validation_accuracy` of the epoch that is kept; and the highest
        `training_accuracy` of any epoch.
    """
    measure = _compile_classifier(model, task, learning_rate)
    best = KeepBest(measure, goal, patience or epochs)
    slower = _slow_down(measure, learning_rate, patience)
    history = _history(
        model,
        train,
        epochs,
        steps_per_epoch,
        [best, *callbacks, *slower],
        validation_data=validation,
    )
    return {
        "epochs": len(history["loss"]),
        "converged": model.stop_training,
        "learning_rate": float(model.optimizer.learning_rate),
        "validation_accuracy": best.accuracy,
        "training_accuracy": max(history["accuracy"]),
    }


def _compile_classifier(model, task, learning_rate):
    """Returns the name of the validation figure that is to be high."""
    metric = task.metric()
    accuracy = keras.metrics.MeanMetricWrapper(task.accuracy, "accuracy")
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


def _slow_down(measure, learning_rate, patience):
    """Returns a list of the callback that lowers the rate, if any."""
    if not patience:
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            measure,
            mode="max",
            factor=0.2,
            patience=max(1, patience // 2),
            min_lr=learning_rate / 100,
        )
    ]


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


class KeepBest(keras.callbacks.Callback):
    """Stops at a goal or a plateau, and restores the best epoch's weights.

    If epochs tie, the one of lower validation loss is better: accuracies on
    few clips tie often, and the first such epoch is of an attacker that has
    hardly trained.

    Args:
        measure: Name of the figure of an epoch that is to be high.
        goal: Float, the figure at which training stops.
        patience: Int, epochs without a higher figure after which it stops.

    Attributes:
        accuracy: Float, the validation accuracy of the best epoch.
    """

    def __init__(self, measure, goal, patience):
        super().__init__()
        self.measure = measure
        self.goal = goal
        self.patience = patience
        self.best = (-1.0, 0.0)
        self.waited = 0

    def on_epoch_end(self, epoch, logs=None):
        score = (logs[self.measure], -logs["val_loss"])
        self.waited = 0 if score[0] > self.best[0] else self.waited + 1
        if score > self.best:
            self.best = score
            self.accuracy = logs["val_accuracy"]
            self.weights = self.model.get_weights()
        if score[0] >= self.goal or self.waited >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.model.set_weights(self.weights)


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
