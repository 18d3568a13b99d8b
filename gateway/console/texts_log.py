"""Words of the message log's search, its filters and exports, and of tokens for scripts."""

from __future__ import annotations

LOG_TEXTS: dict[str, tuple[str, str]] = {
    "filter.unreadable": (
        "“{0}”无法识别，例如 2024-07-01 或 2024-07-01 10:30",
        "“{0}” cannot be read; e.g. 2024-07-01 or 2024-07-01 10:30",
    ),
    "filter.code": ("错误码", "Error code"),
    "filter.since": ("接收时间自", "Received from"),
    "filter.until": ("接收时间至", "Received to"),
    "act.make-token": ("签发接口令牌", "Made a token"),
    "act.end-token": ("吊销接口令牌", "Ended a token"),
    "token.no-user": ("没有这个用户，或已锁定", "There is no such user, or it is locked"),
    "token.unknown": ("没有这个令牌", "There is no such token"),
}
