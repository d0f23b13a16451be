"""Asked fields: the only room that talks to a model."""
