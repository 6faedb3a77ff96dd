"""Datasets: one file per log, the file's stem is the dataset's name."""
