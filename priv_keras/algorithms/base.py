"""What Algorithms 1-4 share: the three parties and the steps they all take."""

import contextlib
import random
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.gates import train_until
from priv_keras.losses import SINGLE_LABEL


class Optimizers(NamedTuple):
    """One optimizer per step rule; theta_A has two, with their own moments."""

    anonymizer: keras.Optimizer  # theta_A at alpha_A, Eq. (4a), (6b), (7a)
    target: keras.Optimizer  # the target step at alpha_T, Eq. (4b), (6a), (7b)
    budgets: list  # theta_B^i at alpha_B, Eq. (4c), (6c), (7c), one each


class ByTurn(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that counts turns: gates leave the number of updates open.

    Args:
        schedule: `LearningRateSchedule`.
        turn: The `turn` of the game.
    """

    def __init__(self, schedule, turn):
        self.schedule = schedule
        self.turn = turn

    def __call__(self, step):
        return self.schedule(self.turn.value)


class Restarts(NamedTuple):
    """When every theta_B^i starts anew, Sec. 3.5.1."""

    every: int  # turns, rstrt_iter, 0 for never; the first is at turn 0
    gate: Gate  # what a fresh f_B^i trains to while f_A and f_T are frozen
    seed: int = 0  # of the fresh weights
    patience: int | None = None  # turns without a new low of L_B; not in paper


class Streams(NamedTuple):
    """Iterators of the batches that a turn draws."""

    target: object  # of (X^t, Y_T^t); where there is no `budget`, of Y_B^t too
    validation: object  # of (X^v, Y_T^v)
    budget: object  # of f_B's own, (X^t, Y_B^t), or `None`

    @property
    def of_budgets(self):
        """Names of where a batch for f_B alone comes from."""
        return ("target",) if self.budget is None else ("budget",)

    @property
    def of_both(self):
        """Names of where a batch for f_T and f_B comes from."""
        return ("target",) if self.budget is None else ("target", "budget")


class AdversarialModel(keras.Model):
    """An anonymizer f_A, a target model f_T and budget models f_B^i at play.

    A subclass adds `train_step`: one turn of its algorithm's outer loop, as
    plain Python over steps that are each compiled. A batch is a dict: `clips`
    `(batch, frames, height, width, channels)` in [0, 1], `actions` and
    `budget_labels`. Where the budget labels are of other pictures (Sec. 3.4),
    these are `budget_clips`, of a stream of their own; else both losses see
    the same clips, and f_A filters them once.

    `train_step` takes `Streams`, not a batch, and runs outside the replicas
    (`tf.distribute`'s cross-replica context), since an optimizer cannot step
    in a loop inside a replica. The gated loops are here, single updates are
    `on_replicas`. A party that a step does not update runs in inference mode,
    so that its batch statistics stay put too.

    Args:
        anonymizer: Model from frames `(batch, height, width, channels)` in
            [0, 1] to the same. Must act alike in training and inference.
        target: Model from clips to action logits `(batch, actions)`.
        budgets: List of models from clips to logits `(batch, classes)`.
        budget_task: `losses.SINGLE_LABEL` or `losses.MULTI_LABEL`.
        gamma: Non-negative float, weight of the privacy cost in Eq. (3).
        target_gate: `Gate` on the validation accuracy of `target`, th_T.
        budget_gate: `Gate` on the training accuracy of each f_B^i, th_B.
        restarts: `Restarts`, or `None` for a game without.
        accumulate_steps: Int, batches whose gradients one update averages.
            The optimizers must agree (`gradient_accumulation_steps`). Which
            f_B^i is the strongest is asked of each of these batches; K-Beam
            asks one, before its ascent.
        timed: Bool, whether to measure how long batches are waited for. Not
            where operations are deterministic: TensorFlow's clock is none.

    Attributes:
        turn: int64 weight, the turns played, which schedules may read.
        drawn: int64 weight `(3,)`, batches drawn of each of `Streams` since
            they were dealt.
        gradient_norms: Dict of party to a variable, see `descend`.
        waited: float64 variable, seconds of a turn in which a batch was awaited
            here, be it beside other work.
        clips_read: int64 variable, clips that a turn drew here.
    """

    def __init__(
        self,
        anonymizer,
        target,
        budgets,
        *,
        budget_task,
        gamma,
        target_gate,
        budget_gate,
        restarts=None,
        accumulate_steps=1,
        timed=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not budgets:
            raise ValueError(
                "The game needs at least one budget model. Received: "
                "budgets=[]."
            )
        if gamma < 0:
            raise ValueError(
                "`gamma` weighs the privacy cost and must not be negative. "
                f"Received: gamma={gamma}."
            )
        self.anonymizer = anonymizer
        self.target = target
        self.budgets = list(budgets)
        self.budget_task = budget_task
        self.gamma = gamma
        self.target_gate = target_gate
        self.budget_gate = budget_gate
        self.restarts = restarts
        self.accumulate_steps = accumulate_steps
        self.timed = timed
        self.turn = self._counter("turn", 0)
        self.drawn = self._counter("drawn", 0, (len(Streams._fields),))
        self.lowest_budget_loss = self._counter("lowest_budget_loss", np.inf)
        self.turns_since_lowest = self._counter("turns_since_lowest", 0)
        self.gradient_norms = {
            party: self._norm()
            for party in ("anonymizer", "target", *self.budget_names)
        }
        self.waited = self._tally(tf.float64)
        self.clips_read = self._tally(tf.int64)
        # XLA cannot draw from an iterator; Keras would turn it on with a GPU.
        self.supports_jit = False
        self.built = True  # as every party is

    def _counter(self, name, start, shape=()):
        return self.add_weight(
            name=name,
            shape=shape,
            dtype="float32" if start else "int64",
            initializer=keras.initializers.Constant(start),
            trainable=False,
            aggregation="only_first_replica",
        )

    def _norm(self):
        # Each replica has its own, which none waits for: it changes in loops.
        return tf.Variable(
            0.0,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.MEAN,
        )

    def _tally(self, dtype):
        # No weight, which a checkpoint would hold.
        return tf.Variable(
            tf.zeros((), dtype),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    @property
    def budget_names(self):
        """What the figures of each f_B^i are named after."""
        return [f"budget_{i}" for i in range(len(self.budgets))]

    def compile(self, *, optimizers, validation, budget_data=None):
        """Binds optimizers and data to the game.

        Args:
            optimizers: `Optimizers`.
            validation: Endless `tf.data.Dataset` of batches, (X^v, Y_T^v); or
                `None` for a game that is not played any more.
            budget_data: Endless `tf.data.Dataset` of batches of `budget_clips`
                and `budget_labels`; `None` where those that `fit` is given
                have all.

        Raises:
            ValueError: If a budget model lacks an optimizer.
        """
        if len(optimizers.budgets) != len(self.budgets):
            raise ValueError(
                "Each budget model needs its own optimizer. Received: "
                f"{len(self.budgets)} budget models and "
                f"{len(optimizers.budgets)} budget optimizers."
            )
        super().compile(optimizer=optimizers.anonymizer)
        self.target_optimizer = optimizers.target
        self.budget_optimizers = list(optimizers.budgets)
        self.deal(validation, budget_data)
        # Built now: slots cannot be made inside a graph's loop, and a resumed
        # run would find none to restore into.
        self.optimizer.build(self.anonymizer.trainable_variables)
        self.target_optimizer.build(self.target_step_variables)
        for budget, optimizer in zip(
            self.budgets, self.budget_optimizers, strict=True
        ):
            optimizer.build(budget.trainable_variables)

    def deal(self, validation, budget_data=None):
        """Binds data to the game, as `compile` does, from its beginning."""
        self.validation = self._endless(validation)
        self.budget_data = self._endless(budget_data)

    def _endless(self, dataset):
        strategy = self.distribute_strategy
        return dataset and iter(
            strategy.experimental_distribute_dataset(dataset)
        )

    @property
    def target_step_variables(self):
        """What the target step trains: theta_T and theta_A, Eq. (6a), (7b)."""
        return (
            self.target.trainable_variables
            + self.anonymizer.trainable_variables
        )

    # The parties.

    def anonymize(self, clips):
        """f_A(X), frame by frame."""
        frames = tf.reshape(clips, (-1, *clips.shape[2:]))
        return tf.reshape(self.anonymizer(frames), tf.shape(clips))

    def anonymize_both(self, batch):
        """f_A on what f_T sees and on what f_B sees, once where they agree."""
        anonymized = self.anonymize(batch["clips"])
        if "budget_clips" not in batch:
            return anonymized, anonymized
        return anonymized, self.anonymize(batch["budget_clips"])

    def anonymize_for_budgets(self, batch):
        own = "budget_clips" if "budget_clips" in batch else "clips"
        return self.anonymize(batch[own])

    def call(self, clips, training=False):
        return self.target(self.anonymize(clips), training=training)

    # Costs, named as in Sec. 3.3, of clips that f_A has filtered.

    def target_loss(self, anonymized, batch, training=False):
        """L_T(theta_A, theta_T)."""
        logits = self.target(anonymized, training=training)
        return SINGLE_LABEL.loss(batch["actions"], logits)

    def budget_loss(self, budget, anonymized, batch, training=False):
        """L_B(theta_A, theta_B^i)."""
        logits = budget(anonymized, training=training)
        return self.budget_task.loss(batch["budget_labels"], logits)

    def budget_losses(self, batch):
        """L_B of each f_B^i, a list."""
        anonymized = self.anonymize_for_budgets(batch)
        return [
            self.budget_loss(budget, anonymized, batch)
            for budget in self.budgets
        ]

    def budget_entropies(self, budget, anonymized):
        """H_B(theta_A, theta_B^i) of each clip, `(batch,)`."""
        return self.budget_task.entropies(budget(anonymized))

    # Steps, in cross-replica context. Each is a graph of its own.

    def draw(self, streams, names):
        """A batch with what the next of each named stream holds."""
        self.drawn.assign_add([int(name in names) for name in Streams._fields])
        began, batch = self._now(), {}
        with tf.control_dependencies([began]):
            for name in names:
                batch |= next(getattr(streams, name))
        parts = tf.nest.flatten(batch, expand_composites=True)
        with tf.control_dependencies(parts):
            self.waited.assign_add(self._now() - began)
        self.clips_read.assign_add(self._clips(batch))
        return batch

    def _now(self):
        return tf.timestamp() if self.timed else tf.zeros((), tf.float64)

    def _clips(self, batch):
        """How many there are in a batch, on all devices of this worker."""
        found = [batch[key] for key in batch if key.endswith("clips")]
        local = self.distribute_strategy.experimental_local_results
        shares = [share for clips in found for share in local(clips)]
        return sum(tf.shape(share, tf.int64)[0] for share in shares)

    def input_figures(self):
        """Seconds that the last turn waited for batches, `None` where it is not
        `timed`; and clips in them."""
        figures = (self.waited, self.clips_read)
        waited, clips = (figure.read_value().numpy() for figure in figures)
        return waited if self.timed else None, clips

    def on_replicas(self, function, streams, names):
        """Runs `function(batch)` on each replica; returns the mean of each
        scalar in what it returns."""
        strategy = self.distribute_strategy
        outputs = strategy.run(function, args=(self.draw(streams, names),))
        return tf.nest.map_structure(
            lambda values: strategy.reduce("MEAN", values, axis=None), outputs
        )

    def update(self, function, streams, names):
        """One update: `function` on as many batches as it accumulates."""
        return self.accumulate(
            lambda: self.on_replicas(function, streams, names)
        )

    def accumulate(self, step):
        """`step()` for each batch of an update; returns what the last did."""
        outputs = step()
        if self.accumulate_steps > 1:  # a loop traces a second copy, not 20
            _, outputs = tf.while_loop(
                lambda count, _: count < self.accumulate_steps,
                lambda count, _: (count + 1, step()),
                (tf.constant(1), outputs),
            )
        return outputs

    @tf.function(autograph=False)
    def update_anonymizer(self, streams):
        """theta_A down the `anonymizer_costs` of an algorithm that has one
        cost for it: Eq. (4a), (7a), (9a)."""

        def update(batch):
            return self.descend(
                "anonymizer",
                self.optimizer,
                self.anonymizer.trainable_variables,
                lambda: self.anonymizer_costs(batch),
            )

        return self.update(update, streams, streams.of_both)

    @tf.function(autograph=False)
    def train_target(self, streams):
        """`while Acc(X^v, Y_T^v) <= th_T`: Eq. (4b), (6a), (7b)."""

        def found(batch):
            accuracy = SINGLE_LABEL.accuracy(
                batch["actions"], self(batch["clips"])
            )
            return [hits(accuracy, batch["actions"])]

        def update(batch):
            return self.descend(
                "target",
                self.target_optimizer,
                self.target_step_variables,
                lambda: self.target_loss(
                    self.anonymize(batch["clips"]), batch, training=True
                ),
            )

        passage = train_until(
            self.target_gate,
            lambda: self.on_replicas(found, streams, ("validation",)),
            lambda _: self.update(update, streams, ("target",)),
        )
        return passage_logs(["target"], passage)

    def train_budgets(self, streams, gate):
        """For each i, `while Acc(X^t, Y_B^t) <= th_B`: Eq. (4c), (6c), (7c)."""
        # Tensors, or a restart's gate would have all traced again.
        return self._train_budgets(
            streams,
            gate._replace(
                threshold=tf.constant(gate.threshold),
                max_steps=tf.constant(gate.max_steps),
            ),
        )

    @tf.function(autograph=False)
    def _train_budgets(self, streams, gate):
        """Its loops; f_A filters a batch once for all f_B^i."""

        def found(batch):
            anonymized = self.anonymize_for_budgets(batch)
            return [
                hits(accuracy, batch["budget_labels"])
                for accuracy in self.budget_accuracies(anonymized, batch)
            ]

        passage = train_until(
            gate,
            lambda: self.on_replicas(found, streams, streams.of_budgets),
            lambda members: self.update_budgets(members, streams),
            len(self.budgets),
        )
        return passage_logs(self.budget_names, passage)

    def update_budgets(self, members, streams):
        """One update of each theta_B^i that the bool tensor `members` names."""

        def step():
            batch = self.draw(streams, streams.of_budgets)
            # Outside every tape: theta_A does not move here.
            anonymized = self.distribute_strategy.run(
                self.anonymize_for_budgets, (batch,)
            )
            for i in range(len(self.budgets)):
                self.update_budget_if(members[i], i, anonymized, batch)
            return members

        self.accumulate(step)

    def update_budget_if(self, due, i, anonymized, batch):
        budget = self.budgets[i]

        def update(anonymized, batch):
            self.descend(
                f"budget_{i}",
                self.budget_optimizers[i],
                budget.trainable_variables,
                lambda: self.budget_loss(
                    budget, anonymized, batch, training=True
                ),
            )

        def run():
            self.distribute_strategy.run(update, (anonymized, batch))
            return True

        tf.cond(due, run, lambda: False)

    def descend(self, party, optimizer, variables, loss_fn):
        """One step down `loss_fn()` in `variables` alone, and note of its
        gradient's global norm: of a replica's own batch, before clipping.

        Returns:
            What `loss_fn` returned.
        """
        outputs, norm = descend(optimizer, variables, loss_fn)
        self.gradient_norms[party].assign(norm)
        return outputs

    def turns_played(self):
        """`turn` as an int."""
        return int(read(self.turn))

    # Restarts.

    def restart_if_due(self, streams):
        """`if t = 0 mod rstrt_iter`: every theta_B^i anew (Sec. 3.5.1)."""
        if not self.restarts or not self.is_restart_due(streams):
            return {}
        self.lowest_budget_loss.assign(np.inf)
        self.turns_since_lowest.assign(0)
        with seeded(f"{self.restarts.seed} {self.turns_played()}"):
            for budget in self.budgets:
                budget.set_weights(
                    keras.models.clone_model(budget).get_weights()
                )
        for optimizer in self.budget_optimizers:
            forget(optimizer)
        logs = self.train_budgets(streams, self.restarts.gate)
        return {f"restart_{name}": value for name, value in logs.items()}

    def is_restart_due(self, streams):
        every, turn = self.restarts.every, self.turns_played()
        stalled = self.restarts.patience and self.have_stalled(streams)
        return stalled or turn == 0 or (every and turn % every == 0)

    def have_stalled(self, streams):
        """Whether the f_B^i have not got better for `patience` turns."""
        loss = self.mean_budget_loss(streams)
        if loss < read(self.lowest_budget_loss):
            self.lowest_budget_loss.assign(loss)
            self.turns_since_lowest.assign(0)
        else:
            self.turns_since_lowest.assign_add(1)
        return read(self.turns_since_lowest) >= self.restarts.patience

    @tf.function(autograph=False)
    def mean_budget_loss(self, streams):
        """The mean of L_B over all f_B^i, on a fresh batch."""
        return tf.reduce_mean(
            self.on_replicas(self.budget_losses, streams, streams.of_budgets)
        )

    # What `fit` calls.

    @property
    def metrics(self):
        return []  # `evaluate` sums by itself

    def evaluate(self, x, **_):
        """A_T and each A_B^i over all clips.

        Not Keras's own, which several workers cannot run.

        Args:
            x: Finite `tf.data.Dataset` of batches.

        Returns:
            Dict: `target_accuracy`, and `budget_accuracy_0` and so on.
        """
        strategy = self.distribute_strategy
        tallies = [
            self.tally(batch)
            for batch in strategy.experimental_distribute_dataset(x)
        ]
        clips, pictures, target, *budgets = np.sum(tallies, axis=0)
        return {
            "target_accuracy": target / clips,
            **{
                f"budget_accuracy_{i}": budget / pictures
                for i, budget in enumerate(budgets)
            },
        }

    @tf.function(autograph=False, reduce_retracing=True)
    def tally(self, batch):
        """Clips of f_T and of the f_B^i, and how many each has right."""

        def found(batch):
            accuracies = self.accuracies(batch)
            labels = [batch["actions"]]
            labels += [batch["budget_labels"]] * len(self.budgets)
            pairs = list(map(hits, accuracies, labels))
            (_, clips), (_, pictures) = pairs[:2]
            return [clips, pictures, *(right for right, _ in pairs)]

        strategy = self.distribute_strategy
        return [
            strategy.reduce("SUM", values, axis=None)
            for values in strategy.run(found, (batch,))
        ]

    def accuracies(self, batch):
        """Acc of f_T and of each f_B^i, a list."""
        anonymized, budget_anonymized = self.anonymize_both(batch)
        logits = self.target(anonymized)
        return [
            SINGLE_LABEL.accuracy(batch["actions"], logits),
            *self.budget_accuracies(budget_anonymized, batch),
        ]

    def budget_accuracies(self, anonymized, batch):
        """Acc of each f_B^i, a list."""
        return [
            self.budget_task.accuracy(
                batch["budget_labels"], budget(anonymized)
            )
            for budget in self.budgets
        ]

    def make_train_function(self, force=False):
        # Not Keras's own, which calls `strategy.run` around the whole step.
        self.train_function = self.play_turn
        return self.train_function

    def play_turn(self, iterator):
        """`train_step`, counted."""
        self._seed_turn()
        self.forget_figures()
        logs = self.train_step(
            Streams(iterator, self.validation, self.budget_data)
        )
        self.turn.assign_add(1)
        return logs | self.norm_logs()

    def forget_figures(self):
        """Begins those that are of one turn."""
        norms = self.gradient_norms.values()
        for figure in (*norms, self.waited, self.clips_read):
            figure.assign(tf.zeros((), figure.dtype))

    def norm_logs(self):
        """The norm of the last gradient of each party that had one this turn,
        the mean over replicas. One that float16 could not hold is left out, as
        its update was; any other that is not finite tells whose step was."""
        scaled = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        norms = {
            f"{party}_gradient_norm": tf.identity(norm)
            for party, norm in self.gradient_norms.items()
        }
        return {
            name: norm
            for name, norm in norms.items()
            if norm != 0 and (np.isfinite(norm) or not scaled)
        }

    def _seed_turn(self):
        """Dropout of a turn depends on nothing but its number, so that a run
        that was resumed plays it alike."""
        for party in (self.target, *self.budgets):
            for weight in party.variables:
                if weight.path.endswith("seed_generator_state"):
                    seed, _ = keras.ops.unstack(weight.value)
                    played = keras.ops.cast(self.turn.value, seed.dtype)
                    weight.assign(keras.ops.stack([seed, played * 2**16]))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: all is built, and Keras's own fails on replicas."""


def over_replicas(values):
    """The mean of what the replicas have, in each of them; no gradient."""
    values = tf.stop_gradient(values)
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def hits(accuracy, labels):
    """Clips that are right, and all, from the accuracy on a replica's batch."""
    clips = tf.cast(tf.shape(labels)[0], tf.float32)
    # A replica may be left without a clip, and its accuracy is NaN.
    return tf.math.multiply_no_nan(accuracy, clips), clips


def passage_logs(parties, passage):
    """What the gated loops tell of each party, by name."""
    logs = {}
    for i, party in enumerate(parties):
        logs[f"{party}_steps"] = passage.steps[i]
        logs[f"{party}_gate_accuracy"] = passage.accuracy[i]
        logs[f"{party}_gave_up"] = tf.cast(passage.gave_up[i], tf.float32)
    return logs


def read(variable):
    """The value of a variable, which may have a copy on each replica."""
    return tf.identity(variable.value)


@contextlib.contextmanager
def seeded(seed):
    """Initializers made here draw from `seed`, and leave no trace outside."""
    # Keras takes the seeds of initializers from Python's own generator.
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def forget(optimizer):
    """Zeroes an optimizer's moments and its count of steps."""
    # A loss scale is the hardware's, not the forgotten weights'.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    for variable in optimizer.variables:
        if variable.name != "learning_rate":
            variable.assign(tf.zeros_like(variable.value))


def descend(optimizer, variables, loss_fn):
    """Takes one step down `loss_fn()` in `variables` alone.

    Where `loss_fn` returns a dict, it is its `"loss"` that is descended.

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
    """Gradients that overflowed on one replica are NaN on all: Keras leaves out
    an update where those of its first replica are not finite."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return gradients
    # 0 where all are finite, NaN where one is not.
    nothing = tf.add_n([tf.reduce_sum(0 * g) for g in gradients])
    nothing = context.all_reduce(tf.distribute.ReduceOp.SUM, nothing)
    return [gradient + nothing for gradient in gradients]
