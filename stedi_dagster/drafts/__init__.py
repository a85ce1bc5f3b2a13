"""Write and audit: a table's new content, staged and judged, but not yet published. Knows no Dagster."""
