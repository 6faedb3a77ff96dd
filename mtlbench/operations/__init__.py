"""Looking after a results folder: how far it is, what is left over in it, two made one; and is the machine fit?"""
