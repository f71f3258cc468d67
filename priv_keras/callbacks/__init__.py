"""What happens between turns of the game; one callback a file."""
