"""Weightings in any torch loop: the losses of a step in, gradients under a weighting out."""
