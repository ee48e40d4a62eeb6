"""Part of subset `hardware`: what the firmware says of the machine (DMI), "NA" where it says nothing."""
from engine.modules.facts.reading import text

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish

FOLDER = "/sys/devices/virtual/dmi/id/"
FILES = {
    "bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version",
    "board_asset_tag": "board_asset_tag", "board_name": "board_name", "board_serial": "board_serial",
    "board_vendor": "board_vendor", "board_version": "board_version",
    "chassis_asset_tag": "chassis_asset_tag", "chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor",
    "chassis_version": "chassis_version", "form_factor": "chassis_type", "product_name": "product_name",
    "product_serial": "product_serial", "product_uuid": "product_uuid", "product_version": "product_version",
    "system_vendor": "sys_vendor",
}
SHAPES = (
    "Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable", "Laptop", "Notebook",
    "Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box", "Main Server Chassis", "Expansion Chassis",
    "Sub Chassis", "Bus Expansion Chassis", "Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system",
    "CompactPCI", "AdvancedTCA", "Blade", "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC",
    "Stick PC",
)
"""Source: SMBIOS specification 3.7, table 17 "System Enclosure or Chassis Types"."""


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    if not host.exists(FOLDER):
        return dict.fromkeys(FILES, "NA")
    found = {name: text(host, FOLDER + file, "NA") for name, file in FILES.items()}
    found["form_factor"] = shape(found["form_factor"])
    return found


def shape(number: str) -> str:
    if number.isdigit():
        return SHAPES[int(number)] if int(number) < len(SHAPES) else "unknown ({0})".format(number)
    return number
