"""What a notebook or a script calls: run a study, load results, look at them. The command line calls it too."""
