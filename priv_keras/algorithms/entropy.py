"""Algorithms 3 and 4: Ours-Entropy (Sec. 3.3.3 and 3.5.3)."""

import tensorflow as tf

from priv_keras.algorithms.base import AdversarialModel
from priv_keras.algorithms.replicas import over_replicas


class Entropy(AdversarialModel):
    """Algorithm 3; with restarts or several budget models, Algorithm 4.

    With one budget model Eq. (9) equals Eq. (7), so both are one class.

    Args:
        most_confident: `"batch"` takes the max of Eq. (9a) over the mean
            entropies of a batch, as written; `"sample"` takes it for each clip,
            which then meets the budget model that is most confident of it.
        **kwargs: See `AdversarialModel`.
    """

    def __init__(self, *args, most_confident="batch", **kwargs):
        super().__init__(*args, **kwargs)
        if most_confident not in ("batch", "sample"):
            raise ValueError(
                "`most_confident` must be 'batch' or 'sample'. Received: "
                f"{most_confident!r}."
            )
        self.most_confident = most_confident

    def train_step(self, streams):
        logs = self.restart_if_due(streams)  # Algorithm 4, lines 3-5
        # Algorithm 3, lines 3, 4-6, 7-9.
        logs |= self.update_anonymizer(streams)  # Eq. (7a), (9a)
        logs |= self.train_target(streams)  # Eq. (7b), (9b)
        logs |= self.train_budgets(streams, self.budget_gate)  # (7c), (9c)
        return logs

    def anonymizer_costs(self, batch):
        """Returns L_T + gamma max_i(-H_B^i), Eq. (7a) and (9a), and its terms.

        Args:
            batch: Dict, see the class.

        Returns:
            Dict of scalars: `loss`, `target_loss` and `budget_entropy`.
        """
        anonymized, budget_anonymized = self.anonymize_both(batch)
        target_loss = self.target_loss(anonymized, batch)
        entropies = tf.stack(
            [
                self.budget_entropies(budget, budget_anonymized)
                for budget in self.budgets
            ]
        )
        # The most confident one: the max of -H_B is -(the min of H_B).
        if self.most_confident == "sample":
            entropy = tf.reduce_mean(tf.reduce_min(entropies, axis=0))
        else:
            entropies = tf.reduce_mean(entropies, axis=1)
            entropy = tf.gather(entropies, tf.argmin(over_replicas(entropies)))
        return {
            "loss": target_loss - self.gamma * entropy,
            "target_loss": target_loss,
            "budget_entropy": entropy,
        }
