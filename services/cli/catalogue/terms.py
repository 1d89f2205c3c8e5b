"""The centre's terms: what `centre.yaml` says for everybody; or a file of its own.

effective: 2027-01-01                 # a day in the centre's zone; without it, from their publication on
extend_window_hours: 48               # an active reservation may be extended in its last hours only
extend_max_days: 7                    # by so much at a time
check_in_early_minutes: 15            # one may check in so long before the start
strikes: [{count: 2, window_days: 90, suspend_days: 30}]
idle_release: {gpu_util_pct_below: 20, window_days: 5, warn_hours: 24, exempt: [academy, CMP-0004]}   # or nothing
no_show: {no_process_minutes: 60, exempt: [academy]}    # compute on which nothing ever ran is given back; or nothing
reclaim: [{at_pct_of_term: 40, used_below_pct: 10, remove_pct_of_unused: 25}]                         # or nothing
reclaim_rules: {grace_days_after_start: 60, notice_days: 14, exempt_programmes: [academy, CMP-0004],
                exemption_request_days_before: 7,    # an operator exempts a company from its next review until then
                returned_hours_go_to: programme_reserve,    # to be given to others of the programme; or nothing
                purpose_violation: revoke_all}       # whoever misuses what it has loses all of it; or nothing
arrears: [{overdue_months: 3, surcharge_pct: 10}, {overdue_months: 6, action: suspend}]
overburn_percent: 125                 # of a quota of compute so much may be booked in all; without it, the quota
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.cli.catalogue.tables import CatalogueError, Rules, days, hours, minutes, read_rules
from services.cli.catalogue.tariff import first_moment
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

REVOKE_ALL = "revoke_all"
"""What a misuse brings, if anything."""
PROGRAMME_RESERVE = "programme_reserve"
"""Where the hours go that reviews take back, if anywhere."""


def centre_terms(rules: Rules) -> api.Terms:
    """The terms of `centre.yaml`, from their publication on."""
    slots, equipment = rules.at("compute_slots"), rules.at("equipment_rules")
    return api.Terms(
        extend_window=hours(int(slots["extend_window_hours"])),
        extend_max=days(int(slots["extend_max_days"])),
        check_in_early=minutes(int(equipment["check_in_early_minutes"])),
        strike_rules=strike_rules(equipment["strikes"]),
        overburn_percent=int(slots["overburn"]["limit_pct"]),
        idle=idle_rule(slots["idle_release"]),
        no_process=no_process_rule(slots["no_show"]),
        arrears=arrears_rules(equipment["arrears"]),
        misuse_revokes=rules.at("reclaim_rules").get("purpose_violation") == REVOKE_ALL,
        reclaim=reclaim_rule(rules.at("reclaim"), rules.at("reclaim_rules")),
    )


def read_terms(path: Path, zone: ZoneInfo) -> api.Terms:
    """Terms in a file of their own. Raises `CatalogueError`."""
    rules = read_rules(path)
    try:
        return api.Terms(
            effective_time=first_moment(rules.data.get("effective"), zone),
            extend_window=hours(int(rules.at("extend_window_hours"))),
            extend_max=days(int(rules.at("extend_max_days"))),
            check_in_early=minutes(int(rules.at("check_in_early_minutes"))),
            strike_rules=strike_rules(rules.data.get("strikes", [])),
            overburn_percent=int(rules.data.get("overburn_percent", 100)),
            idle=idle_rule(rules.data["idle_release"]) if rules.data.get("idle_release") else None,
            misuse_revokes=rules.data.get("reclaim_rules", {}).get("purpose_violation") == REVOKE_ALL,
            arrears=arrears_rules(rules.data.get("arrears", [])),
            no_process=no_process_rule(rules.data["no_show"]) if rules.data.get("no_show") else None,
            reclaim=reclaim_rule(rules.data["reclaim"], rules.data.get("reclaim_rules", {}))
            if rules.data.get("reclaim")
            else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise CatalogueError(f"{path}: cannot make sense of {problem}") from problem


def idle_rule(given: Mapping[str, Any]) -> api.IdleRule:
    """When compute that stands idle is given back. Raises KeyError or ValueError for what makes no sense."""
    return api.IdleRule(
        below_percent=int(given["gpu_util_pct_below"]),
        window=days(int(given["window_days"])),
        warning=hours(int(given["warn_hours"])),
        exempt=[str(name) for name in given.get("exempt", [])],
    )


def no_process_rule(given: Mapping[str, Any]) -> api.NoProcessRule:
    """When compute on which nothing runs is a no-show. Raises KeyError or ValueError for what makes no sense."""
    return api.NoProcessRule(
        grace=minutes(int(given["no_process_minutes"])), exempt=[str(name) for name in given.get("exempt", [])]
    )


def arrears_rules(given: Iterable[Mapping[str, Any]]) -> list[api.ArrearsRule]:
    """What follows from bills that are not paid. Raises KeyError or ValueError for what makes no sense."""
    return [
        api.ArrearsRule(
            months=int(rule["overdue_months"]),
            surcharge_percent=int(rule.get("surcharge_pct", 0)),
            suspends=rule.get("action") == "suspend",
        )
        for rule in given
    ]


def reclaim_rule(rows: Iterable[Mapping[str, Any]], others: Mapping[str, Any]) -> api.ReclaimRule:
    """When grants are reviewed, and what they lose. Raises KeyError, ValueError or `CatalogueError` for nonsense."""
    return api.ReclaimRule(
        rows=[
            api.ReclaimRow(
                at_percent=int(row["at_pct_of_term"]),
                below_percent=int(row["used_below_pct"]),
                remove_percent=int(row["remove_pct_of_unused"]),
            )
            for row in rows
        ],
        grace=days(int(others.get("grace_days_after_start", 0))),
        exemption=days(int(others.get("exemption_request_days_before", 0))),
        notice=days(int(others.get("notice_days", 0))),
        exempt=[str(name) for name in others.get("exempt_programmes", [])],
        to_reserve=_to_reserve(others.get("returned_hours_go_to")),
    )


def _to_reserve(place: object) -> bool:
    """Whether what reviews take back goes to the reserve of the programme, or nowhere; there is no other place."""
    if place not in (None, PROGRAMME_RESERVE):
        raise CatalogueError(
            f"reclaim_rules.returned_hours_go_to: cannot make sense of {place!r}; say {PROGRAMME_RESERVE}, or nothing"
        )
    return place is not None


def strike_rules(given: Iterable[Mapping[str, Any]]) -> list[api.StrikeRule]:
    """What strikes lead to. Raises KeyError or ValueError for what makes no sense."""
    return [
        api.StrikeRule(
            strikes=int(rule["count"]),
            window=days(int(rule["window_days"])),
            suspension=days(int(rule["suspend_days"])),
        )
        for rule in given
    ]
