"""Videos and records: from a dataset's raw folder to batches of clips."""
