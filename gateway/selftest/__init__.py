"""Does the data standard's validator find what is wrong? Messages are broken on purpose and it must say how.

Nothing here imports the validator but `run.py`, which asks it: schemas, code tables and rules are read
anew (`schemas.py`, `material.py`), and what a broken message must be told is worked out by `oracle.py`,
`structure.py`, `digits.py` and `breaks.py` alone.
"""
