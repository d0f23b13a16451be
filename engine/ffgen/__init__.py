"""ffgen: exactly N unique, valid, synthetic records, from a YAML spec and a local language model."""

__version__ = "0.1.0"
