"""The parties' optimizers, and one step of an optimizer."""

from typing import NamedTuple

import keras
import tensorflow as tf


class Optimizers(NamedTuple):
    """One optimizer for each update rule.

    Two of them may move theta_A, each with moments of its own.
    """

    anonymizer: keras.Optimizer  # theta_A at alpha_A, Eq. (4a), (6b), (7a)
    target: keras.Optimizer  # the target step at alpha_T, Eq. (4b), (6a), (7b)
    budgets: list  # one per theta_B^i at alpha_B, Eq. (4c), (6c), (7c)


def for_each_party(optimizer, num_budgets):
    """Returns the `Optimizers` of a game.

    Args:
        optimizer: `Optimizers`, whose `budgets` may be one optimizer if there
            is one budget model; or one optimizer or its name, to be copied for
            each party.
        num_budgets: Int.

    Returns:
        `Optimizers`, whose `budgets` is a list.

    Raises:
        ValueError: If a budget model lacks an optimizer.
    """
    if not isinstance(optimizer, Optimizers):
        config = keras.optimizers.serialize(keras.optimizers.get(optimizer))
        anonymizer, target, *budgets = (
            keras.optimizers.deserialize(config) for _ in range(2 + num_budgets)
        )
        return Optimizers(anonymizer, target, budgets)
    if isinstance(optimizer.budgets, keras.Optimizer):
        optimizer = optimizer._replace(budgets=[optimizer.budgets])
    if len(optimizer.budgets) != num_budgets:
        raise ValueError(
            f"Each budget model needs its own optimizer. Received: "
            f"{num_budgets} budget models and {len(optimizer.budgets)} budget "
            "optimizers."
        )
    return optimizer


class ByTurn(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule over turns, since gates leave the number of updates open.

    Args:
        schedule: `LearningRateSchedule`.
        turn: Weight, `turn` of the game.
    """

    def __init__(self, schedule, turn):
        self.schedule = schedule
        self.turn = turn

    def __call__(self, step):
        return self.schedule(self.turn.value)


def forget(optimizer):
    """Zeroes an optimizer's moments and its count of steps."""
    # The loss scale stays: it depends on the hardware, not on the weights.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    for variable in optimizer.variables:
        if variable.name != "learning_rate":
            variable.assign(tf.zeros_like(variable.value))


def gradient_step(optimizer, variables, loss_fn):
    """Takes one step down `loss_fn()` in `variables` alone.

    If `loss_fn` returns a dict, the step goes down its `"loss"`.

    Returns:
        What `loss_fn` returned, and the global norm of the loss's gradient.
    """
    values = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        outputs = loss_fn()
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        # Keras sums the gradients of replicas; the loss is a mean over all.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        share = optimizer.scale_loss(loss / replicas)  # for float16
    gradients = tape.gradient(share, values)
    scale = optimizer.scale_loss(tf.ones_like(loss) / replicas)
    norm = tf.linalg.global_norm(gradients) / scale
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        gradients = finite_on_all(gradients)
    optimizer.apply(gradients, variables)
    return outputs, norm


def finite_on_all(gradients):
    """Makes gradients NaN on all replicas if they overflowed on one.

    Keras looks at its first replica alone to decide whether to skip an update.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return gradients
    # 0 if all are finite, NaN if one is not.
    nothing = tf.add_n([tf.reduce_sum(0 * g) for g in gradients])
    nothing = context.all_reduce(tf.distribute.ReduceOp.SUM, nothing)
    return [gradient + nothing for gradient in gradients]
