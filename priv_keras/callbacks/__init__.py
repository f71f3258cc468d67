"""Callbacks that act between turns of the game, one per file."""

from priv_keras.callbacks.before_after import BeforeAfter
from priv_keras.callbacks.early_signs import EarlySigns
from priv_keras.callbacks.save_game import SaveGame
from priv_keras.callbacks.stop_at_non_finite import StopAtNonFinite
from priv_keras.callbacks.stop_at_signal import StopAtSignal
from priv_keras.callbacks.turn_log import TurnLog
from priv_keras.callbacks.watch_anonymizer import WatchAnonymizer

__all__ = [
    "BeforeAfter",
    "EarlySigns",
    "SaveGame",
    "StopAtNonFinite",
    "StopAtSignal",
    "TurnLog",
    "WatchAnonymizer",
]
