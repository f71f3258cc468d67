"""What Algorithms 1-4 share: the three parties and the steps of a turn."""

import keras
import numpy as np
import tensorflow as tf

from priv_keras.algorithms import batches
from priv_keras.algorithms.gates import passage_logs
from priv_keras.algorithms.gates import train_until
from priv_keras.algorithms.optimization import for_each_party
from priv_keras.algorithms.optimization import gradient_step
from priv_keras.algorithms.replicas import hits
from priv_keras.algorithms.replicas import read
from priv_keras.algorithms.restarts import Stall
from priv_keras.algorithms.restarts import start_anew
from priv_keras.algorithms.streams import Streams
from priv_keras.algorithms.streams import count_clips
from priv_keras.algorithms.turn_figures import TurnFigures
from priv_keras.losses import SINGLE_LABEL


class AdversarialModel(keras.Model):
    """The game of an anonymizer f_A, a target f_T and budget models f_B^i.

    A subclass adds `train_step`: one turn of its algorithm's outer loop, as
    plain Python over steps that are each compiled. A batch is a dict: `clips`
    `(batch, frames, height, width, channels)` in [0, 1], `actions` and
    `budget_labels`. If the budget labels belong to other pictures (Sec. 3.4),
    a stream of their own gives those as `budget_clips`; otherwise both losses
    see the same clips, and f_A filters them once.

    `train_step` takes `Streams`, not a batch, and runs outside the replicas
    (in the cross-replica context of `tf.distribute`), since an optimizer
    cannot step in a loop inside a replica: the gated loops run outside, and
    single updates run `on_replicas`. A party that a step does not update runs
    in inference mode, so that its batch statistics stay put too.

    Args:
        anonymizer: Model from frames `(batch, height, width, channels)` in
            [0, 1] to the same. It must act alike in training and inference.
        target: Model from clips to action logits `(batch, actions)`.
        budgets: Model from clips to logits `(batch, classes)`, or a list of
            such models.
        budget_task: `losses.SINGLE_LABEL` or `losses.MULTI_LABEL`.
        gamma: Non-negative float, weight of the privacy cost in Eq. (3).
        target_gate: `Gate` on the validation accuracy of `target`, th_T.
        budget_gate: `Gate` on the training accuracy of each f_B^i, th_B.
        restarts: `Restarts`, or `None` for a game without restarts.
        anonymizer_steps: Int, updates of theta_A by `update_anonymizer` in a
            turn; the paper makes one.
        budget_label_smoothing: Float in [0, 1), the share of L_B that is the
            cross-entropy to a guess while f_B trains. It keeps an f_B from
            being so certain that f_A gets no gradient from it.
        accumulate_steps: Int, batches whose gradients one update averages.
            The optimizers must agree (`gradient_accumulation_steps`). Each of
            these batches decides anew which f_B^i is the strongest; K-Beam
            decides it once, before its ascent.
        timed: Bool, whether to measure the wait for batches, see
            `TurnFigures`.

    Attributes:
        turn: int64 weight, the turns played, which schedules may read.
        drawn: int64 weight `(3,)`, the batches drawn from each of `Streams`
            since `deal` was called.
        figures: `TurnFigures` of the current turn.
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
        anonymizer_steps=1,
        budget_label_smoothing=0.0,
        accumulate_steps=1,
        timed=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        _check(budgets, gamma)
        self.anonymizer = anonymizer
        self.target = target
        self.budgets = (
            [budgets] if isinstance(budgets, keras.Model) else list(budgets)
        )
        self.budget_task = budget_task
        self.gamma = gamma
        self.target_gate = target_gate
        self.budget_gate = budget_gate
        self.restarts = restarts
        self.anonymizer_steps = anonymizer_steps
        self.budget_label_smoothing = budget_label_smoothing
        self.accumulate_steps = accumulate_steps
        self.turn = self._counter("turn", 0)
        self.drawn = self._counter("drawn", 0, (len(Streams._fields),))
        self.stall = Stall(
            lowest=self._counter("lowest_budget_loss", np.inf),
            turns=self._counter("turns_since_lowest", 0),
        )
        self.figures = TurnFigures(
            ("anonymizer", "target", *self.budget_names), timed
        )
        # XLA cannot draw from an iterator; Keras would turn it on with a GPU.
        self.supports_jit = False
        self.built = True  # since every party is

    def _counter(self, name, start, shape=()):
        return self.add_weight(
            name=name,
            shape=shape,
            dtype="float32" if start else "int64",
            initializer=keras.initializers.Constant(start),
            trainable=False,
            aggregation="only_first_replica",
        )

    @property
    def budget_names(self):
        """The names under which the figures of each f_B^i are logged."""
        return [f"budget_{i}" for i in range(len(self.budgets))]

    def compile(self, optimizer, *, validation=None, budget_data=None):
        """Binds optimizers and data to the game.

        Args:
            optimizer: `Optimizers`; or one optimizer or its name, which is
                copied for each party.
            validation: Endless `tf.data.Dataset` of batches, (X^v, Y_T^v), that
                the gate of th_T reads. If `None`, it reads the
                `validation_data` of `fit`.
            budget_data: Endless `tf.data.Dataset` of batches of `budget_clips`
                and `budget_labels`; `None` if the batches given to `fit` hold
                both labels.

        Raises:
            ValueError: If a budget model lacks an optimizer.
        """
        optimizers = for_each_party(optimizer, len(self.budgets))
        super().compile(optimizer=optimizers.anonymizer)
        self.target_optimizer = optimizers.target
        self.budget_optimizers = list(optimizers.budgets)
        self.deal(validation, budget_data)
        # Built now: slots cannot be created inside a graph's loop, and a
        # resumed run would have none to restore into.
        self.optimizer.build(self.anonymizer.trainable_variables)
        self.target_optimizer.build(self.target_step_variables)
        for budget, optimizer in zip(
            self.budgets, self.budget_optimizers, strict=True
        ):
            optimizer.build(budget.trainable_variables)

    def deal(self, validation, budget_data=None):
        """Binds data to the game anew, starting at its first batch.

        Args:
            validation, budget_data: See `compile`.
        """
        self.validation = self._endless(validation)
        self.budget_data = self._endless(budget_data)

    def _endless(self, dataset):
        strategy = self.distribute_strategy
        return dataset and iter(
            strategy.experimental_distribute_dataset(dataset)
        )

    @property
    def target_step_variables(self):
        """theta_T and theta_A, which the target step trains, Eq. (6a), (7b)."""
        return (
            self.target.trainable_variables
            + self.anonymizer.trainable_variables
        )

    # The parties.

    def anonymize(self, clips):
        """Returns f_A(X), computed frame by frame."""
        frames = tf.reshape(clips, (-1, *clips.shape[2:]))
        return tf.reshape(self.anonymizer(frames), tf.shape(clips))

    def anonymize_both(self, batch):
        """Filters what f_T and what f_B sees, once if that is the same."""
        anonymized = self.anonymize(batch["clips"])
        if "budget_clips" not in batch:
            return anonymized, anonymized
        return anonymized, self.anonymize(batch["budget_clips"])

    def anonymize_for_budgets(self, batch):
        """Filters what f_B sees."""
        own = "budget_clips" if "budget_clips" in batch else "clips"
        return self.anonymize(batch[own])

    def call(self, clips, training=False):
        return self.target(self.anonymize(clips), training=training)

    # Costs of filtered clips, named as in Sec. 3.3.

    def target_loss(self, anonymized, batch, training=False):
        """Returns L_T(theta_A, theta_T)."""
        logits = self.target(anonymized, training=training)
        return SINGLE_LABEL.loss(batch["actions"], logits)

    def budget_loss(self, budget, anonymized, batch):
        """Returns L_B(theta_A, theta_B^i)."""
        return self.budget_task.loss(batch["budget_labels"], budget(anonymized))

    def smoothed_budget_loss(self, budget, anonymized, batch):
        """Returns L_B to train theta_B^i by, with smoothed labels."""
        logits = budget(anonymized, training=True)
        loss = self.budget_task.loss(batch["budget_labels"], logits)
        smoothing = self.budget_label_smoothing
        if not smoothing:
            return loss
        guess = tf.reduce_mean(self.budget_task.uniform_losses(logits))
        return (1 - smoothing) * loss + smoothing * guess

    def budget_losses(self, batch):
        """Returns L_B of each f_B^i as a list."""
        anonymized = self.anonymize_for_budgets(batch)
        return [
            self.budget_loss(budget, anonymized, batch)
            for budget in self.budgets
        ]

    def budget_entropies(self, budget, anonymized):
        """Returns H_B(theta_A, theta_B^i) of each clip, `(batch,)`."""
        return self.budget_task.entropies(budget(anonymized))

    # Steps, in cross-replica context. Each is compiled into a graph of its own.

    def draw(self, streams, names):
        """Returns the next batches of the named streams as one dict."""
        self.drawn.assign_add([int(name in names) for name in Streams._fields])
        batch = self.figures.wait_for(lambda: streams.next_batch(names))
        clips = count_clips(batch, self.distribute_strategy)
        self.figures.clips_read.assign_add(clips)
        return batch

    def input_figures(self):
        """Returns the seconds that this turn waited for batches and the clips
        in them; the seconds are `None` unless `timed`."""
        return self.figures.input()

    def on_replicas(self, function, streams, names):
        """Runs `function(batch)` on each replica, on a new batch.

        Returns:
            The outputs of `function`, each scalar averaged over replicas.
        """
        strategy = self.distribute_strategy
        outputs = strategy.run(function, args=(self.draw(streams, names),))
        return tf.nest.map_structure(
            lambda values: strategy.reduce("MEAN", values, axis=None), outputs
        )

    def update(self, function, streams, names):
        """Makes one update by `function(batch)`, called on as many new batches
        as an update accumulates."""
        return self.accumulate(
            lambda: self.on_replicas(function, streams, names)
        )

    def accumulate(self, step):
        """Calls `step()` for each batch of an update.

        Returns:
            What the last call returned.
        """
        outputs = step()
        # A loop traces one more copy of the step, not one for each batch.
        if self.accumulate_steps > 1:
            _, outputs = tf.while_loop(
                lambda count, _: count < self.accumulate_steps,
                lambda count, _: (count + 1, step()),
                (tf.constant(1), outputs),
            )
        return outputs

    @tf.function(autograph=False)
    def update_anonymizer(self, streams):
        """Moves theta_A down the `anonymizer_costs` of algorithms that define
        one cost for it, Eq. (4a), (7a), (9a), `anonymizer_steps` times or
        until it `hides_enough`."""

        def move_anonymizer(batch):
            return self.descend(
                "anonymizer",
                self.optimizer,
                self.anonymizer.trainable_variables,
                lambda: self.anonymizer_costs(batch),
            )

        def step(count, _):
            costs = self.update(move_anonymizer, streams, streams.of_both)
            return count + 1, costs

        none = {name: tf.constant(0.0) for name in self.cost_names}
        if self.anonymizer_steps == 1:  # traced without a loop
            steps, costs = step(tf.constant(0), none)
            return {**costs, "anonymizer_steps": steps}
        steps, costs = tf.while_loop(
            lambda count, costs: (
                (count < self.anonymizer_steps)
                & ((count == 0) | ~self.hides_enough(costs))
            ),
            step,
            (tf.constant(0), none),
        )
        return {**costs, "anonymizer_steps": steps}

    def hides_enough(self, costs):
        """Returns whether f_A needs no further update in this turn.

        Args:
            costs: Dict of `anonymizer_costs` at the latest update.
        """
        return tf.constant(False)

    @tf.function(autograph=False)
    def train_target(self, streams):
        """Trains `while Acc(X^v, Y_T^v) <= th_T`: Eq. (4b), (6a), (7b)."""

        def validation_hits(batch):
            accuracy = SINGLE_LABEL.accuracy(
                batch["actions"], self(batch["clips"])
            )
            return [hits(accuracy, batch["actions"])]

        def move_target(batch):
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
            lambda: self.on_replicas(validation_hits, streams, ("validation",)),
            lambda _: self.update(move_target, streams, ("target",)),
        )
        return passage_logs(["target"], passage)

    def train_budgets(self, streams, gate):
        """Trains each f_B^i `while Acc(X^t, Y_B^t) <= th_B`: Eq. (4c), (6c),
        (7c)."""
        # As tensors, so that the gate of a restart is not traced anew.
        return self._train_budgets(
            streams,
            gate._replace(
                threshold=tf.constant(gate.threshold),
                max_steps=tf.constant(gate.max_steps),
            ),
        )

    @tf.function(autograph=False)
    def _train_budgets(self, streams, gate):
        """Runs the loops of all f_B^i; f_A filters each batch once for all."""

        def training_hits(batch):
            anonymized = self.anonymize_for_budgets(batch)
            return [
                hits(accuracy, batch["budget_labels"])
                for accuracy in self.budget_accuracies(anonymized, batch)
            ]

        passage = train_until(
            gate,
            lambda: self.on_replicas(
                training_hits, streams, streams.of_budgets
            ),
            lambda members: self.update_budgets(members, streams),
            len(self.budgets),
        )
        return passage_logs(self.budget_names, passage)

    def update_budgets(self, members, streams):
        """Makes one update of each theta_B^i that `members` names.

        Args:
            members: Bool tensor `(budgets,)`, whether to update each.
            streams: `Streams`.
        """

        def move_budgets():
            batch = self.draw(streams, streams.of_budgets)
            # Outside any tape: theta_A does not move here.
            anonymized = self.distribute_strategy.run(
                self.anonymize_for_budgets, (batch,)
            )
            for i in range(len(self.budgets)):
                self.update_budget_if(members[i], i, anonymized, batch)
            return members

        self.accumulate(move_budgets)

    def update_budget_if(self, due, i, anonymized, batch):
        """Makes one update of theta_B^i if the bool tensor `due` is true."""
        budget = self.budgets[i]

        def move_budget(anonymized, batch):
            self.descend(
                f"budget_{i}",
                self.budget_optimizers[i],
                budget.trainable_variables,
                lambda: self.smoothed_budget_loss(budget, anonymized, batch),
            )

        def move_on_replicas():
            self.distribute_strategy.run(move_budget, (anonymized, batch))
            return True

        tf.cond(due, move_on_replicas, lambda: False)

    def descend(self, party, optimizer, variables, loss_fn):
        """Takes a `gradient_step` and records the norm of its gradient.

        Args:
            party: String, the party whose norm it is.
            optimizer, variables, loss_fn: See `gradient_step`.

        Returns:
            What `loss_fn` returned.
        """
        outputs, norm = gradient_step(optimizer, variables, loss_fn)
        self.figures.gradient_norms[party].assign(norm)
        return outputs

    def turns_played(self):
        """Returns `turn` as an int."""
        return int(read(self.turn))

    # Restarts.

    def restart_if_due(self, streams):
        """Restarts every theta_B^i `if t = 0 mod rstrt_iter` (Sec. 3.5.1).

        Returns:
            Dict of the figures of the restart, empty if none was due.
        """
        if not self.restarts or not self.is_restart_due(streams):
            return {}
        self.stall.forget()
        start_anew(
            self.budgets,
            self.budget_optimizers,
            seed=f"{self.restarts.seed} {self.turns_played()}",
        )
        logs = self.train_budgets(streams, self.restarts.gate)
        return {f"restart_{name}": value for name, value in logs.items()}

    def is_restart_due(self, streams):
        """Returns whether a restart is scheduled or f_B no longer improves."""
        every, patience = self.restarts.every, self.restarts.patience
        stalled = patience and self.stall.has_lasted(
            patience, self.mean_budget_loss(streams)
        )
        turn = self.turns_played()
        return stalled or turn == 0 or (every and turn % every == 0)

    @tf.function(autograph=False)
    def mean_budget_loss(self, streams):
        """Returns the mean of L_B over all f_B^i, on a new batch."""
        return tf.reduce_mean(
            self.on_replicas(self.budget_losses, streams, streams.of_budgets)
        )

    # The methods of `keras.Model`.

    def fit(
        self,
        x,
        *,
        epochs=1,
        steps_per_epoch=None,
        validation_data=None,
        shuffle=False,
        **kwargs,
    ):
        """Plays the game; a step is a turn.

        Args:
            x: `tf.data.Dataset` of batches, see the class, or of pairs of clips
                and a dict of the labels. It is repeated: a turn draws as many
                batches as its gates need. If it is finite, its values are
                checked as they are drawn.
            epochs: Int.
            steps_per_epoch: Int, turns in an epoch; defaults to the number of
                batches in `x`.
            validation_data: Finite `tf.data.Dataset` of such batches, evaluated
                after each epoch. The gate of th_T reads it too, unless
                `compile` was given `validation`.
            shuffle: Bool, has no meaning for datasets.
            **kwargs: See `keras.Model.fit`.

        Returns:
            Keras's `History`, with the figures of each epoch's last turn.

        Raises:
            ValueError: If batches are unfit, before weights move if possible.
        """
        x = batches.as_dicts(x)
        steps_per_epoch = steps_per_epoch or _known_turns(x)
        x = self._checked(x)
        if validation_data is not None:
            validation_data = self._checked(batches.as_dicts(validation_data))
        if self.validation is None:
            self._deal_from(validation_data)
        try:
            return super().fit(
                x.repeat() if batches.turns_in(x) else x,
                epochs=epochs,
                steps_per_epoch=steps_per_epoch,
                validation_data=validation_data,
                shuffle=shuffle,
                **kwargs,
            )
        except tf.errors.InvalidArgumentError as error:
            raise _as_value_error(error) from error

    def _checked(self, dataset):
        """Returns the dataset with checks that its batches fit the parties."""
        classes = {"actions": self.target.output_shape[-1]}
        wanted = {"clips": self.target.input_shape, "actions": (None,)}
        if self.budget_data is None:
            count = self.budgets[0].output_shape[-1]
            single = self.budget_task == SINGLE_LABEL
            wanted["budget_labels"] = (None,) if single else (None, count)
            classes["budget_labels"] = count if single else None
        batches.check_spec(dataset, wanted)
        if not batches.turns_in(dataset):
            return dataset
        dataset = batches.with_checked_values(dataset, classes)
        try:
            next(iter(dataset))
        except tf.errors.InvalidArgumentError as error:
            raise _as_value_error(error) from error
        return dataset

    def _deal_from(self, validation_data):
        if validation_data is None:
            raise ValueError(
                "The gate of th_T reads validation clips. Give `fit` its "
                "`validation_data`, or `compile` its `validation`."
            )
        self.validation = self._endless(validation_data.repeat())

    def save(self, *_, **__):
        """Raises: a game is saved by its weights instead.

        Raises:
            NotImplementedError: Always; it says what to do.
        """
        raise NotImplementedError(
            "A game is not saved as one file: build it anew and use "
            "`save_weights` and `load_weights`, which keep its optimizers and "
            "its turn too. To keep a party alone, `game.anonymizer.save(path)`."
        )

    @property
    def metrics(self):
        return []  # `evaluate` computes its own sums

    def evaluate(self, x, **_):
        """Computes A_T and each A_B^i over all clips.

        It replaces Keras's own, which cannot run on several workers.

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
        """Counts the clips of f_T, the clips of the f_B^i, and how many of
        them f_T and each f_B^i get right, as one list."""

        def count_hits(batch):
            accuracies = self.accuracies(batch)
            labels = [batch["actions"]]
            labels += [batch["budget_labels"]] * len(self.budgets)
            pairs = list(map(hits, accuracies, labels))
            (_, clips), (_, pictures) = pairs[:2]
            return [clips, pictures, *(right for right, _ in pairs)]

        strategy = self.distribute_strategy
        return [
            strategy.reduce("SUM", values, axis=None)
            for values in strategy.run(count_hits, (batch,))
        ]

    def accuracies(self, batch):
        """Returns Acc of f_T and of each f_B^i as a list."""
        anonymized, budget_anonymized = self.anonymize_both(batch)
        logits = self.target(anonymized)
        return [
            SINGLE_LABEL.accuracy(batch["actions"], logits),
            *self.budget_accuracies(budget_anonymized, batch),
        ]

    def budget_accuracies(self, anonymized, batch):
        """Returns Acc of each f_B^i as a list."""
        return [
            self.budget_task.accuracy(
                batch["budget_labels"], budget(anonymized)
            )
            for budget in self.budgets
        ]

    def make_train_function(self, force=False):
        # Keras's own would call `strategy.run` around the whole step.
        self.train_function = self.play_turn
        return self.train_function

    def play_turn(self, iterator):
        """Plays one turn by `train_step` and counts it.

        Args:
            iterator: Iterator over batches, see `fit`.

        Returns:
            Dict of the figures of the turn, by name.
        """
        self._seed_turn()
        self.figures.forget()
        logs = self.train_step(
            Streams(iterator, self.validation, self.budget_data)
        )
        self.turn.assign_add(1)
        scaled = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        return logs | self.figures.norm_logs(scaled)

    def _seed_turn(self):
        """Makes dropout and noise of a turn depend on its number alone, so
        that a resumed run plays it identically."""
        for party in (self.anonymizer, self.target, *self.budgets):
            for weight in party.variables:
                if weight.path.endswith("seed_generator_state"):
                    seed, _ = keras.ops.unstack(weight.value)
                    played = keras.ops.cast(self.turn.value, seed.dtype)
                    weight.assign(keras.ops.stack([seed, played * 2**16]))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: everything is built, and Keras's own fails on
        replicas."""


def _known_turns(dataset):
    turns = batches.turns_in(dataset)
    if turns is None:
        raise ValueError(
            "`fit` cannot tell how many batches its dataset has. Give "
            "`steps_per_epoch`, the turns in an epoch."
        )
    return turns


def _as_value_error(error):
    """Turns the message of a failed check of values into a `ValueError`."""
    said = batches.fault(error)
    return ValueError(said) if said else error


def _check(budgets, gamma):
    if isinstance(budgets, (list, tuple)) and not budgets:
        raise ValueError(
            "The game needs at least one budget model. Received: budgets=[]."
        )
    if gamma < 0:
        raise ValueError(
            "`gamma` weighs the privacy cost and must not be negative. "
            f"Received: gamma={gamma}."
        )
