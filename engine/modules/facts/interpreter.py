"""Subset `python`: the interpreter that gathers."""
import sys

MYPY = False
if MYPY:
    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    version = sys.version_info
    return {"python": {
        "version": {
            "major": version.major, "minor": version.minor, "micro": version.micro,
            "releaselevel": version.releaselevel, "serial": version.serial,
        },
        "version_info": list(version),
        "executable": sys.executable,
        "has_sslcontext": has_ssl(),
        "type": sys.implementation.name,
    }}


def has_ssl() -> bool:
    """Can TLS be spoken? Found without loading OpenSSL, or importlib.util: milliseconds each."""
    if "_ssl" in sys.builtin_module_names:
        return True
    from _frozen_importlib_external import PathFinder

    return PathFinder.find_spec("_ssl") is not None
