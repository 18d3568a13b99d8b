"""The payment case: its states, its rules, its progress. Pure: rows in, rows and faults out."""
