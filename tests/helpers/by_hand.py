"""Algorithms 1-4 on affine parties, in NumPy and float64, with gradients by
hand.

A party is a list of its kernel and bias, which updates change in place.
"""

import numpy as np

MOMENTUM = 0.9  # shows which optimizer's moments an update uses


class Softmax:
    """One class out of many; `labels` `(batch,)`."""

    @staticmethod
    def _p(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    @classmethod
    def loss(cls, labels, z):
        return -np.log(cls._p(z)[np.arange(len(z)), labels]).mean()

    @classmethod
    def loss_gradient(cls, labels, z):
        return (cls._p(z) - np.eye(z.shape[1])[labels]) / len(z)

    @classmethod
    def entropies(cls, z):
        p = cls._p(z)
        return -(p * np.log(p)).sum(axis=1)

    @classmethod
    def entropies_gradient(cls, z):
        """Returns the gradient of each example's entropy in its logits."""
        p = cls._p(z)
        return -p * (np.log(p) + cls.entropies(z)[:, None])

    @classmethod
    def uniform_losses(cls, z):
        return -np.log(cls._p(z)).mean(axis=1)

    @classmethod
    def uniform_gradient(cls, z):
        return cls._p(z) - 1 / z.shape[1]

    @staticmethod
    def accuracy(labels, z):
        return np.mean(z.argmax(axis=1) == labels)


class Sigmoid:
    """Attributes present or absent; `labels` `(batch, attributes)`."""

    @staticmethod
    def _p(z):
        return 1 / (1 + np.exp(-z))

    @classmethod
    def loss(cls, labels, z):
        p = cls._p(z)
        return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))

    @classmethod
    def loss_gradient(cls, labels, z):
        return (cls._p(z) - labels) / z.size

    @classmethod
    def entropies(cls, z):
        p = cls._p(z)
        return -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean(axis=1)

    @classmethod
    def entropies_gradient(cls, z):
        p = cls._p(z)
        return -z * p * (1 - p) / z.shape[1]

    @classmethod
    def uniform_losses(cls, z):
        p = cls._p(z)
        return -(np.log(p) + np.log(1 - p)).mean(axis=1) / 2

    @classmethod
    def uniform_gradient(cls, z):
        return (cls._p(z) - 0.5) / z.shape[1]

    @staticmethod
    def accuracy(labels, z):
        return np.mean((z > 0) == labels)


class Descent:
    """Gradient descent with momentum, in place."""

    def __init__(self, variables, rate):
        self.variables, self.rate = variables, rate
        self.forget()

    def forget(self):
        self.moments = [np.zeros_like(v) for v in self.variables]

    def __call__(self, gradients):
        for v, m, g in zip(
            self.variables, self.moments, gradients, strict=True
        ):
            m *= MOMENTUM
            m -= self.rate * g
            v += m


class Game:
    """Three parties that always see one batch and one validation batch.

    Args:
        anonymizer: Party from channels to channels.
        target: Party.
        budgets: Parties.
        fresh: Parties, the weights with which each f_B^i starts anew.
        rates: alpha_A, alpha_T and alpha_B.
        batch: Dict of arrays, (X^t, Y_T^t, Y_B^t).
        validation: The same, (X^v, Y_T^v).
        task: `Softmax` or `Sigmoid`, of the budget labels.
        gamma: Float.
        gates: `(threshold, cap)` of f_T, of f_B and of a fresh f_B.
        restart_every: Int, turns between restarts, 0 for no restarts.
        smoothing: Float, the share of a guess in the labels that f_B trains on.
    """

    def __init__(
        self,
        anonymizer,
        target,
        budgets,
        *,
        fresh,
        rates,
        batch,
        validation,
        task,
        gamma,
        gates,
        restart_every,
        smoothing=0.0,
    ):
        self.anonymizer, self.target = anonymizer, target
        self.budgets, self.fresh = budgets, fresh
        rate_a, rate_t, rate_b = rates
        self.step_a = Descent(anonymizer, rate_a)
        self.step_t = Descent(target, rate_t)
        self.step_both = Descent(target + anonymizer, rate_t)
        self.steps_b = [Descent(budget, rate_b) for budget in budgets]
        self.batch, self.validation = batch, validation
        self.task, self.gamma = task, gamma
        self.gate_t, self.gate_b, self.gate_fresh = gates
        self.restart_every = restart_every
        self.smoothing = smoothing
        self.logs = {}

    # Forward and backward passes of the parties.

    def anonymize(self, clips):
        kernel, bias = self.anonymizer
        return clips.astype("float64") @ kernel + bias

    def logits(self, party, batch=None):
        y = self.anonymize((batch or self.batch)["clips"])
        return y.reshape(len(y), -1) @ party[0] + party[1]

    def in_party(self, logits_gradient):
        y = self.anonymize(self.batch["clips"])
        flat = y.reshape(len(y), -1)
        return [flat.T @ logits_gradient, logits_gradient.sum(axis=0)]

    def in_anonymizer(self, party, logits_gradient):
        x = self.batch["clips"].astype("float64")
        back = (logits_gradient @ party[0].T).reshape(x.shape)
        return [
            np.einsum("nthwi,nthwo->io", x, back),
            back.sum(axis=(0, 1, 2, 3)),
        ]

    # Costs.

    def target_gradient(self):
        return Softmax.loss_gradient(
            self.batch["actions"], self.logits(self.target)
        )

    def budget_loss(self, budget):
        return self.task.loss(self.batch["budget_labels"], self.logits(budget))

    def budget_gradient(self, budget):
        return self.task.loss_gradient(
            self.batch["budget_labels"], self.logits(budget)
        )

    def smoothed_gradient(self, budget):
        z = self.logits(budget)
        guess = self.task.uniform_gradient(z) / len(z)
        label = self.budget_gradient(budget)
        return (1 - self.smoothing) * label + self.smoothing * guess

    def strongest(self):
        return int(np.argmin([self.budget_loss(b) for b in self.budgets]))

    # Lines of the algorithms.

    def restart(self, turn):
        """Restarts f_B (Sec. 3.5.1; Algorithm 4, lines 3-5)."""
        if self.restart_every and turn % self.restart_every == 0:
            for budget, fresh, step in zip(
                self.budgets, self.fresh, self.steps_b, strict=True
            ):
                for variable, anew in zip(budget, fresh, strict=True):
                    variable[...] = anew
                step.forget()
            self.train_budgets(self.gate_fresh, "restart_")

    def train_target(self, with_anonymizer):
        """Trains theta_T, Eq. (4b), or theta_A too, Eq. (6a) and (7b)."""

        def accuracy():
            return Softmax.accuracy(
                self.validation["actions"],
                self.logits(self.target, self.validation),
            )

        def update():
            gradient = self.target_gradient()
            gradients = self.in_party(gradient)
            if with_anonymizer:
                gradients += self.in_anonymizer(self.target, gradient)
                self.step_both(gradients)
            else:
                self.step_t(gradients)

        self.until(self.gate_t, accuracy, update, "target_steps")

    def train_budgets(self, gate, when=""):
        """Trains theta_B^i, Eq. (4c), (6c), (7c) and (9c)."""
        for i, (budget, step) in enumerate(
            zip(self.budgets, self.steps_b, strict=True)
        ):
            self.until(
                gate,
                lambda budget=budget: self.task.accuracy(
                    self.batch["budget_labels"], self.logits(budget)
                ),
                lambda budget=budget, step=step: step(
                    self.in_party(self.smoothed_gradient(budget))
                ),
                f"{when}budget_{i}_steps",
            )

    def until(self, gate, accuracy, update, name):
        threshold, cap = gate
        steps = 0
        while accuracy() <= threshold and steps < cap:
            update()
            steps += 1
        self.logs[name] = steps

    def down_in_anonymizer(self, of_target, of_budgets):
        """Moves theta_A down L_T - gamma times the sum of `of_budgets`."""
        self.step_a(
            [
                target - self.gamma * budgets
                for target, budgets in zip(of_target, of_budgets, strict=True)
            ]
        )

    def grl(self, turn):
        """Plays a turn of Algorithm 1."""
        self.restart(turn)
        j = self.strongest()
        self.logs["budget_loss"] = self.budget_loss(self.budgets[j])
        self.down_in_anonymizer(
            self.in_anonymizer(self.target, self.target_gradient()),
            self.in_anonymizer(
                self.budgets[j], self.budget_gradient(self.budgets[j])
            ),
        )
        self.train_target(with_anonymizer=False)
        self.train_budgets(self.gate_b)

    def k_beam(self, turn, ascent_steps):
        """Plays a turn of Algorithm 2."""
        self.restart(turn)
        self.train_target(with_anonymizer=True)
        j = self.logs["strongest_budget"] = self.strongest()
        for _ in range(ascent_steps):
            self.logs["budget_loss"] = self.budget_loss(self.budgets[j])
            up = self.in_anonymizer(
                self.budgets[j], self.budget_gradient(self.budgets[j])
            )
            self.step_a([-g for g in up])
        self.train_budgets(self.gate_b)

    def entropy(self, turn, per_sample=False, uniform=False, steps=1):
        """Plays a turn of Algorithm 3 or 4, against the f_B^i that is most
        confident of the batch, or of each of its clips."""
        self.restart(turn)
        for _ in range(steps):
            self.hide(per_sample, uniform)
        self.train_target(with_anonymizer=True)
        self.train_budgets(self.gate_b)

    def hide(self, per_sample, uniform):
        """Moves theta_A down L_T + gamma times -H_B, or the cross-entropy to
        the uniform distribution."""
        z = [self.logits(budget) for budget in self.budgets]
        entropies = np.stack([self.task.entropies(each) for each in z])
        costs = -entropies
        if uniform:
            costs = np.stack([self.task.uniform_losses(each) for each in z])
        if per_sample:
            chosen = np.argmax(costs, axis=0)
        else:
            chosen = np.full(len(z[0]), np.argmax(costs.mean(axis=1)))
        self.chosen = chosen
        each = np.take_along_axis(entropies, chosen[None], axis=0)
        self.logs["budget_entropy"] = each.mean()

        def gradient(logits):
            if uniform:
                return -self.task.uniform_gradient(logits)
            return self.task.entropies_gradient(logits)

        parts = [
            self.in_anonymizer(
                budget,
                gradient(logits) * (chosen == i)[:, None] / len(chosen),
            )
            for i, (budget, logits) in enumerate(
                zip(self.budgets, z, strict=True)
            )
        ]
        self.down_in_anonymizer(
            self.in_anonymizer(self.target, self.target_gradient()),
            [sum(part) for part in zip(*parts, strict=True)],
        )
