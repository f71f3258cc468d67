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
        privacy_cost: `"entropy"`, -H_B as written; or `"uniform"`, the
            cross-entropy of f_B's prediction to the uniform distribution (to
            one half for each attribute). Both are least where f_B guesses, but
            the entropy of an f_B that is certain has next to no gradient.
        privacy_on: What f_B is shown where f_A is to hide from it, if f_B has
            batches of its own: `"pictures"`, those (Sec. 3.4); `"clips"`, f_T's
            clips, as in the published code, since H_B needs no labels; or
            `"both"`.
        entropy_threshold: Float in [0, 1], the share of the largest H_B beyond
            which f_A makes no further one of its `anonymizer_steps`.
        **kwargs: See `AdversarialModel`.
    """

    cost_names = ("loss", "target_loss", "privacy_cost", "budget_entropy")

    def __init__(
        self,
        *args,
        most_confident="batch",
        privacy_cost="entropy",
        privacy_on="pictures",
        entropy_threshold=1.0,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        for name, value, known in (
            ("most_confident", most_confident, ("batch", "sample")),
            ("privacy_cost", privacy_cost, ("entropy", "uniform")),
            ("privacy_on", privacy_on, ("pictures", "clips", "both")),
        ):
            if value not in known:
                raise ValueError(
                    f"`{name}` must be one of {', '.join(known)}. Received: "
                    f"{value!r}."
                )
        self.most_confident = most_confident
        self.privacy_cost = privacy_cost
        self.privacy_on = privacy_on
        self.entropy_threshold = entropy_threshold

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
            Dict of scalars: `loss`, `target_loss`, `privacy_cost` and
            `budget_entropy`, the H_B of the f_B^i that are met.
        """
        clips, pictures = self.anonymize_both(batch)
        target_loss = self.target_loss(clips, batch)
        shown = {"pictures": [pictures], "clips": [clips]}.get(
            self.privacy_on, [pictures, clips]
        )
        logits = [
            tf.concat([budget(x) for x in shown], axis=0)
            for budget in self.budgets
        ]
        costs = tf.stack([self.privacy_costs(each) for each in logits])
        met = self.most_confident_of(costs)

        def of_met(values):
            chosen = tf.gather(tf.transpose(values), met, batch_dims=1)
            return tf.reduce_mean(chosen)

        cost = of_met(costs)
        entropies = [self.budget_task.entropies(each) for each in logits]
        return {
            "loss": target_loss + self.gamma * cost,
            "target_loss": target_loss,
            "privacy_cost": cost,
            "budget_entropy": of_met(tf.stack(entropies)),
        }

    def privacy_costs(self, logits):
        """Returns the `privacy_cost` of each clip, `(batch,)`."""
        if self.privacy_cost == "uniform":
            return self.budget_task.uniform_losses(logits)
        return -self.budget_task.entropies(logits)

    def most_confident_of(self, costs):
        """Returns the index of the f_B^i that each clip meets, `(batch,)`.

        Args:
            costs: Tensor `(budgets, batch)`, the `privacy_costs` of each f_B^i.
        """
        if self.most_confident == "sample":
            return tf.argmax(costs, axis=0)
        strongest = tf.argmax(over_replicas(tf.reduce_mean(costs, axis=1)))
        return tf.fill(tf.shape(costs)[1:], strongest)

    def hides_enough(self, costs):
        classes = self.budgets[0].output_shape[-1]
        most = self.budget_task.most_entropy(classes)
        return costs["budget_entropy"] > self.entropy_threshold * most
