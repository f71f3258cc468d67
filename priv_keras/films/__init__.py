"""Whole videos and pictures: read, anonymized, written, and accounted for."""
