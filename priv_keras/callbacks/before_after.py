"""Pictures of f_A's output for TensorBoard."""

import keras
import numpy as np
import tensorflow as tf

from priv_keras import pixels
from priv_keras.runs import tensorboard


class BeforeAfter(keras.callbacks.Callback):
    """Writes raw clips, anonymized clips and their difference to TensorBoard.

    Their middle frames are one picture; all frames are another that moves.

    Args:
        events: Writer for TensorBoard, see `runs.turns.open_events`.
        clips: Raw clips `(n, frames, height, width, 3)` in [0, 1].
    """

    def __init__(self, events, clips):
        super().__init__()
        self.events = events
        self.clips = clips

    def on_epoch_end(self, epoch, logs=None):
        after = np.array(self.model.anonymize(self.clips))
        rows = {
            "raw": self.clips,
            "anonymized": after,
            "difference": np.abs(after - self.clips),
        }
        sheets = [
            pixels.sheet({name: row[:, i] for name, row in rows.items()})
            for i in range(self.clips.shape[1])
        ]
        with self.events.as_default(step=self.model.turns_played()):
            middle = sheets[len(sheets) // 2]
            tf.summary.image("pictures/before_after_difference", middle[None])
            tensorboard.write_loop("pictures/moving", sheets)
        self.events.flush()
