"""Algorithm 1: gradient reversal (Sec. 3.3.1)."""

import tensorflow as tf

from priv_keras.algorithms.base import AdversarialModel
from priv_keras.algorithms.replicas import over_replicas
from priv_keras.layers import GradientReversal


class GRL(AdversarialModel):
    """Algorithm 1.

    The paper does not say what to do with several budget models. Here f_A
    works against the one of the lowest loss, as in Algorithm 2.

    Args:
        warm_up_turns: Int, turns over which the reversal's scale rises to
            gamma, as gamma (2 / (1 + exp(-10 p)) - 1) with p from 0 to 1
            (Ganin and Lempitsky, 2015); 0 keeps it at gamma throughout.
        **kwargs: See `AdversarialModel`.
    """

    cost_names = ("loss", "target_loss", "budget_loss")

    def __init__(self, *args, warm_up_turns=0, **kwargs):
        super().__init__(*args, **kwargs)
        self.warm_up_turns = warm_up_turns
        self.reversal = GradientReversal(self.gamma)

    @property
    def target_step_variables(self):
        """theta_T alone, which the target step trains, Eq. (4b)."""
        return self.target.trainable_variables

    def train_step(self, streams):
        logs = self.restart_if_due(streams)  # Sec. 3.5.1
        self.set_reversal()
        logs |= self.update_anonymizer(streams)  # Eq. (4a)
        logs |= self.train_target(streams)  # Eq. (4b)
        logs |= self.train_budgets(streams, self.budget_gate)  # Eq. (4c)
        return logs

    def set_reversal(self):
        """Sets the reversal's scale to that of this turn."""
        if self.warm_up_turns:
            p = min(1.0, self.turns_played() / self.warm_up_turns)
            rise = 2 / (1 + tf.exp(-10.0 * p)) - 1
            self.reversal.scale.assign(self.gamma * rise)

    def anonymizer_costs(self, batch):
        """Returns the cost whose gradient the reversal makes that of
        L_T - gamma L_B, Eq. (4a), and its terms.

        Args:
            batch: Dict, see the class.

        Returns:
            Dict of scalars: `loss`, `target_loss` and `budget_loss`.
        """
        anonymized, budget_anonymized = self.anonymize_both(batch)
        reversed_ = self.reversal(budget_anonymized)
        target_loss = self.target_loss(anonymized, batch)
        budget_losses = tf.stack(
            [
                self.budget_loss(budget, reversed_, batch)
                for budget in self.budgets
            ]
        )
        strongest = tf.argmin(over_replicas(budget_losses))
        budget_loss = tf.gather(budget_losses, strongest)
        # A sum: the reversal turns its gradient into that of Eq. (4a).
        return {
            "loss": target_loss + budget_loss,
            "target_loss": target_loss,
            "budget_loss": budget_loss,
        }
