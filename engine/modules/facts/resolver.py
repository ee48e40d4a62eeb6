"""Subset `dns`: /etc/resolv.conf."""
from engine.modules.facts.reading import lines

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    found: "Facts" = {}
    for line in lines(host, "/etc/resolv.conf"):
        words = line.split()
        if not words or line.startswith(("#", ";")):
            continue
        if words[0] == "nameserver":
            found.setdefault("nameservers", []).extend(words[1:])
        elif words[0] == "domain" and len(words) > 1:
            found["domain"] = words[1]
        elif words[0] in ("search", "sortlist"):
            found[words[0]] = words[1:]
        elif words[0] == "options":
            found["options"] = {}
            for option in words[1:]:
                name, colon, value = option.partition(":")
                found["options"][name] = value if colon else True
    return {"dns": found}
