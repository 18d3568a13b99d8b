"""What the database knows of a batch's keys: idempotency keys, tokens, business keys. Never purged."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select

from gateway.payments.ground import NO_NEEDS
from gateway.store import tables
from gateway.store.contract import Arrival, LastVersion
from gateway.store.grounding import load_ground, lock_ground
from gateway.store.judging import BoundKey, Known
from gateway.store.statements import Connection, Statement, as_given, given

_key, _token, _business = tables.sender_key.c, tables.seen_token.c, tables.business_key.c
_keys = given("sender", "idem_key")
_KEYS = Statement(
    select(_key.sender, _key.idem_key, _key.fingerprint, _key.message_id, _key.kind).select_from(
        _keys.join(tables.sender_key, and_(_key.sender == _keys.c.sender, _key.idem_key == _keys.c.idem_key))
    )
)
_tokens = given("sender", "jti")
_TOKENS = Statement(
    select(_token.sender, _token.jti, _token.used_for).select_from(
        _tokens.join(tables.seen_token, and_(_token.sender == _tokens.c.sender, _token.jti == _tokens.c.jti))
    )
)
_wanted = given("sender", "type", "biz_key", "version", numbers={"version"})
_newest = tables.business_key.alias("newest")
_VERSIONS = Statement(
    select(
        _business.sender,
        _business.type,
        _business.biz_key,
        _business.version,
        _business.fingerprint,
        _business.sender_time,
        _business.message_id,
    ).select_from(
        _wanted.join(
            tables.business_key,
            and_(
                _business.sender == _wanted.c.sender,
                _business.type == _wanted.c.type,
                _business.biz_key == _wanted.c.biz_key,
                or_(
                    _business.version == _wanted.c.version,
                    _business.version
                    == select(func.max(_newest.c.version))
                    .where(
                        _newest.c.sender == _wanted.c.sender,
                        _newest.c.type == _wanted.c.type,
                        _newest.c.biz_key == _wanted.c.biz_key,
                    )
                    .correlate(_wanted)
                    .scalar_subquery(),
                ),
            ),
        )
    )
)


async def load_known(connection: Connection, arrivals: Sequence[Arrival]) -> Known:
    """The keys, tokens and versions of a batch, and the ground that it needs."""
    known = Known()
    keys = as_given({(one.sender, one.idem_key) for one in arrivals})
    for sender, idem_key, *bound in await _KEYS.rows(connection, given=keys):
        known.keys[sender, idem_key] = BoundKey(*bound)
    tokens = as_given({(one.sender, one.jti) for one in arrivals if one.jti})
    known.tokens = {
        (sender, jti): used_for for sender, jti, used_for in await _TOKENS.rows(connection, given=tokens)
    }
    wanted = as_given({(one.sender, one.type, one.biz_key, one.biz_version) for one in arrivals})
    for sender, type_, biz_key, version, *rest in await _VERSIONS.rows(connection, given=wanted):
        found = LastVersion(version, *rest)
        known.versions[sender, type_, biz_key, version] = found
        last = known.last.get((sender, type_, biz_key))
        if last is None or last.version < version:
            known.last[sender, type_, biz_key] = found
    needs = NO_NEEDS
    for one in arrivals:
        if one.needs is not NO_NEEDS:
            needs = needs | one.needs
    await lock_ground(connection, needs)
    known.ground = await load_ground(connection, needs, locked=True)
    return known
