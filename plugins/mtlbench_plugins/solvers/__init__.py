"""Small exact solvers that the gradient weightings share. They take the inner products of K task gradients.

They are made for K up to some ten, and to be called once per training step: a call takes tens of microseconds for two
tasks, in numpy on one thread.
"""
