"""Every setting of ansible-core has a field or a reason; what is ignored is told, once."""
from __future__ import annotations

import re

import pytest

from engine.files import MemoryFiles
from engine.model.problem import Severity
from engine.settings.ansible_names import ALREADY, HONOURED, IGNORED, NOT_YET, OTHERS
from engine.settings.resolve import ansible_fields, declarations, resolve
from engine.settings.settings import Settings
from engine.settings.sources import read_sources

KEYS = """
ACTION_WARNINGS AGNOSTIC_BECOME_PROMPT ALLOW_BROKEN_CONDITIONALS ALLOW_EMBEDDED_TEMPLATES ANSIBLE_CONNECTION_PATH ANSIBLE_COW_ACCEPTLIST
ANSIBLE_COW_PATH ANSIBLE_COW_SELECTION ANSIBLE_FORCE_COLOR ANSIBLE_HOME ANSIBLE_NOCOLOR ANSIBLE_NOCOWS ANSIBLE_PIPELINING ANY_ERRORS_FATAL
BECOME_ALLOW_SAME_USER BECOME_PASSWORD_FILE BECOME_PLUGIN_PATH CACHE_PLUGIN CACHE_PLUGIN_CONNECTION CACHE_PLUGIN_PREFIX
CACHE_PLUGIN_TIMEOUT CALLBACKS_ENABLED COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH COLLECTIONS_PATHS COLLECTIONS_SCAN_SYS_PATH COLOR_CHANGED
COLOR_CONSOLE_PROMPT COLOR_DEBUG COLOR_DEPRECATE COLOR_DIFF_ADD COLOR_DIFF_LINES COLOR_DIFF_REMOVE COLOR_DOC_CONSTANT COLOR_DOC_DEPRECATED
COLOR_DOC_LINK COLOR_DOC_MODULE COLOR_DOC_PLUGIN COLOR_DOC_REFERENCE COLOR_ERROR COLOR_HIGHLIGHT COLOR_INCLUDED COLOR_OK COLOR_SKIP
COLOR_UNREACHABLE COLOR_VERBOSE COLOR_WARN CONFIG_FILE CONNECTION_FACTS_MODULES CONNECTION_PASSWORD_FILE COVERAGE_REMOTE_OUTPUT
COVERAGE_REMOTE_PATHS DEFAULT_ACTION_PLUGIN_PATH DEFAULT_ALLOW_UNSAFE_LOOKUPS DEFAULT_ASK_PASS DEFAULT_ASK_VAULT_PASS DEFAULT_BECOME
DEFAULT_BECOME_ASK_PASS DEFAULT_BECOME_EXE DEFAULT_BECOME_FLAGS DEFAULT_BECOME_METHOD DEFAULT_BECOME_USER DEFAULT_CACHE_PLUGIN_PATH
DEFAULT_CALLBACK_PLUGIN_PATH DEFAULT_CLICONF_PLUGIN_PATH DEFAULT_CONNECTION_PLUGIN_PATH DEFAULT_DEBUG DEFAULT_EXECUTABLE
DEFAULT_FILTER_PLUGIN_PATH DEFAULT_FORCE_HANDLERS DEFAULT_FORKS DEFAULT_GATHERING DEFAULT_HASH_BEHAVIOUR DEFAULT_HOST_LIST
DEFAULT_HTTPAPI_PLUGIN_PATH DEFAULT_INTERNAL_POLL_INTERVAL DEFAULT_INVENTORY_PLUGIN_PATH DEFAULT_JINJA2_EXTENSIONS DEFAULT_JINJA2_NATIVE
DEFAULT_KEEP_REMOTE_FILES DEFAULT_LIBVIRT_LXC_NOSECLABEL DEFAULT_LOAD_CALLBACK_PLUGINS DEFAULT_LOCAL_TMP DEFAULT_LOG_FILTER
DEFAULT_LOG_PATH DEFAULT_LOOKUP_PLUGIN_PATH DEFAULT_MANAGED_STR DEFAULT_MODULE_ARGS DEFAULT_MODULE_COMPRESSION DEFAULT_MODULE_NAME
DEFAULT_MODULE_PATH DEFAULT_MODULE_UTILS_PATH DEFAULT_NETCONF_PLUGIN_PATH DEFAULT_NO_LOG DEFAULT_NO_TARGET_SYSLOG
DEFAULT_NULL_REPRESENTATION DEFAULT_POLL_INTERVAL DEFAULT_PRIVATE_KEY_FILE DEFAULT_PRIVATE_ROLE_VARS DEFAULT_REMOTE_PORT
DEFAULT_REMOTE_USER DEFAULT_ROLES_PATH DEFAULT_SELINUX_SPECIAL_FS DEFAULT_STDOUT_CALLBACK DEFAULT_STRATEGY DEFAULT_STRATEGY_PLUGIN_PATH
DEFAULT_SU DEFAULT_SYSLOG_FACILITY DEFAULT_TERMINAL_PLUGIN_PATH DEFAULT_TEST_PLUGIN_PATH DEFAULT_TIMEOUT DEFAULT_TRANSPORT
DEFAULT_UNDEFINED_VAR_BEHAVIOR DEFAULT_VARS_PLUGIN_PATH DEFAULT_VAULT_ENCRYPT_IDENTITY DEFAULT_VAULT_IDENTITY DEFAULT_VAULT_IDENTITY_LIST
DEFAULT_VAULT_ID_MATCH DEFAULT_VAULT_PASSWORD_FILE DEFAULT_VERBOSITY DEPRECATION_WARNINGS DEVEL_WARNING DIFF_ALWAYS DIFF_CONTEXT
DISPLAY_ARGS_TO_STDOUT DISPLAY_SKIPPED_HOSTS DISPLAY_TRACEBACK DOCSITE_ROOT_URL DOC_FRAGMENT_PLUGIN_PATH DUPLICATE_YAML_DICT_KEY EDITOR
ENABLE_TASK_DEBUGGER ERROR_ON_MISSING_HANDLER FACTS_MODULES GALAXY_CACHE_DIR GALAXY_COLLECTIONS_PATH_WARNING
GALAXY_COLLECTION_IMPORT_POLL_FACTOR GALAXY_COLLECTION_IMPORT_POLL_INTERVAL GALAXY_COLLECTION_SKELETON GALAXY_COLLECTION_SKELETON_IGNORE
GALAXY_DISABLE_GPG_VERIFY GALAXY_DISPLAY_PROGRESS GALAXY_GPG_KEYRING GALAXY_IGNORE_CERTS GALAXY_IGNORE_INVALID_SIGNATURE_STATUS_CODES
GALAXY_REQUIRED_VALID_SIGNATURE_COUNT GALAXY_ROLE_SKELETON GALAXY_ROLE_SKELETON_IGNORE GALAXY_SERVER GALAXY_SERVERS GALAXY_SERVER_LIST
GALAXY_SERVER_TIMEOUT GALAXY_TOKEN_PATH HOST_KEY_CHECKING HOST_PATTERN_MISMATCH INJECT_FACTS_AS_VARS INJECT_INVOCATION INTERPRETER_PYTHON
INTERPRETER_PYTHON_FALLBACK INVALID_TASK_ATTRIBUTE_FAILED INVENTORY_ANY_UNPARSED_IS_FAILED INVENTORY_ENABLED INVENTORY_EXPORT
INVENTORY_IGNORE_EXTS INVENTORY_IGNORE_PATTERNS INVENTORY_UNPARSED_IS_FAILED INVENTORY_UNPARSED_WARNING LOCALHOST_WARNING LOG_VERBOSITY
MAX_FILE_SIZE_FOR_DIFF MODULE_IGNORE_EXTS MODULE_STRICT_UTF8_RESPONSE NETCONF_SSH_CONFIG NETWORK_GROUP_MODULES OLD_PLUGIN_CACHE_CLEARING
PAGER PERSISTENT_COMMAND_TIMEOUT PERSISTENT_CONNECT_RETRY_TIMEOUT PERSISTENT_CONNECT_TIMEOUT PERSISTENT_CONTROL_PATH_DIR PLAYBOOK_DIR
PLAYBOOK_VARS_ROOT PLUGIN_FILTERS_CFG PYTHON_MODULE_RLIMIT_NOFILE RETRY_FILES_ENABLED RETRY_FILES_SAVE_PATH RUN_VARS_PLUGINS
SHOW_CUSTOM_STATS SSH_AGENT SSH_AGENT_EXECUTABLE SSH_AGENT_KEY_LIFETIME STRING_TYPE_FILTERS SYSTEM_WARNINGS TAGS_RUN TAGS_SKIP
TARGET_LOG_INFO TASK_DEBUGGER_IGNORE_ERRORS TASK_TIMEOUT TRANSFORM_INVALID_GROUP_CHARS USE_PERSISTENT_CONNECTIONS
VALIDATE_ACTION_GROUP_METADATA VARIABLE_PLUGINS_ENABLED VARIABLE_PRECEDENCE VAULT_ENCRYPT_SALT VERBOSE_TO_STDERR WIN_ASYNC_STARTUP_TIMEOUT
WORKER_SESSION_ISOLATION WORKER_SHUTDOWN_POLL_COUNT WORKER_SHUTDOWN_POLL_DELAY YAML_FILENAME_EXTENSIONS _ANSIBALLZ_COVERAGE_CONFIG
_ANSIBALLZ_DEBUGPY_CONFIG _ANSIBALLZ_PYDEVD_CONFIG _ANSIBLE_CONNECTION_PATH _CALLBACK_DISPATCH_ERROR_BEHAVIOR _MODULE_METADATA
_TEMPLAR_SANDBOX_MODE _TEMPLAR_UNKNOWN_TYPE_CONVERSION _TEMPLAR_UNKNOWN_TYPE_ENCOUNTERED _TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR
"""
"""`ansible-config list` of ansible-core 2.21.5."""


def problems(cfg="", env=None):
    files = MemoryFiles({"/p/ansible.cfg": cfg} if cfg else {})
    sources = read_sources(files, {"HOME": "/h", **(env or {})}, cwd="/p", mode_of=lambda path: 0)
    return resolve(sources, home="/h").problems


def test_every_key_has_one_answer():
    keys = set(KEYS.split())
    ignored = [row[0] for rows in IGNORED.values() for row in rows]
    assert len(keys) == 219
    assert set(HONOURED) | set(ignored) == keys
    assert not set(HONOURED) & set(ignored) and len(ignored) == len(set(ignored))


def test_tables_name_fields_that_exist():
    fields = {key for key, _, _ in declarations(Settings())}
    assert set(HONOURED.values()) | set(NOT_YET) <= fields
    ignored = {row[0] for table in (IGNORED, OTHERS) for rows in table.values() for row in rows}
    assert set(ALREADY) <= ignored | set(NOT_YET)


def test_no_name_is_both_honoured_and_ignored():
    rows = [row for table in (IGNORED, OTHERS) for group in table.values() for row in group]
    names = {name for _, inis, envs in rows for name in (*inis.split(), *envs.split())}
    assert not names & set(ansible_fields())


def test_every_reason_is_a_phrase():
    for reason in (*IGNORED, *OTHERS, *NOT_YET.values()):
        assert re.fullmatch(r"[a-zP`SJ].{20,}[^.]", reason), reason


TOLD = [
    ("[defaults]\n\ncallback_plugins = x\n", {}, "[defaults] callback_plugins: plugins written for", "/p/ansible.cfg:3:1"),
    ("[ssh_connection]\ncontrol_path = x\n", {}, "[ssh_connection] control_path: asyncssh is used", "/p/ansible.cfg:2:1"),
    ("[callback_profile_tasks]\nx = 1\n", {}, "[callback_profile_tasks] x: it belongs to a plugin", "/p/ansible.cfg:2:1"),
    ("[galaxy_server.mine]\nurl = x\n", {}, "[galaxy_server.mine] url: content is installed with ansible-galaxy", "/p/ansible.cfg:2:1"),
    ("", {"ANSIBLE_KEEP_REMOTE_FILES": "1"}, "ANSIBLE_KEEP_REMOTE_FILES: modules are not copied", "None"),
]


@pytest.mark.parametrize(("cfg", "env", "detail", "place"), TOLD, ids=[row[2] for row in TOLD])
def test_what_is_ignored_is_told(cfg, env, detail, place):
    [problem] = problems(cfg, env)
    assert (problem.code, problem.severity) == ("ignored-setting", Severity.NOTICE)
    assert problem.detail.startswith(detail) and str(problem.span) == place


def test_each_callback_plugin_that_is_not_loaded_is_a_warning():
    found = problems("[defaults]\ncallbacks_enabled = timer, ansible.posix.profile_tasks\n")
    words = ["Skipping callback plugin 'timer', unable to load", "Skipping callback plugin 'ansible.posix.profile_tasks', unable to load"]
    assert [(each.code, each.severity, each.message) for each in found] == [("callback-not-loaded", Severity.WARNING, each) for each in words]


def test_once_for_a_key_however_often_it_is_set():
    cfg = "[defaults]\nkeep_remote_files = yes\n"
    assert len(problems(cfg, {"ANSIBLE_KEEP_REMOTE_FILES": "1"})) == 1


@pytest.mark.parametrize("cfg", [
    "[ssh_connection]\npipelining = True\n", "[defaults]\nretry_files_enabled = False\n", "[defaults]\nnocows = 1\n",
    "[defaults]\nfact_caching = memory\n", "[defaults]\nforks = 5\n", "[colors]\nok = green\n",
])
def test_what_asks_for_what_is_so_anyway_is_not_told(cfg):
    assert problems(cfg) == ()


UNKNOWN = [
    ("[defaults]\nremote_usr = x\n", {}, "did you mean `remote_user` in [defaults]?"),
    ("[ssh_connection]\nforks = 3\n", {}, "it belongs into [defaults]"),
    ("[defaults]\nzzzzzz = 3\n", {}, ""),
    ("", {"ANSIBLE_FROKS": "2"}, "did you mean ANSIBLE_FORKS?"),
]


@pytest.mark.parametrize(("cfg", "env", "hint"), UNKNOWN)
def test_names_that_ansible_does_not_have(cfg, env, hint):
    [problem] = problems(cfg, env)
    assert (problem.code, problem.severity, problem.hint) == ("unknown-setting", Severity.NOTICE, hint)


def test_variables_of_others_are_left_alone():
    assert problems(env={"ANSIBLE_MY_OWN_THING": "1", "PATH": "/bin", "ANSIBLE_CONFIG": ""}) == ()
