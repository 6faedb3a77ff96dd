"""From numbers to tables: what a reader sees, before any format."""
