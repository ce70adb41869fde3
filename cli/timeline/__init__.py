"""What happened: for `history`, `trace` and `explain`.

sentences     who made an edit, why an episode began, what others own
history_lines edits, and what the functions did about each
waterfall     one change: who worked when, and what its end waited for
"""
