"""From a field table in a spreadsheet to a source schema and a draft mapping.

workbook → sheets of text → field tables (headings, rows) → types → schemas; matches → a draft that says what a
person must decide. Nothing is guessed in silence: what was read in another way than it stands is a note.
"""
