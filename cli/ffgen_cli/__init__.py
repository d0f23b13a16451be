"""The command line of ffgen: a rind over the library."""
