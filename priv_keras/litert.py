"""Runs an exported f_A that is a TFLite file, on all cores."""

import os

import numpy as np


class LiteModel:
    """A file of `tflite.convert` as a function of 8-bit frames.

    For one thread at a time: it holds the frame that it is busy with.

    Args:
        content: Bytes of the file.

    Raises:
        ValueError: If they are no TFLite model.
    """

    def __init__(self, content):
        # In here: a SavedModel does without.
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(
            model_content=content, num_threads=os.cpu_count()
        )
        (self.input,) = self.interpreter.get_input_details()
        (self.output,) = self.interpreter.get_output_details()
        self.shape = None

    def __call__(self, frames):
        """Anonymizes uint8 frames `(n, height, width, 3)`, one by one."""
        self._fit((1, *frames.shape[1:]))
        anonymized = np.empty_like(frames)
        for i in range(len(frames)):
            self.interpreter.set_tensor(self.input["index"], frames[i : i + 1])
            self.interpreter.invoke()
            anonymized[i] = self.interpreter.get_tensor(self.output["index"])[0]
        return anonymized

    def _fit(self, shape):
        if shape != self.shape:
            self.interpreter.resize_tensor_input(self.input["index"], shape)
            self.interpreter.allocate_tensors()
            self.shape = shape
