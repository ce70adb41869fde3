"""Dead letters: events that could not be delivered, kept in ConfigMaps until somebody replays or discards them.

    dead_letter_listener what wakes `dead_letter`, and its permissions
    dead_letter          one letter, as its ConfigMap records it
    dead_letter_store    keeps, replays and discards letters

`audit.answers.dead_letter_answers` serves them, and `kubectl kepler dead-letters` lists, replays and discards them.
"""
