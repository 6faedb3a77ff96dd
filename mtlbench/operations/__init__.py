"""Looking after a results folder: how far it is, what is left over in it, two made one. And whether the machine is fit."""
