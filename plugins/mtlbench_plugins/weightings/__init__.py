"""Loss weightings: one file per method, the file's stem is the method's name."""
