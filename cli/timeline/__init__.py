"""Shows what happened, for `history`, `trace` and `explain`.

sentences     who made an edit, why an episode began, which fields others own
history_lines edits, and what the functions did about each
waterfall     one change: which function worked when, and what its end waited for
"""
