"""Exports anonymizers, and loads exported ones, also those of strangers."""
