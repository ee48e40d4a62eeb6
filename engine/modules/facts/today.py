"""Subset `date_time`."""
import time

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    return {"date_time": as_facts(time.time())}


def as_facts(seconds: float) -> "Facts":
    """Local time, but for the iso8601 forms that end in Z. seconds: since the epoch."""
    local = time.localtime(seconds)
    universal = time.gmtime(seconds)
    micro = "{0:06d}".format(int(seconds % 1 * 1000000))
    found = {
        name: time.strftime(form, local)
        for name, form in (
            ("year", "%Y"), ("month", "%m"), ("weekday", "%A"), ("weekday_number", "%w"), ("weeknumber", "%W"), ("day", "%d"),
            ("hour", "%H"), ("minute", "%M"), ("second", "%S"), ("date", "%Y-%m-%d"), ("time", "%H:%M:%S"), ("tz", "%Z"),
            ("tz_offset", "%z"), ("iso8601_basic_short", "%Y%m%dT%H%M%S"),
        )
    }
    found["epoch"] = found["epoch_int"] = str(int(seconds))
    found["iso8601_basic"] = found["iso8601_basic_short"] + micro
    found["iso8601"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", universal)
    found["iso8601_micro"] = time.strftime("%Y-%m-%dT%H:%M:%S", universal) + ".{0}Z".format(micro)
    found["tz_dst"] = time.tzname[1]
    return found
