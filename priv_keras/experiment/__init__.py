"""One run, from flags and shards to a judged result."""
