"""Games that are played for a few turns, and what they log."""

import tensorflow as tf
from toys import toy_batch


def play(game, data, watchers, epochs=2, initial_epoch=0):
    game.fit(
        data,
        initial_epoch=initial_epoch,
        epochs=epochs,
        steps_per_epoch=2,
        validation_data=tf.data.Dataset.from_tensors(toy_batch()),
        callbacks=watchers,
        shuffle=False,
        verbose=0,
    )


def values(folder):
    for path in folder.glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            yield from ((v, event.step) for v in event.summary.value)


def events(folder):
    for value, step in values(folder):
        yield value.tag, step
