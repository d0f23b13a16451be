"""Writing: one file a format, resolved on use."""
