"""Subsets `iscsi`, `nvme` and `fibre_channel_wwn`: the host's names in storage networks."""
from engine.modules.facts.reading import lines, names, text

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def iscsi(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    for line in lines(host, "/etc/iscsi/initiatorname.iscsi"):
        if line.startswith("InitiatorName="):
            return {"iscsi_iqn": line.split("=", 1)[1]}
    return {"iscsi_iqn": ""}


def nvme(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    for line in lines(host, "/etc/nvme/hostnqn"):
        if line.startswith("nqn."):
            return {"hostnqn": line}
    return {"hostnqn": ""}


def fibre_channel(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """World-wide names without their 0x."""
    found = [text(host, "/sys/class/fc_host/{0}/port_name".format(name)) for name in names(host, "/sys/class/fc_host")]
    return {"fibre_channel_wwn": [name[2:] for name in found if name]}
