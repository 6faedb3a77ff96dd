"""The built-in plugins of mtlbench."""
