"""Reads, anonymizes, writes and accounts for whole videos and pictures."""
