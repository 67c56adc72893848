"""Held-out tasks: made in private, committed to in public, scored in aggregate, and shown in the end.

    new      making.py      tasks from the worlds with a secret salt -> private.enc
    commit   committing.py  one Merkle root over every card and item -> card.json, leaves.json, a line in the ledger
    score    scoring.py     a model's skills, rounded, into the ledger; raw scores -> scores/ENTRY-ATTEMPT.enc
    reveal   revealing.py   salt, items and raw scores in plain text -> revealed/
    verify   verifying.py   anyone: root, seeds, items, and every score that was published

Nothing of a season is written in plain text before it is revealed. docs/heldout.md says what this proves and what not.
"""
