"""One file per weighting."""
