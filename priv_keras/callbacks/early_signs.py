"""Early warnings that a game is stuck, with the flag to change."""

import collections

import keras

TURNS = 10  # that a sign has to last
CERTAIN = 0.05  # share of the largest H_B, or of the loss of a guess


class EarlySigns(keras.callbacks.Callback):
    """Warns once of each sign that has lasted for ten turns.

    The signs are an f_B that is so certain that f_A learns next to nothing
    from it, and an f_T that has fallen to chance.

    Args:
        chance: Float in [0, 1], the share of the commonest action.
        remedy: String, what to do about an f_B that is certain.
        say: Callable that takes a string, such as `print`.
    """

    def __init__(self, chance, remedy, say):
        super().__init__()
        self.chance = chance
        self.remedy = remedy
        self.say = say
        self.recent = collections.defaultdict(
            lambda: collections.deque(maxlen=TURNS)
        )
        self.told = set()

    def on_train_batch_end(self, batch, logs=None):
        for name in ("budget_entropy", "budget_loss", "target_gate_accuracy"):
            if name in logs:
                self.recent[name].append(float(logs[name]))
        self._tell("certain", self._certain())
        self._tell("chance", self._at_chance())

    def _tell(self, sign, warning):
        if warning and sign not in self.told:
            self.told.add(sign)
            self.say(f"warning: {warning}")

    def _certain(self):
        classes = self.model.budgets[0].output_shape[-1]
        most = float(self.model.budget_task.most_entropy(classes))
        for name, symbol in (("budget_entropy", "H_B"), ("budget_loss", "L_B")):
            if self._lasts(name, lambda value: value < CERTAIN * most):
                return (
                    f"f_B is certain: {symbol} was under {CERTAIN:.0%} of "
                    f"{most:.2f}, that of a guess, for {TURNS} turns, and f_A "
                    f"learns little from such an f_B. {self.remedy}"
                )
        return ""

    def _at_chance(self):
        recent = self.recent["target_gate_accuracy"]
        if len(recent) < TURNS or sum(recent) > len(recent) * self.chance:
            return ""
        return (
            f"f_T is at chance: it read {sum(recent) / TURNS:.3f} of the "
            f"validation clips over {TURNS} turns, and the commonest action "
            f"alone gives {self.chance:.3f}. Lower --gamma or "
            "--anonymizer_learning_rate, or raise --max_target_steps."
        )

    def _lasts(self, name, holds):
        recent = self.recent[name]
        return len(recent) == TURNS and all(map(holds, recent))
