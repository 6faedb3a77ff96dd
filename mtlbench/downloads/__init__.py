"""Raw files from the internet: resumed, checked, unpacked with care, and put where their dataset reads them."""

from mtlbench.downloads.download import download

__all__ = ["download"]
