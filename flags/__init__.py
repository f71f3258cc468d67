"""The flags of all programs, each defined and validated in one place.

This package imports nothing but absl, so that `--help` answers at once.
"""
