"""Optimisers of embedding tables: a step costs what the batch reads, not what the table holds."""
