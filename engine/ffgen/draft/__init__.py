"""A sentence made into a spec: read against a catalogue that is kept as data, without any model."""
