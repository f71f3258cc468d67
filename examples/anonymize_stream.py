"""Anonymizes frames as they come, here from a film, and hands them on.

    python examples/anonymize_stream.py film.mp4 RUN/export/anonymizer

Decoding runs ahead of the anonymizer in a thread of its own. Frames have the
height at which the model was measured; `size="native"` keeps that of the film.
If frames come from a program of your own, call `anonymize(frames)` on uint8
arrays.
"""

import sys

import priv_keras


def main(film, model):
    anonymize = priv_keras.Anonymizer.load(model)
    count = 0
    for frame in priv_keras.anonymized_video(film, anonymize):
        count += 1
        hand_on(frame)
    print(f"{count} frames")
    return count


def hand_on(frame):
    """Takes a uint8 frame `(height, width, 3)`: send or show it here."""


if __name__ == "__main__":
    main(*sys.argv[1:])
