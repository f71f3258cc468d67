"""What leaves a run and comes back from strangers: exported anonymizers."""
