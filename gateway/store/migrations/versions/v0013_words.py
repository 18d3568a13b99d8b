"""On PostgreSQL the words of messages, indexed beside their acceptance; on SQLite they lie in a file of their own.

The word's vector is kept outside of the row: the index alone is read, and pages of the rows stay few.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        'CREATE TABLE message_words (seq bigint PRIMARY KEY, id text COLLATE "C" NOT NULL, words tsvector NOT NULL)'
        " WITH (toast_tuple_target = 128)"
    )
    op.execute("ALTER TABLE message_words ALTER COLUMN words SET STORAGE EXTERNAL")
    op.execute("CREATE INDEX message_words_words ON message_words USING gin (words) WITH (fastupdate = off)")
    op.execute("DROP FUNCTION IF EXISTS gateway_pairs(text) CASCADE")  # with the months' indexes of pairs
