"""Plugins that are copied under a new name: real code, held against the same checks as all other."""
