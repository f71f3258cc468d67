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

    The learning rate drops by 5 after half of `patience`. The weights of the
    best epoch on validation are kept.

    Args:
        model: Model from clips to logits.
        train: Endless dataset of `(clips, labels)` batches.
        validation: Finite dataset of `(clips, labels)` batches.
        task: `losses.SINGLE_LABEL` or `losses.MULTI_LABEL`.
        learning_rate: Float, of Adam.
        epochs: Int, at most so many.
        steps_per_epoch: Int, updates between validations.
        patience: Int, epochs without a better one before it gives up; `None`
            to train for all `epochs`.
        goal: Float in [0, 1], what of it is enough.
        callbacks: More of them, as of `keras.Model.fit`.

    Returns:
        Dict: `epochs` trained; `converged`, whether a plateau or the goal
        ended it rather than `epochs`; `learning_rate` at the end;
        `validation_accuracy` of the epoch that is kept; and
        `training_accuracy`, the highest of an epoch while it trained.
    """
    metric = task.metric()
    accuracy = keras.metrics.MeanMetricWrapper(task.accuracy, "accuracy")
    _compile(
        model,
        keras.optimizers.Adam(learning_rate),
        loss=task.loss,
        metrics=list({m.name: m for m in (metric, accuracy)}.values()),
    )
    measure = f"val_{metric.name}"
    best = KeepBest(measure, goal, patience or epochs)
    callbacks = [best, *callbacks]
    if patience:
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                measure,
                mode="max",
                factor=0.2,
                patience=max(1, patience // 2),
                min_lr=learning_rate / 100,
            )
        )
    history = model.fit(
        train,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        validation_data=validation,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    ).history
    return {
        "epochs": len(history["loss"]),
        "converged": model.stop_training,
        "learning_rate": float(model.optimizer.learning_rate),
        "validation_accuracy": best.accuracy,
        "training_accuracy": max(history["accuracy"]),
    }


def _compile(model, optimizer, **kwargs):
    # XLA compiles for longer than a small network trains.
    model.compile(optimizer=optimizer, jit_compile=False, **kwargs)
    # A step that makes its optimizer's slots is traced again, without them.
    model.optimizer.build(model.trainable_variables)


class KeepBest(keras.callbacks.Callback):
    """Stops at a goal or a plateau, and restores the best epoch's weights.

    Of epochs that measure alike the one of lower validation loss is better: on
    few clips accuracies tie often, and the first of them is an attacker hardly
    trained.

    Args:
        measure: Name of the figure of an epoch that is to be high.
        goal: Float, stop where it is so high.
        patience: Int, stop after so many epochs without a higher one.

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
    """Trains f_A to return its input: the start of the game (Sec. 4.1.2).

    Args:
        anonymizer: Model of frames in [0, 1].
        train: Endless dataset of frames `(batch, height, width, 3)`.
        learning_rate: Float, of Adam.
        steps: Int, updates.
        callbacks: As of `keras.Model.fit`.

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
    """Trains a model of frames to return other frames.

    Args:
        model: Model of frames in [0, 1].
        train: Endless dataset of pairs of frames `(batch, height, width, 3)`:
            what it is given, and what it is to return.
        learning_rate: Float, of Adam; a cosine takes it to a twentieth.
        steps: Int, updates.
        callbacks: As of `keras.Model.fit`.

    Returns:
        Float, the mean absolute error of the last tenth of the updates, in
        [0, 1].
    """
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps, 0.05)
    _compile(model, keras.optimizers.Adam(rate), loss="mean_absolute_error")
    tenth = max(1, steps // 10)
    history = model.fit(
        train,
        epochs=-(-steps // tenth),
        steps_per_epoch=tenth,
        callbacks=list(callbacks),
        shuffle=False,
        verbose=0,
    ).history
    return history["loss"][-1]
