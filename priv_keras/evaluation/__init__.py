"""The two-step protocol of Sec. 3.6."""
