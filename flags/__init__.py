"""Every flag, defined and validated once. Imports absl alone, so that
`--help` answers at once."""
