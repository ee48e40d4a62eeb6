"""Every setting there is, in frozen groups. Lower rooms receive the group they need, never a `Settings`.

Names and defaults are Ansible's where Ansible has the setting; `settings.sources` reads them from ansible.cfg,
engine.toml, the environment and the command line, `settings.resolve` puts them together.
"""
from __future__ import annotations

from engine.model.frozen import frozen
from engine.settings.fields import Ansible, setting

ANSIBLE_HOME = "~/.ansible"


@frozen(kw_only=True)
class RunSettings:
    """How a run goes on."""

    forks: int = setting(100, Ansible(ini="defaults.forks", env="ANSIBLE_FORKS", cli="--forks"))
    """Most hosts at work at the same time. Ansible's default is 5, since each costs it a process; here one costs a connection."""
    strategy: str = setting("linear", Ansible(ini="defaults.strategy", env="ANSIBLE_STRATEGY"))
    """`linear`, `free` or `host_pinned`, unless a play says otherwise."""
    check: bool = setting(False, Ansible(cli="--check"))
    """Say what would change, change nothing."""
    diff: bool = setting(False, Ansible(ini="diff.always", env="ANSIBLE_DIFF_ALWAYS", cli="--diff"))
    """Show differences of files."""
    diff_context: int = setting(3, Ansible(ini="diff.context", env="ANSIBLE_DIFF_CONTEXT"))
    """Lines shown around a difference."""
    max_diff_size: int = setting(104448, Ansible(ini="defaults.max_diff_size", env="ANSIBLE_MAX_DIFF_SIZE"))
    """Bytes; the content of larger files is not shown. 0: any size."""
    any_errors_fatal: bool = setting(False, Ansible(ini="defaults.any_errors_fatal", env="ANSIBLE_ANY_ERRORS_FATAL"))
    """A failure on one host ends the play for all."""
    force_handlers: bool = setting(False, Ansible(ini="defaults.force_handlers", env="ANSIBLE_FORCE_HANDLERS", cli="--force-handlers"))
    """Notified handlers run on failed hosts too."""
    error_on_missing_handler: bool = setting(
        True, Ansible(ini="defaults.error_on_missing_handler", env="ANSIBLE_ERROR_ON_MISSING_HANDLER"))
    """`notify` of a handler that does not exist fails the task; else it is a warning."""
    poll_interval: int = setting(15, Ansible(ini="defaults.poll_interval", env="ANSIBLE_POLL_INTERVAL"))
    """Seconds between looks at a job with `async`, unless `poll` says otherwise."""
    task_timeout: int = setting(0, Ansible(ini="defaults.task_timeout", env="ANSIBLE_TASK_TIMEOUT", cli="--task-timeout"))
    """Seconds after which a task fails, unless `timeout` says otherwise. 0: never."""
    stop_grace: float = setting(5.0)
    """Seconds that running tasks get to end after Ctrl-C."""
    no_log: bool = setting(False, Ansible(ini="defaults.no_log", env="ANSIBLE_NO_LOG"))
    """Hide the results of all tasks that do not say `no_log: false`."""
    tags: tuple[str, ...] = setting((), Ansible(ini="tags.run", env="ANSIBLE_RUN_TAGS", cli="--tags"))
    """Only tasks with one of these run; empty: all."""
    skip_tags: tuple[str, ...] = setting((), Ansible(ini="tags.skip", env="ANSIBLE_SKIP_TAGS", cli="--skip-tags"))
    start_at_task: str = setting("", Ansible(cli="--start-at-task"))
    """Name (or wildcard) of the first task that runs."""
    start_at: str = setting("")
    """`FILE:LINE` of the first task that runs, also in a role or in what an include brings."""
    step: bool = setting(False, Ansible(cli="--step"))
    """Ask before each task."""
    task_debugger: bool = setting(False, Ansible(ini="defaults.enable_task_debugger", env="ANSIBLE_ENABLE_TASK_DEBUGGER"))
    """Start the task debugger where a task fails and no `debugger` says otherwise."""
    task_debugger_ignore_errors: bool = setting(
        True, Ansible(ini="defaults.task_debugger_ignore_errors", env="ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"))
    """A failure that is ignored does not start it."""
    module_name: str = setting("command", Ansible(ini="defaults.module_name", cli="--module-name"))
    """The module of `engine exec` where none is named."""
    module_args: str = setting("", Ansible(ini="defaults.module_args", env="ANSIBLE_MODULE_ARGS", cli="--args"))
    executable: str = setting("/bin/sh", Ansible(ini="defaults.executable", env="ANSIBLE_EXECUTABLE"))
    """The shell of `shell` and of `raw` on targets."""
    remote_tmp: str = setting("~/.ansible/tmp", Ansible(ini="defaults.remote_tmp", env=("ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP")))
    """Folder on targets for what a task must put on disk (async jobs, scripts)."""
    compat: str = setting("engine", choices=("engine", "ansible"))
    """Where the engine is more lenient than ansible-core 2.21 (conditions that are no booleans…), `ansible` refuses as it does."""


@frozen(kw_only=True)
class SshSettings:
    """How hosts are reached. A host's `ansible_*` variables win over all of these."""

    connection: str = setting("ssh", Ansible(ini="defaults.transport", env="ANSIBLE_TRANSPORT", cli="--connection"))
    """`ssh` or `local`; `smart` and `paramiko` mean ssh."""
    timeout: float = setting(
        10.0,
        Ansible(ini=("ssh_connection.timeout", "defaults.timeout"), env=("ANSIBLE_SSH_TIMEOUT", "ANSIBLE_TIMEOUT"), cli="--timeout"))
    """Seconds until an unanswered connection counts as unreachable. Ten, as Ansible: long enough for a sleeping VM, short enough
    for a typing error."""
    user: str | None = setting(None, Ansible(ini="defaults.remote_user", env="ANSIBLE_REMOTE_USER", cli="--user"))
    """None: what ~/.ssh/config says, else the user who runs the engine."""
    port: int | None = setting(None, Ansible(ini="defaults.remote_port", env="ANSIBLE_REMOTE_PORT"))
    """None: what ~/.ssh/config says, else 22."""
    password: str | None = setting(None, secret=True)
    """From `--ask-pass` or a password file."""
    ask_password: bool = setting(False, Ansible(ini="defaults.ask_pass", env="ANSIBLE_ASK_PASS", cli="--ask-pass"))
    password_file: str | None = setting(
        None, Ansible(ini="defaults.connection_password_file", env="ANSIBLE_CONNECTION_PASSWORD_FILE", cli="--connection-password-file"),
        kind="path")
    private_key_file: str | None = setting(
        None, Ansible(ini="defaults.private_key_file", env="ANSIBLE_PRIVATE_KEY_FILE", cli="--private-key"), kind="path")
    ssh_args: str = setting("", Ansible(ini="ssh_connection.ssh_args", env="ANSIBLE_SSH_ARGS"))
    """OpenSSH options. Ansible's default turns on connection sharing, which the engine always has."""
    common_args: str = setting("", Ansible(ini="ssh_connection.ssh_common_args", env="ANSIBLE_SSH_COMMON_ARGS", cli="--ssh-common-args"))
    extra_args: str = setting("", Ansible(ini="ssh_connection.ssh_extra_args", env="ANSIBLE_SSH_EXTRA_ARGS", cli="--ssh-extra-args"))
    host_key_checking: bool = setting(
        True,
        Ansible(ini=("ssh_connection.host_key_checking", "defaults.host_key_checking"),
                env=("ANSIBLE_SSH_HOST_KEY_CHECKING", "ANSIBLE_HOST_KEY_CHECKING")))
    """Refuse hosts whose key is not in known_hosts."""
    retries: int = setting(0, Ansible(ini=("ssh_connection.retries", "connection.retries"), env="ANSIBLE_SSH_RETRIES"))
    """How often a connection is tried again."""
    reconnect: float = setting(60.0)
    """Seconds for which a connection that was lost in the middle of a run is made anew, before its host counts as unreachable: as long
    as a restart of the network or a short outage takes. 0: not at all, as ansible-core, and under `compat = "ansible"`."""
    interpreter: str = setting("auto", Ansible(ini="defaults.interpreter_python", env="ANSIBLE_PYTHON_INTERPRETER"))
    """Python on targets; `auto…`: found by the first stage."""


@frozen(kw_only=True)
class BecomeSettings:
    """How another user is become. Keywords and `ansible_become_*` variables win."""

    become: bool = setting(False, Ansible(ini="privilege_escalation.become", env="ANSIBLE_BECOME", cli="--become"))
    method: str = setting("sudo", Ansible(ini="privilege_escalation.become_method", env="ANSIBLE_BECOME_METHOD", cli="--become-method"))
    user: str = setting("root", Ansible(ini="privilege_escalation.become_user", env="ANSIBLE_BECOME_USER", cli="--become-user"))
    exe: str = setting("", Ansible(ini="privilege_escalation.become_exe", env="ANSIBLE_BECOME_EXE"))
    """Empty: the method's own."""
    flags: str | None = setting(None, Ansible(ini="privilege_escalation.become_flags", env="ANSIBLE_BECOME_FLAGS"))
    """None: the method's default (`-H -S -n` for sudo)."""
    password: str | None = setting(None, Ansible(env="ANSIBLE_BECOME_PASS"), secret=True)
    """From `--ask-become-pass`, a password file, or the environment."""
    ask_password: bool = setting(
        False, Ansible(ini="privilege_escalation.become_ask_pass", env="ANSIBLE_BECOME_ASK_PASS", cli="--ask-become-pass"))
    password_file: str | None = setting(
        None, Ansible(ini="defaults.become_password_file", env="ANSIBLE_BECOME_PASSWORD_FILE", cli="--become-password-file"), kind="path")
    allow_same_user: bool = setting(
        False, Ansible(ini="privilege_escalation.become_allow_same_user", env="ANSIBLE_BECOME_ALLOW_SAME_USER"))
    """Become even who one is already."""


@frozen(kw_only=True)
class InventorySettings:
    """Where hosts come from."""

    sources: tuple[str, ...] = setting(
        ("/etc/ansible/hosts",), Ansible(ini="defaults.inventory", env="ANSIBLE_INVENTORY", cli="--inventory"), kind="pathlist")
    """Files, folders, scripts, or lists of hosts (texts with a comma, from the command line)."""
    limit: str = setting("", Ansible(cli="--limit"))
    """A pattern that leaves hosts out; `@file` names a file of them."""
    any_unparsed_is_failed: bool = setting(
        False, Ansible(ini="inventory.any_unparsed_is_failed", env="ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"))
    unparsed_is_failed: bool = setting(False, Ansible(ini="inventory.unparsed_is_failed", env="ANSIBLE_INVENTORY_UNPARSED_FAILED"))
    unparsed_warning: bool = setting(
        True, Ansible(ini="inventory.inventory_unparsed_warning", env="ANSIBLE_INVENTORY_UNPARSED_WARNING"))
    localhost_warning: bool = setting(True, Ansible(ini="defaults.localhost_warning", env="ANSIBLE_LOCALHOST_WARNING"))
    ignored_extensions: tuple[str, ...] = setting(
        (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"),
        Ansible(ini=("inventory.ignore_extensions", "defaults.inventory_ignore_extensions"), env="ANSIBLE_INVENTORY_IGNORE"))
    """In folders of inventories."""
    ignored_patterns: tuple[str, ...] = setting(
        (), Ansible(ini=("inventory.ignore_patterns", "defaults.inventory_ignore_patterns"), env="ANSIBLE_INVENTORY_IGNORE_REGEX"))
    host_pattern_mismatch: str = setting(
        "warning", Ansible(ini="inventory.host_pattern_mismatch", env="ANSIBLE_HOST_PATTERN_MISMATCH"),
        choices=("warning", "error", "ignore"))
    """What a part of a pattern is that names nothing."""
    group_names: str = setting(
        "never", Ansible(ini="defaults.force_valid_group_names", env="ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"),
        choices=("never", "always", "ignore", "silently"))
    """Whether characters that names of variables cannot have are replaced by `_` in names of groups, and whether that is told."""


@frozen(kw_only=True)
class PathSettings:
    """Where content is looked for, besides the folders beside the playbook."""

    roles_path: tuple[str, ...] = setting(
        (f"{ANSIBLE_HOME}/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"),
        Ansible(ini="defaults.roles_path", env="ANSIBLE_ROLES_PATH", cli="--roles-path"), kind="paths")
    collections_path: tuple[str, ...] = setting(
        (f"{ANSIBLE_HOME}/collections", "/usr/share/ansible/collections"),
        Ansible(ini="defaults.collections_path", env="ANSIBLE_COLLECTIONS_PATH"), kind="paths")
    library: tuple[str, ...] = setting((), Ansible(ini="defaults.library", env="ANSIBLE_LIBRARY", cli="--module-path"), kind="paths")
    """Modules of the project's own."""
    module_utils: tuple[str, ...] = setting((), Ansible(ini="defaults.module_utils", env="ANSIBLE_MODULE_UTILS"), kind="paths")
    """What such modules import, of the project's own."""
    ansible_core: str | None = setting(None, kind="path")
    """An installed ansible-core for modules that import `ansible.module_utils`: the folder that holds it, an environment, or its Python.
    None: the one installed beside the engine, if there is one."""
    filter_plugins: tuple[str, ...] = setting((), Ansible(ini="defaults.filter_plugins", env="ANSIBLE_FILTER_PLUGINS"), kind="paths")
    lookup_plugins: tuple[str, ...] = setting((), Ansible(ini="defaults.lookup_plugins", env="ANSIBLE_LOOKUP_PLUGINS"), kind="paths")
    test_plugins: tuple[str, ...] = setting((), Ansible(ini="defaults.test_plugins", env="ANSIBLE_TEST_PLUGINS"), kind="paths")
    playbook_dir: str | None = setting(
        None, Ansible(ini="defaults.playbook_dir", env="ANSIBLE_PLAYBOOK_DIR", cli="--playbook-dir"), kind="path")
    """For commands without a playbook: whose group_vars/ and roles/ count."""
    log_path: str | None = setting(None, Ansible(ini="defaults.log_path", env="ANSIBLE_LOG_PATH"), kind="path")
    """A file that gets the output too."""


@frozen(kw_only=True)
class VaultSettings:
    """Passwords of encrypted text, in the order in which they are tried."""

    identities: tuple[str, ...] = setting(
        (), Ansible(ini="defaults.vault_identity_list", env="ANSIBLE_VAULT_IDENTITY_LIST", cli="--vault-id"))
    """`label@source`; a source is a file, a script, `prompt` or `prompt_ask_vault_pass`."""
    password_file: str | None = setting(
        None, Ansible(ini="defaults.vault_password_file", env="ANSIBLE_VAULT_PASSWORD_FILE", cli="--vault-password-file"), kind="path")
    ask_password: bool = setting(
        False, Ansible(ini="defaults.ask_vault_pass", env="ANSIBLE_ASK_VAULT_PASS", cli="--ask-vault-password"))
    default_identity: str = setting("default", Ansible(ini="defaults.vault_identity", env="ANSIBLE_VAULT_IDENTITY"))
    """The label of a password that is given without one."""
    match_identity: bool = setting(False, Ansible(ini="defaults.vault_id_match", env="ANSIBLE_VAULT_ID_MATCH"))
    """Try only passwords whose label is the text's."""
    encrypt_identity: str | None = setting(
        None, Ansible(ini="defaults.vault_encrypt_identity", env="ANSIBLE_VAULT_ENCRYPT_IDENTITY", cli="--encrypt-vault-id"))


@frozen(kw_only=True)
class OutputSettings:
    """What the terminal shows."""

    verbosity: int = setting(0, Ansible(ini="defaults.verbosity", env="ANSIBLE_VERBOSITY", cli="-v"))
    """Number of `-v`."""
    debug: bool = setting(False, Ansible(ini="defaults.debug", env="ANSIBLE_DEBUG"))
    """Tell what the engine does by itself, too: the flushes of handlers that no task asks for."""
    color: bool | None = setting(None)
    """None: on terminals. From `force_color`, `nocolor` and NO_COLOR."""
    force_color: bool = setting(False, Ansible(ini="defaults.force_color", env="ANSIBLE_FORCE_COLOR"))
    no_color: bool = setting(False, Ansible(ini="defaults.nocolor", env=("ANSIBLE_NOCOLOR", "NO_COLOR")))
    stdout_callback: str = setting("default", Ansible(ini="defaults.stdout_callback", env="ANSIBLE_STDOUT_CALLBACK"))
    """`default`, `yaml` (default with YAML results), `minimal`…; what the engine does not have is told when the run starts."""
    display_ok_hosts: bool = setting(True, Ansible(ini="defaults.display_ok_hosts", env="ANSIBLE_DISPLAY_OK_HOSTS"))
    display_skipped_hosts: bool = setting(True, Ansible(ini="defaults.display_skipped_hosts", env="ANSIBLE_DISPLAY_SKIPPED_HOSTS"))
    display_included_hosts: bool = setting(True, Ansible(ini="defaults.display_included_hosts", env="ANSIBLE_DISPLAY_INCLUDED_HOSTS"))
    display_failed_stderr: bool = setting(False, Ansible(ini="defaults.display_failed_stderr", env="ANSIBLE_DISPLAY_FAILED_STDERR"))
    display_args_to_stdout: bool = setting(False, Ansible(ini="defaults.display_args_to_stdout", env="ANSIBLE_DISPLAY_ARGS_TO_STDOUT"))
    show_custom_stats: bool = setting(False, Ansible(ini="defaults.show_custom_stats", env="ANSIBLE_SHOW_CUSTOM_STATS"))
    show_per_host_start: bool = setting(False, Ansible(ini="defaults.show_per_host_start", env="ANSIBLE_SHOW_PER_HOST_START"))
    show_task_path_on_failure: bool = setting(
        False, Ansible(ini="defaults.show_task_path_on_failure", env="ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"))
    check_mode_markers: bool = setting(False, Ansible(ini="defaults.check_mode_markers", env="ANSIBLE_CHECK_MODE_MARKERS"))
    result_format: str = setting(
        "json", Ansible(ini="defaults.callback_result_format", env="ANSIBLE_CALLBACK_RESULT_FORMAT"), choices=("json", "yaml"))
    result_pretty: bool | None = setting(
        None, Ansible(ini="defaults.callback_format_pretty", env="ANSIBLE_CALLBACK_FORMAT_PRETTY"))
    """None: as the format and the verbosity ask."""
    result_indentation: int = setting(
        4, Ansible(ini="defaults.callback_result_indentation", env="ANSIBLE_CALLBACK_RESULT_INDENTATION"))
    result_yaml_line_width: int | None = setting(
        None, Ansible(ini="defaults.callback_result_yaml_line_width", env="ANSIBLE_CALLBACK_YAML_LINE_WIDTH"))
    """Columns at which long lines of YAML are broken. None: 80."""
    deprecation_warnings: bool = setting(True, Ansible(ini="defaults.deprecation_warnings", env="ANSIBLE_DEPRECATION_WARNINGS"))
    system_warnings: bool = setting(True, Ansible(ini="defaults.system_warnings", env="ANSIBLE_SYSTEM_WARNINGS"))
    action_warnings: bool = setting(True, Ansible(ini="defaults.action_warnings", env="ANSIBLE_ACTION_WARNINGS"))
    colors: tuple[tuple[str, str], ...] = setting(())
    """Pairs of `[colors]` key and colour that differ from the default."""


@frozen(kw_only=True)
class StateSettings:
    """What is remembered of runs."""

    store: str = setting("sqlite", choices=("sqlite", "json", "postgres", "memory"))
    dsn: str = setting("", secret=True)
    """Of `postgres`: `host=db dbname=state user=engine` or `postgresql://engine@db/state`. With a password in it: ENGINE_STATE_DSN.
    What it leaves out is libpq's (`PGPASSWORD`, `~/.pgpass`…)."""
    encrypt: bool = setting(False)
    """Contents and secrets are kept encrypted with the first vault password, so that they can be taken back; else secrets are left out."""
    workspace: str = setting("", Ansible(cli="--workspace"))
    """Each has a state of its own: a file beside that of `default`, or a schema of the database. Empty: the one that
    `engine state workspace select` chose, else `default`."""
    directory: str = setting(".engine")
    """Relative to the project."""
    lock: bool = setting(True, Ansible(cli="--no-lock"))
    """A run that is recorded holds its hosts, so that no other run changes them meanwhile. Not under `compat = "ansible"`."""
    lock_timeout: float = setting(0.0, Ansible(cli="--lock-timeout"))
    """Seconds for which hosts that another run holds are waited for. 0: refused at once, with who holds them."""
    force_unlock: bool = setting(False, Ansible(cli="--force-unlock"))
    """Take away the locks that others hold on the run's hosts."""


@frozen(kw_only=True)
class FactSettings:
    """What is found out about hosts."""

    gathering: str = setting(
        "implicit", Ansible(ini="defaults.gathering", env="ANSIBLE_GATHERING"), choices=("implicit", "explicit", "smart"))
    """Whether plays without `gather_facts` gather: always, never, or where the facts are not known."""
    inject: bool = setting(True, Ansible(ini="defaults.inject_facts_as_vars", env="ANSIBLE_INJECT_FACT_VARS"))
    """Facts are variables of their own (`ansible_hostname`), not only `ansible_facts.hostname`."""
    modules: tuple[str, ...] = setting(("smart",), Ansible(ini="defaults.facts_modules", env="ANSIBLE_FACTS_MODULES"))
    caching: str = setting("memory", Ansible(ini="defaults.fact_caching", env="ANSIBLE_CACHE_PLUGIN"))
    """`memory` (of one run) or `jsonfile`."""
    caching_connection: str | None = setting(
        None, Ansible(ini="defaults.fact_caching_connection", env="ANSIBLE_CACHE_PLUGIN_CONNECTION"), kind="path")
    caching_prefix: str = setting("", Ansible(ini="defaults.fact_caching_prefix", env="ANSIBLE_CACHE_PLUGIN_PREFIX"))
    caching_timeout: int = setting(86400, Ansible(ini="defaults.fact_caching_timeout", env="ANSIBLE_CACHE_PLUGIN_TIMEOUT"))
    """Seconds for which cached facts count; 0: for ever."""
    flush: bool = setting(False, Ansible(cli="--flush-cache"))


@frozen(kw_only=True)
class VariablesSettings:
    """How variables are looked up and rendered."""

    hash_behaviour: str = setting(
        "replace", Ansible(ini="defaults.hash_behaviour", env="ANSIBLE_HASH_BEHAVIOUR"), choices=("replace", "merge"))
    """What a mapping does with one of the same name in a lower layer."""
    scoping: str = setting("ansible", choices=("ansible", "lexical"))
    """`lexical`: what a role defines and sets is its own, unless it is exported. Plays and roles may say otherwise."""
    private_role_vars: bool | None = setting(None, Ansible(ini="defaults.private_role_vars", env="ANSIBLE_PRIVATE_ROLE_VARS"))
    """Whether defaults and vars of a role are hidden from the rest of the play, unless its import or include says `public`.
    None: those of included roles are, those of others are not."""
    jinja_extensions: tuple[str, ...] = setting((), Ansible(ini="defaults.jinja2_extensions", env="ANSIBLE_JINJA2_EXTENSIONS"))
    """Extensions of Jinja that templates may use, by their full names: `jinja2.ext.do`, `jinja2.ext.loopcontrols`."""
    managed_text: str = setting("Ansible managed", Ansible(ini="defaults.ansible_managed"))
    """The variable `ansible_managed`."""
    duplicate_key: str = setting(
        "warn", Ansible(ini="defaults.duplicate_dict_key", env="ANSIBLE_DUPLICATE_YAML_DICT_KEY"), choices=("warn", "error", "ignore"))
    """What a key is that stands twice in one YAML mapping."""
    allow_broken_conditionals: bool | None = setting(
        None, Ansible(ini="defaults.allow_broken_conditionals", env="ANSIBLE_ALLOW_BROKEN_CONDITIONALS"))
    """Accept conditions whose value is not a boolean. None: as `compat` says (`engine` does, with a warning; `ansible` does not)."""
    allow_embedded_templates: bool = setting(
        True, Ansible(ini="defaults.allow_embedded_templates", env="ANSIBLE_ALLOW_EMBEDDED_TEMPLATES"))
    """Accept templates within conditions and within string constants of templates."""


@frozen(kw_only=True)
class Settings:
    """All groups. Made by `settings.resolve.resolve`, or by hand: `Settings(run=RunSettings(forks=50))`."""

    run: RunSettings = RunSettings()
    ssh: SshSettings = SshSettings()
    become: BecomeSettings = BecomeSettings()
    inventory: InventorySettings = InventorySettings()
    paths: PathSettings = PathSettings()
    vault: VaultSettings = VaultSettings()
    output: OutputSettings = OutputSettings()
    state: StateSettings = StateSettings()
    facts: FactSettings = FactSettings()
    variables: VariablesSettings = VariablesSettings()
    config_file: str | None = None
    """The ansible.cfg that was read: the variable `ansible_config_file`."""
