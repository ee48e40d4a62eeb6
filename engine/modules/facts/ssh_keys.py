"""Subset `ssh_pub_keys`: the public halves of the host's keys."""
from engine.modules.facts.reading import text

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

FOLDERS = ("/etc/ssh", "/etc/openssh", "/etc")
KINDS = ("dsa", "rsa", "ecdsa", "ed25519")


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """From the first folder that has one."""
    found: "Facts" = {}
    for folder in FOLDERS:
        for kind in KINDS:
            words = text(host, "{0}/ssh_host_{1}_key.pub".format(folder, kind)).split()
            if len(words) > 1:
                found["ssh_host_key_{0}_public".format(kind)] = words[1]
                found["ssh_host_key_{0}_public_keytype".format(kind)] = words[0]
        if found:
            break
    return found
