"""Part of subset `hardware`: disks, their partitions, and the names udev gave them."""
import os

from engine.modules.facts.reading import names, text

MYPY = False
if MYPY:
    from typing import Dict, List, Optional

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

    Links = Dict[str, Dict[str, List[str]]]

UNITS = (("EB", 1 << 60), ("PB", 1 << 50), ("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10))


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    links = all_links(host)
    found = {}
    for name in names(host, "/sys/block"):
        found[name] = disk(host, name, links)
    return {"devices": found, "device_links": links}


def all_links(host: "Host") -> "Links":
    """Kind of link to device to names: udev's ids, uuids and labels; masters are the devices made of it."""
    found = {kind: links_in("/dev/disk/" + folder) for kind, folder in (("ids", "by-id"), ("uuids", "by-uuid"), ("labels", "by-label"))}
    masters: "Dict[str, List[str]]" = {}
    for name in names(host, "/sys/block"):
        for slave in names(host, "/sys/block/{0}/slaves".format(name)):
            masters.setdefault(slave, []).append(name)
    found["masters"] = masters
    return found


def links_in(folder: str) -> "Dict[str, List[str]]":
    found: "Dict[str, List[str]]" = {}
    try:
        every = sorted(os.listdir(folder))
    except OSError:
        return found
    for name in every:
        found.setdefault(os.path.basename(os.path.realpath(os.path.join(folder, name))), []).append(unescaped(name))
    return found


def unescaped(name: str) -> str:
    """udev writes a space as \\x20."""
    import re

    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found.group(1), 16)), name)


def disk(host: "Host", name: str, links: "Links") -> "Facts":
    folder = "/sys/block/" + name
    place = os.path.realpath(folder)
    sector = text(host, folder + "/queue/logical_block_size") or text(host, folder + "/queue/hw_sector_size") or "512"
    blocks = int(text(host, folder + "/size", "0") or 0)     # always of 512 bytes, whatever the disk's sector
    found = {
        "virtual": 1,        # Ansible says so of every disk, and so it is compared with
        "links": of_device(name, links),
        "vendor": value(host, folder + "/device/vendor"),
        "model": value(host, folder + "/device/model"),
        "sas_address": value(host, folder + "/device/sas_address"),
        "sas_device_handle": value(host, folder + "/device/sas_device_handle"),
        "removable": value(host, folder + "/removable"),
        "support_discard": value(host, folder + "/queue/discard_granularity"),
        "partitions": {part: partition(host, name, part, links) for part in names(host, folder) if is_part(host, folder, part)},
        "rotational": value(host, folder + "/queue/rotational"),
        "scheduler_mode": scheduler(text(host, folder + "/queue/scheduler")),
        "sectors": blocks,
        "sectorsize": sector,
        "size": human(blocks * 512),
        "host": controller(host, place),
        "holders": holders(host, folder),
    }  # type: Facts
    serial = value(host, folder + "/device/serial")
    if serial:
        found["serial"] = serial
    for name_of_id in found["links"]["ids"]:
        if name_of_id.startswith("wwn-"):
            found["wwn"] = name_of_id[len("wwn-"):]
    return found


def value(host: "Host", path: str) -> "Optional[str]":
    return text(host, path) or None


def of_device(name: str, links: "Links") -> "Facts":
    return {kind: links[kind].get(name, []) for kind in ("ids", "uuids", "labels", "masters")}


def is_part(host: "Host", folder: str, part: str) -> bool:
    return host.exists("{0}/{1}/start".format(folder, part))


def partition(host: "Host", disk_name: str, part: str, links: "Links") -> "Facts":
    folder = "/sys/block/{0}/{1}".format(disk_name, part)
    blocks = int(text(host, folder + "/size", "0") or 0)
    sector = text(host, "/sys/block/{0}/queue/logical_block_size".format(disk_name)) or "512"
    uuids = links["uuids"].get(part)
    return {
        "links": of_device(part, links),
        "start": text(host, folder + "/start", "0"),
        "sectors": blocks,
        "sectorsize": sector,
        "size": human(blocks * 512),
        "uuid": uuids[0] if uuids else None,
        "holders": holders(host, folder),
    }


def scheduler(content: str) -> str:
    """`none [mq-deadline]`: the one in brackets."""
    start, end = content.find("["), content.find("]")
    return content[start + 1:end] if 0 <= start < end else content.split(" ")[0]


def holders(host: "Host", folder: str) -> "List[str]":
    """Devices on top of it; a mapped one under its own name."""
    found = []
    for name in names(host, folder + "/holders"):
        if name.startswith("dm-"):
            found.append(text(host, "/sys/block/{0}/dm/name".format(name)) or name)
        else:
            found.append(name)
    return found


def controller(host: "Host", place: str) -> str:
    """The line lspci(8) has for the controller it hangs on; "" where there is no lspci."""
    import re

    found = re.findall(r"/([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])/", place)
    tool = host.which("lspci") if found else None
    if tool is None:
        return ""
    said = host.run([tool, "-s", found[-1]], timeout=5).stdout.decode("utf-8", "replace").strip()
    return said.partition(" ")[2]


def human(size: int) -> str:
    """Bytes as `256.00 GB`."""
    for unit, factor in UNITS:
        if size >= factor:
            return "{0:.2f} {1}".format(size / float(factor), unit)
    return "{0:.2f} Bytes".format(size)
