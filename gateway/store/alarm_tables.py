"""Alarms: rules that were changed, alarms with their life, what is to be told of them, and who judges.

Columns stand in the order of the fields of their dataclasses (alarmrows.py).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table
from sqlalchemy import text as sql_text

from gateway.store.columns import TEXT, integer, metadata, partial, text

IS_OPEN = "state <> 'ended'"
IS_READY = "state = 'ready'"

# A rule that was changed, or added, in the console; it goes before the configuration's of that name.
alarm_rule = Table(
    "alarm_rule",
    metadata,
    Column("name", TEXT, primary_key=True),
    text("rule"),  # JSON of its fields
    integer("changed_at"),
    text("changed_by"),
    sqlite_with_rowid=False,
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", TEXT, primary_key=True),
    text("scope"),  # "": of the store; else the node whose process metrics it is of
    text("rule"),
    text("labels"),  # JSON, sorted by name
    text("state"),  # pending | firing | acknowledged | ended
    text("severity"),
    text("value"),
    integer("since"),  # ms: when its condition began to hold
    integer("fired_at"),
    integer("acknowledged_at"),
    text("acknowledged_by"),
    text("reason"),
    integer("ended_at"),
    integer("steady_since"),  # steady ms, as the following ones
    integer("calm_since"),
    integer("told_at"),
    sqlite_with_rowid=False,
)
# One alarm for a rule and its labels, however often and by whomever it is judged.
Index(
    "alarm_open", alarm.c.scope, alarm.c.rule, alarm.c.labels, unique=True,
    sqlite_where=sql_text(IS_OPEN), postgresql_where=sql_text(IS_OPEN),
)  # fmt: skip
Index("alarm_fired_at", alarm.c.fired_at)

notification = Table(
    "notification",
    metadata,
    Column("id", TEXT, primary_key=True),
    text("alarm"),  # "": a test
    text("kind"),  # fired | repeated | ended | test
    text("target"),
    text("body"),  # JSON: what is told
    text("state"),  # ready | done | dead
    integer("attempts"),
    integer("due_at"),  # steady ms; while somebody sends it: until when
    integer("made_at"),
    integer("ended_at"),
    text("fault"),
    sqlite_with_rowid=False,
)
partial("notification_ready", notification, IS_READY, "due_at")
Index("notification_alarm", notification.c.alarm)
Index("notification_made_at", notification.c.made_at)

alarm_lease = Table(
    "alarm_lease",
    metadata,
    Column("scope", TEXT, primary_key=True),
    text("holder"),
    integer("until"),  # steady ms
    sqlite_with_rowid=False,
)
