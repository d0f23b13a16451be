"""Reading real data, streaming."""
