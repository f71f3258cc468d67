"""Algorithms 3 and 4: Ours-Entropy (Sec. 3.3.3 and 3.5.3)."""

import tensorflow as tf

from priv_keras.algorithms.base import AdversarialModel
from priv_keras.algorithms.base import descend


class Entropy(AdversarialModel):
    """Algorithm 3; with several budget models, Algorithm 4.

    One budget model makes Eq. (9) equal to Eq. (7), so both are one class. The
    restarts of Algorithm 4, lines 3-5, are not built yet.
    """

    def train_step(self, iterator):
        logs = self.on_replicas(self.update_anonymizer, iterator)  # line 3
        logs |= self.train_target(iterator)  # lines 4-6, Eq. (7b), (9b)
        logs |= self.train_budgets(iterator)  # lines 7-9, Eq. (7c), (9c)
        return logs

    def update_anonymizer(self, batch):
        """theta_A down L_T + gamma max_i(-H_B^i), Eq. (7a) and (9a)."""
        return descend(
            self.optimizer,
            self.anonymizer.trainable_variables,
            lambda: self.anonymizer_costs(batch),
        )

    def anonymizer_costs(self, batch):
        anonymized, budget_anonymized = self.anonymize_both(batch)
        target_loss = self.target_loss(anonymized, batch)
        # The most confident budget model: max of -H_B is -(min of H_B).
        entropy = tf.reduce_min(
            [
                self.budget_entropy(budget, budget_anonymized)
                for budget in self.budgets
            ]
        )
        return {
            "loss": target_loss - self.gamma * entropy,
            "target_loss": target_loss,
            "budget_entropy": entropy,
        }
