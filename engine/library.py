"""The library for those who need one run: settings as the command line has them, an `Engine` for as long as it lasts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.blocking import wait_for
from engine.engine import Engine
from engine.errors import EngineError, UsageError
from engine.files import DiskFiles
from engine.model.addresses import RunId
from engine.model.problem import Problem
from engine.model.recap import Recap
from engine.model.values import Value
from engine.outside import RealOutside
from engine.prepared import ExtraVars, Names, listed
from engine.runtime.events import Listener
from engine.settings.resolve import resolve
from engine.settings.settings import Settings
from engine.settings.sources import find_project, read_sources

if TYPE_CHECKING:
    from engine.drifting import DriftReport


def settings_of(
    overrides: Mapping[str, Value],
    *,
    cwd: str,
    project: str | None = None,
    warn: Callable[[Problem], None] = lambda problem: None,
    defaults: Mapping[str, Value] | None = None,
) -> Settings:
    """The settings of ansible.cfg, engine.toml, the environment and `overrides` (by `group.field`), as the command line has them.

    `defaults` are other defaults than the engine's own, by `group.field`.
    """
    outside = RealOutside()
    files = DiskFiles()
    sources = read_sources(files, outside.environ(), cwd=cwd, cli=dict(overrides), project=project)
    found = resolve(sources, environ=outside.environ(), defaults=defaults or {})
    for problem in found.problems:
        warn(problem)
    return found.settings


OPTIONS = {
    "check": "run.check",
    "diff": "run.diff",
    "forks": "run.forks",
    "tags": "run.tags",
    "skip_tags": "run.skip_tags",
    "limit": "inventory.limit",
    "user": "ssh.user",
    "connection": "ssh.connection",
    "become": "become.become",
    "verbosity": "output.verbosity",
}
"""Keyword arguments of `run` and `arun` → settings."""


async def arollback(
    project: str = ".",
    *,
    run: RunId | None = None,
    inventory: Names = (),
    extra_vars: ExtraVars = (),
    settings: Settings | None = None,
    force: bool = False,
    listeners: Sequence[Listener] = (),
) -> Recap:
    """Take back the newest run of `project` that changed something (or the named one); the recap.

    Raises:
        StateError: there is nothing to take back.
    """
    cwd = os.getcwd()
    root = project_of(project)
    async with Engine(settings=settings or settings_of({}, cwd=cwd, project=root), cwd=cwd) as made:
        plan = await made.plan_rollback(root, run)
        prepared = await made.prepare_rollback(
            plan,
            root,
            inventory=inventory,
            extra_vars=extra_vars,
            force=force,
        )
        return await made.carry_out(prepared, listeners=listeners)


def rollback(project: str = ".", **options: Any) -> Recap:
    """`arollback`, for synchronous callers."""
    return wait_for(arollback(project, **options))


async def adrift(
    project: str = ".",
    *,
    hosts: Names = (),
    resources: Names = (),
    inventory: Names = (),
    extra_vars: ExtraVars = (),
    settings: Settings | None = None,
) -> DriftReport:
    """Whether the recorded resources of `project` are still as the runs left them. Changes nothing.

    ```python
    report = await engine.adrift("site", hosts="web")
    changed = [str(each.address) for each in report.drifts if each.verdict.value == "changed"]
    ```

    Raises:
        StateError: nothing is recorded.
        UsageError: a host, resource or inventory that was named is not there.
    """
    from engine.drifting import Wanted

    cwd = os.getcwd()
    root = project_of(project)
    async with Engine(settings=settings or settings_of({}, cwd=cwd, project=root), cwd=cwd) as made:
        wanted = Wanted(
            hosts=listed(hosts), resources=listed(resources), inventory=listed(inventory), extra_vars=made.extra_vars(extra_vars)
        )
        return await made.drift(root, wanted)


def drift(project: str = ".", **options: Any) -> DriftReport:
    """`adrift`, for synchronous callers."""
    return wait_for(adrift(project, **options))


async def arun(
    playbooks: Names,
    *,
    inventory: Names = (),
    extra_vars: ExtraVars = (),
    settings: Settings | None = None,
    listeners: Sequence[Listener] = (),
    **options: Any,
) -> Recap:
    """Run playbooks; the recap. `options`: check, diff, forks, tags, skip_tags, limit, user, connection, become, verbosity.

    ```python
    recap = await engine.arun("site.yml", inventory="hosts.ini", extra_vars={"version": "1.4"}, check=True)
    ```

    Raises:
        EngineError: mistakes that are found before a host is touched.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise TypeError(f"unknown options: {', '.join(unknown)}; known are {', '.join(OPTIONS)}")
    first = playbooks if isinstance(playbooks, str) else next(iter(playbooks), "")
    cwd = os.getcwd()
    overrides = {OPTIONS[name]: value for name, value in options.items()}
    if settings is None:
        settings = settings_of(overrides, cwd=cwd, project=project_of(os.path.dirname(first)))
    elif overrides:
        for key, value in overrides.items():
            group, _, name = key.partition(".")
            settings = replace(settings, **{group: replace(getattr(settings, group), **{name: value})})
    async with Engine(settings=settings, cwd=cwd) as made:
        return await made.run(playbooks, inventory=inventory, extra_vars=extra_vars, listeners=listeners)


def run(playbooks: Names, **options: Any) -> Recap:
    """`arun`, for synchronous callers; works inside a running event loop too."""
    return wait_for(arun(playbooks, **options))


def lint(made: Engine, playbook: str, *, inventory: Names = (), extra_vars: ExtraVars = ()) -> list[Problem]:
    """What the rules of engine/lint find in a playbook, mistakes that would keep it from being read included. Touches no host.

    Raises:
        UsageError: the playbook is not there, or an option is wrong.
    """
    from engine.lint.findings import heeded
    from engine.lint.opened import opened
    from engine.lint.rules import findings  # these load Jinja, which a run loads while connections open

    found: list[Problem] = []
    tell, made.warn = made.warn, found.append
    try:
        given = made.extra_vars(extra_vars)
        graph = made.graph(playbook, extra_vars=given)
        hosts, _ = made.inventory(listed(inventory) or made.settings.inventory.sources, os.path.dirname(graph.playbooks[0].path))
        subject = made.subject(graph, hosts, None, given)
        whole = opened(subject, made.parse_context(given, made.content), made._plan_options(given))
        return heeded((*found, *findings(whole)), made.reading)
    except UsageError:
        raise
    except EngineError as error:
        return heeded((*found, *error.problems), made.reading)
    finally:
        made.warn = tell


def project_of(folder: str) -> str:
    """The project that `folder` belongs to: the nearest folder above with .engine/, engine.toml or ansible.cfg, else itself."""
    return find_project(os.path.abspath(folder), DiskFiles())
