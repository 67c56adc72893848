"""Numbers about a person's own scores: a table in, the metrics of the benchmark out. No task, no model."""
