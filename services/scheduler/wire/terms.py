"""The centre's terms: from requests into values, and back into replies."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.measures import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS, PERCENT
from services.allocation.values.terms import (
    ArrearsRule,
    IdleRule,
    NoProcessRule,
    ReclaimRow,
    ReclaimRule,
    StrikeRule,
    Terms,
)
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import Fields


def publish_terms(request: api.PublishTermsRequest, now: int) -> commands.PublishTerms:
    """Terms; without a time they hold from `now` on. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.terms
    wish = Terms(
        effective=fields.seconds("terms.effective_time", given.effective_time)
        if given.HasField("effective_time")
        else now,
        extend_window_hours=fields.whole("terms.extend_window", given.extend_window, HOUR_SECONDS, "hours"),
        extend_days_max=fields.whole("terms.extend_max", given.extend_max, DAY_SECONDS, "days"),
        check_in_early_minutes=fields.whole("terms.check_in_early", given.check_in_early, MINUTE_SECONDS, "minutes"),
        strike_rules=tuple(_strike_rule(fields, number, rule) for number, rule in enumerate(given.strike_rules)),
        overburn_percent=given.overburn_percent or PERCENT,
        idle=_idle_rule(fields, given.idle) if given.HasField("idle") else None,
        reclaim=_reclaim_rule(fields, given.reclaim) if given.HasField("reclaim") else None,
        arrears=tuple(
            ArrearsRule(months=rule.months, surcharge_percent=rule.surcharge_percent, suspends=rule.suspends)
            for rule in given.arrears
        ),
        misuse_revokes=given.misuse_revokes,
        no_process=_no_process_rule(fields, given.no_process) if given.HasField("no_process") else None,
    )
    fields.demand_valid()
    return commands.PublishTerms(terms=wish)


def _idle_rule(fields: Fields, given: api.IdleRule) -> IdleRule:
    return IdleRule(
        below_percent=given.below_percent,
        window_hours=fields.whole("terms.idle.window", given.window, HOUR_SECONDS, "hours"),
        warn_hours=fields.whole("terms.idle.warning", given.warning, HOUR_SECONDS, "hours"),
        exempt=tuple(fields.text("terms.idle.exempt", each, 63) for each in given.exempt),
    )


def _no_process_rule(fields: Fields, given: api.NoProcessRule) -> NoProcessRule:
    return NoProcessRule(
        minutes=fields.whole("terms.no_process.grace", given.grace, MINUTE_SECONDS, "minutes"),
        exempt=tuple(fields.text("terms.no_process.exempt", each, 63) for each in given.exempt),
    )


def _reclaim_rule(fields: Fields, given: api.ReclaimRule) -> ReclaimRule:
    return ReclaimRule(
        rows=tuple(
            ReclaimRow(at_percent=row.at_percent, below_percent=row.below_percent, remove_percent=row.remove_percent)
            for row in given.rows
        ),
        grace_days=fields.whole("terms.reclaim.grace", given.grace, DAY_SECONDS, "days"),
        exemption_days=fields.whole("terms.reclaim.exemption", given.exemption, DAY_SECONDS, "days"),
        notice_days=fields.whole("terms.reclaim.notice", given.notice, DAY_SECONDS, "days"),
        exempt=tuple(fields.text("terms.reclaim.exempt", each, 63) for each in given.exempt),
        to_reserve=given.to_reserve,
    )


def _strike_rule(fields: Fields, number: int, rule: api.StrikeRule) -> StrikeRule:
    where = f"terms.strike_rules[{number}]"
    return StrikeRule(
        strikes=rule.strikes,
        window_days=fields.whole(f"{where}.window", rule.window, DAY_SECONDS, "days"),
        suspension_days=fields.whole(f"{where}.suspension", rule.suspension, DAY_SECONDS, "days"),
    )


def terms_reply(terms: Terms) -> api.Terms:
    """Terms as clients see them."""
    return api.Terms(
        effective_time=Timestamp(seconds=terms.effective),
        extend_window=Duration(seconds=terms.extend_window_hours * HOUR_SECONDS),
        extend_max=Duration(seconds=terms.extend_days_max * DAY_SECONDS),
        check_in_early=Duration(seconds=terms.check_in_early_minutes * MINUTE_SECONDS),
        strike_rules=[
            api.StrikeRule(
                strikes=rule.strikes,
                window=Duration(seconds=rule.window_days * DAY_SECONDS),
                suspension=Duration(seconds=rule.suspension_days * DAY_SECONDS),
            )
            for rule in terms.strike_rules
        ],
        overburn_percent=terms.overburn_percent,
        idle=_idle_reply(terms.idle) if terms.idle else None,
        reclaim=_reclaim_reply(terms.reclaim) if terms.reclaim else None,
        arrears=[
            api.ArrearsRule(months=rule.months, surcharge_percent=rule.surcharge_percent, suspends=rule.suspends)
            for rule in terms.arrears
        ],
        misuse_revokes=terms.misuse_revokes,
        no_process=_no_process_reply(terms.no_process) if terms.no_process else None,
    )


def _idle_reply(rule: IdleRule) -> api.IdleRule:
    return api.IdleRule(
        below_percent=rule.below_percent,
        window=Duration(seconds=rule.window_hours * HOUR_SECONDS),
        warning=Duration(seconds=rule.warn_hours * HOUR_SECONDS),
        exempt=rule.exempt,
    )


def _no_process_reply(rule: NoProcessRule) -> api.NoProcessRule:
    return api.NoProcessRule(grace=Duration(seconds=rule.minutes * MINUTE_SECONDS), exempt=rule.exempt)


def _reclaim_reply(rule: ReclaimRule) -> api.ReclaimRule:
    return api.ReclaimRule(
        rows=[
            api.ReclaimRow(
                at_percent=row.at_percent, below_percent=row.below_percent, remove_percent=row.remove_percent
            )
            for row in rule.rows
        ],
        grace=Duration(seconds=rule.grace_days * DAY_SECONDS),
        notice=Duration(seconds=rule.notice_days * DAY_SECONDS),
        exemption=Duration(seconds=rule.exemption_days * DAY_SECONDS),
        exempt=rule.exempt,
        to_reserve=rule.to_reserve,
    )
