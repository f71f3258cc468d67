# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A game on puppets
#
# What `make demo` does, in a notebook: open shards, warm the parties up, play a
# game between an anonymizer and its opponent, attack what came out, and look at
# it. `make demo` takes 30 to 40 minutes on two CPU cores. The game is short
# and its networks are small: the figures show how it works, no more.
#
# To open this file as a notebook, `pip install jupytext notebook` and run
# `jupytext --to notebook examples/demo_notebook.py`.

# %%
import keras
import matplotlib.pyplot as plt
import tensorflow as tf

from priv_keras import evaluation
from priv_keras import pixels
from priv_keras import supervised
from priv_keras.algorithms import Entropy
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import Optimizers
from priv_keras.evaluation.two_step import Protocol
from priv_keras.experiment.shards import Cut
from priv_keras.experiment.shards import Shards
from priv_keras.losses import SINGLE_LABEL
from priv_keras.networks import anonymizer
from priv_keras.networks import budgets
from priv_keras.networks import c3d
from tfrecords_tools.puppets import cache

# %% tags=["parameters"]
FOLDER = None  # of shards; `None` draws puppets into a cache, once
CUT = Cut(frames=6, size=48, frame_size=(54, 50))
BATCH = 16  # clips
WARM_UP = 300  # updates of f_A, and of f_T
EPOCHS, TURNS = 3, 10  # turns of an epoch
ATTACK = 600  # updates of an attacker
ATTACKERS = ("resnet_v1_26",)

# %% [markdown]
# ## The data
#
# Two of seven drawn people do one of eight things. What they do is to stay
# visible; which two people they are is private.

# %%
shards = Shards(
    FOLDER or cache.puppets() / "puppets",
    {"actions": "target", "budget_labels": "budget"},
    CUT,
    batch_size=BATCH,
)
actions, people = (shards.labels[x] for x in ("actions", "budget_labels"))
batch = next(iter(shards.training_batches("train", "game")))
print("actions:", ", ".join(actions))
print("people:", ", ".join(people))
print("a batch of clips:", batch["clips"].shape)

# %% [markdown]
# ## The parties
#
# f_A filters each frame, f_T recognises actions in filtered clips, and f_B
# tries to recognise people in them. f_A first learns to change nothing, and f_T
# learns its task.

# %%
clip_shape = (CUT.frames, CUT.size, CUT.size, 3)
game = Entropy(
    anonymizer.build(width=0.25),
    c3d.build(len(actions), width=0.25, input_shape=clip_shape),
    budgets.build("mobilenet_v2_0.35", len(people), clip_shape[1:]),
    budget_task=SINGLE_LABEL,
    gamma=1.5,
    target_gate=Gate(0.95, max_steps=6),
    budget_gate=Gate(0.99, max_steps=8),
)


# %%
def frames_of(batch):
    return tf.reshape(batch["clips"], (-1, *clip_shape[1:]))


def for_target(batch):
    return batch["clips"], batch["actions"]


error = supervised.fit_identity(
    game.anonymizer,
    shards.training_batches("train", "identity").map(frames_of),
    learning_rate=3e-3,
    steps=WARM_UP,
)
fitted = supervised.fit(
    game.target,
    shards.training_batches("train", "target").map(for_target),
    shards.validation_batches("gate").map(for_target),
    SINGLE_LABEL,
    learning_rate=3e-4,
    epochs=5,
    steps_per_epoch=-(-WARM_UP // 5),
)
print(f"f_A is {error:.3f} from the identity")
print(f"f_T recognises {fitted['validation_accuracy']:.0%} of the actions")

# %% [markdown]
# ## The game
#
# In each turn, f_A hides more from f_B, f_T learns to read what is left, and so
# does f_B (Algorithm 3).

# %%
game.compile(
    Optimizers(
        keras.optimizers.Adam(1e-3),
        keras.optimizers.Adam(3e-4),
        keras.optimizers.Adam(1e-3),
    ),
    validation=shards.gate_batches(epoch=0, whole=False),
)
history = game.fit(
    shards.training_batches("train", "game"),
    epochs=EPOCHS,
    steps_per_epoch=TURNS,
    validation_data=shards.validation_batches("game"),
    verbose=2,
)

# %% [markdown]
# ## The judge
#
# The game's own f_B proves nothing. Attackers of another family train from
# scratch on the filtered clips, and on raw ones for comparison (Sec. 3.6). The
# result holds for these attackers and for no others.

# %%
splits = {
    "train": shards.views("attackers", 2),
    "validation": shards.test_batches("validation", "attackers"),
    "test": shards.test_batches("test", "attackers"),
}
found = evaluation.judge(
    game.anonymize,
    splits,
    attackers=ATTACKERS,
    protocol=Protocol(
        steps=ATTACK,
        steps_per_epoch=min(75, ATTACK),
        patience=6,
        learning_rate=2e-3,
        batch_size=64,
        frames=1,
    ),
)
for side in ("raw", "anonymized"):
    print(f"{side:12} A_T {found[side]['target']['accuracy']:.3f}", end="")
    for attacker in found[side]["attackers"]:
        print(f"   A_B {attacker['accuracy']:.3f}, {attacker['name']}", end="")
    print()
for label, chance in found["chance"].items():
    print(f"commonest of {label}: {chance['majority']:.3f}")

# %% [markdown]
# ## What it looks like

# %%
clips = next(iter(shards.test_batches("test", "attackers")))["clips"][:6]
middle = clips[:, CUT.frames // 2]
picture = pixels.sheet(
    {"raw": middle.numpy(), "anonymized": game.anonymizer(middle).numpy()}
)
plt.figure(figsize=(10, 4))
plt.imshow(picture)
plt.axis("off")
plt.show()
