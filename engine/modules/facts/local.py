"""Subset `local`: files `NAME.fact` that the machine's owner put there; programs are run, others are read. JSON, else INI."""
import os
import stat

from engine.modules.facts.reading import names

MYPY = False
if MYPY:
    from typing import Any

    from engine.agent.host import Host
    from engine.modules.facts.reading import Facts, Wish


def collect(host: "Host", facts: "Facts", wish: "Wish") -> "Facts":
    """A fact that cannot be had is its own error text, and a warning; the others are not harmed."""
    found: "Facts" = {}
    for file in names(host, wish.fact_path):
        if file.endswith(".fact"):
            path = os.path.join(wish.fact_path, file)
            try:
                found[file[:-len(".fact")]] = value_of(host, path, wish.seconds)
            except Unusable as error:
                wish.warnings.append(str(error).strip())
                found[file[:-len(".fact")]] = str(error)
    return {"local": found}


class Unusable(Exception):
    pass


def value_of(host: "Host", path: str, seconds: float) -> "Any":
    try:
        executable = os.stat(path).st_mode & stat.S_IXUSR
    except OSError as error:
        raise Unusable("Could not stat fact ({0}): {1}".format(path, error))
    content = output(host, path, seconds) if executable else host.read_bytes(path)
    try:
        words = content.decode("utf-8")
    except UnicodeDecodeError:
        return {}
    import json

    try:
        return json.loads(words)
    except ValueError:
        return sections(path, words)


def output(host: "Host", path: str, seconds: float) -> bytes:
    try:
        ran = host.run([path], timeout=seconds)
    except Exception as error:       # a script with a wrong first line, or one that never ends
        raise Unusable("Could not execute fact script ({0}): {1}".format(path, error))
    if ran.code != 0:
        said = ran.stderr.decode("utf-8", "replace")
        raise Unusable("Failure executing fact script ({0}), rc: {1}, err: {2}".format(path, ran.code, said))
    data: "bytes" = ran.stdout
    return data


def sections(path: str, words: str) -> "Facts":
    """INI: a dictionary of sections; names of options in lower case, as Python's reader gives them."""
    import configparser

    parser = configparser.ConfigParser()
    try:
        parser.read_string(words)
    except configparser.Error:
        raise Unusable("error loading facts as JSON or ini - please check content: {0}".format(path))
    found: "Facts" = {}
    for section in parser.sections():
        try:
            found[section] = {option: parser.get(section, option) for option in parser.options(section)}
        except configparser.Error as error:
            raise Unusable("error loading facts as ini - please check content: {0} ({1})".format(path, error))
    return found
