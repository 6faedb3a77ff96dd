"""Small exact solvers that the gradient weightings share, on the inner products of K task gradients, K up to some ten.

They are made for one call per training step: tens of microseconds for two tasks, in numpy on one thread.
"""
