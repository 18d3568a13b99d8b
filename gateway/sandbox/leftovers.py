"""What a demo leaves for its operators after all has come out right: a platform that takes nothing in for a while,
so that deliveries wait for a person."""

from __future__ import annotations

from gateway.sandbox import Sandbox
from gateway.sandbox.ledger import REFUSED, Entry
from gateway.sandbox.people import new_company, subject_record

WHY = "系统升级，暂不受理主体变更"
SUBJECTS = ("上海临港市政养护有限公司", "上海青浦公路工程有限公司", "上海崇明桥隧养护有限公司")
_WAIT_S = 30.0


async def leave_some_work(sandbox: Sandbox) -> int:
    """So many deliveries to procurement that it refused, all for the same reason. The bare calls: the general
    platform's ledger does not wait for them, when the demo is started again over the same data.

    TimeoutError where they do not come."""
    platform = sandbox.procurement
    platform.refuse_next(WHY, len(SUBJECTS))
    for title in SUBJECTS:
        record = subject_record(new_company(title, "310118"))
        before = len(platform.ledger.entries)
        await sandbox.general.submit("1001", record)
        await platform.ledger.wait_for(_is_refused, _WAIT_S, after=before)
    return len(SUBJECTS)


def _is_refused(entry: Entry) -> bool:
    return entry.kind == REFUSED and entry.type == "1001"
