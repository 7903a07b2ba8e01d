"""A function whose init phase fails."""

raise RuntimeError("LOOKALIKE_ELASTICSEARCH_URL is missing")
