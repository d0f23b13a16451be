"""Requirements in conversation: sentences and answers in, a spec that grows out; kept in SQLite, so that any chat can
be gone on with."""
