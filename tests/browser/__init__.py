"""The console, without a stack behind it: what is kept is made up, everything else is real."""
