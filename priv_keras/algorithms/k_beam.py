"""Algorithm 2: alternating optimization of K beams (Sec. 3.3.2)."""

import functools

import tensorflow as tf

from priv_keras.algorithms.base import AdversarialModel


class KBeam(AdversarialModel):
    """Algorithm 2; K is the number of budget models.

    L_T and L_B take turns on theta_A, so gamma has no part: `ascent_steps` and
    the learning rates weigh them against each other.

    Args:
        ascent_steps: Int, d_iter.
        **kwargs: See `AdversarialModel`.
    """

    def __init__(self, *args, ascent_steps=30, **kwargs):
        super().__init__(*args, **kwargs)
        self.ascent_steps = ascent_steps

    def train_step(self, streams):
        logs = self.restart_if_due(streams)  # Sec. 3.5.1
        logs |= self.train_target(streams)  # Eq. (6a)
        logs |= self.ascend_anonymizer(streams)  # Eq. (6b)
        logs |= self.train_budgets(streams, self.budget_gate)  # Eq. (6c)
        return logs

    @tf.function(autograph=False)
    def ascend_anonymizer(self, streams):
        """Moves theta_A d_iter times up L_B^j, j = argmin_i L_B^i, Eq. (6b)."""
        names = streams.of_budgets
        found = self.on_replicas(self.budget_losses, streams, names)
        strongest = tf.argmin(found, output_type=tf.int32)

        def ascend(batch):
            return self.descend(
                "anonymizer",
                self.optimizer,
                self.anonymizer.trainable_variables,
                lambda: -self.budget_loss_of(strongest, batch),
            )

        def step(count, _):
            return count + 1, -self.update(ascend, streams, names)

        _, budget_loss = tf.while_loop(
            lambda count, _: count < self.ascent_steps,
            step,
            (tf.constant(0), found[0] * 0.0),
        )
        return {"strongest_budget": strongest, "budget_loss": budget_loss}

    def budget_loss_of(self, index, batch):
        """Returns L_B of the budget model whose index is a tensor."""
        anonymized = self.anonymize_for_budgets(batch)
        return tf.switch_case(
            index,
            [
                functools.partial(self.budget_loss, budget, anonymized, batch)
                for budget in self.budgets
            ],
        )
