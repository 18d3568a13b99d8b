"""Sections of config/gateway.yaml that are settings of one thing each (settings.py has the whole)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.schedule import Schedule


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSettings(Part):
    certificate: str
    key: str
    client_authority: str = ""  # with it, clients may come by mTLS


class RetrySettings(Part):
    first_s: float = 2.0
    factor: float = 2.0
    most_s: float = 600.0
    attempts: int = 12

    def schedule(self) -> Schedule:
        return Schedule(self.first_s, self.factor, self.most_s, attempts=self.attempts)


class ReconcileSettings(Part):
    """When a day between general platform and treasury is reconciled (7001/7002)."""

    after_cut_off_min: int = Field(default=120, ge=0)  # the time that both sides have to tell their lines
    look_back_days: int = Field(default=7, ge=0, le=60)  # a line may be told so much later than its day
    every_s: float = Field(default=600.0, gt=0)


class RetentionSettings(Part):
    """How long messages stay in the database; archives are kept for good (DECISIONS.md 31: 30 years)."""

    months: int = Field(default=24, ge=6)
