"""Backbones: one file per network, the file's stem is its name."""
