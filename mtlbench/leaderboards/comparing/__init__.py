"""Boards against boards, and beside published tables."""
