"""Which rows may enter."""
