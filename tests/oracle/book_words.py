"""Texts of which random playbooks are made. VAR, REG and HOST stand for a variable, a registered name and a host."""

EXPRESSIONS = (
    "VAR", "VAR", "VAR", "VAR", "VAR ~ '-' ~ VAR", "VAR | string | upper", "VAR | default('D', true)", "VAR is defined",
    "VAR | type_debug", "inventory_hostname", "inventory_hostname ~ VAR", "group_names | join(',')", "REG is changed",
    "REG is failed", "REG is skipped", "REG.rc | default('no rc')", "REG.results | default([]) | map(attribute='item') | list",
    "REG.results | default([]) | map(attribute='changed') | list", "REG.results | default([]) | length", "REG.changed | default('no')",
    "REG.stdout | default('none')", "REG is defined", "REG.attempts | default(0)", "REG.skipped | default('no')", "REG.failed",
    "item | default('no item')", "outer | default('no outer')", "each | default('no each')", "at | default('no at')",
    "ansible_loop.index | default('no loop')", "ansible_loop.last | default('no loop')", "ansible_play_hosts | join(',')",
    "ansible_play_batch | join(',')", "ansible_play_hosts_all | join(',')", "play_hosts | length", "role_name | default('no role')",
    "ansible_role_name | default('no role')", "ansible_parent_role_names | default([])", "ansible_check_mode", "ansible_play_name",
    "hostvars['HOST'].VAR | default('no such')", "hostvars['HOST'].inventory_hostname",
    "lookup('vars', 'VAR', default='D')", "query('items', VAR) | length", "VAR.a | default('no a')", "VAR.b.c | default('no c')",
    "VAR[0] | default('no first')", "VAR == VAR", "[VAR, VAR]", "{'k': VAR}", "omit | default('x') is defined", "nobody_knows",
    "nobody_knows | default('D')", "VAR | ternary('t', 'f')", "VAR | bool", "VAR | int", "VAR | to_json", "(VAR | string).split('_')",
    "ansible_failed_task.name | default('none failed')", "ansible_run_tags | join(',')", "ansible_skip_tags | join(',')",
    "groups['all'] | length", "groups.keys() | select('match', 'made_') | list | sort",
    "vars['VAR']", "VAR | length", "'%s' | format(VAR)", "[3, 1, 2] | sort | first", "ansible_index_var | default('none')",
)
OF_OTHERS = ("play_hosts", "hostvars", "made_")
"""What words hold that are about other hosts, and change while these go on."""
CONDITIONS = (
    "true", "true", "false", "VAR is defined", "VAR is string", "VAR is mapping", "VAR | string | length > 12", "nobody_knows is defined",
    "nobody_knows", "inventory_hostname == 'HOST'", "inventory_hostname != 'HOST'", "inventory_hostname in (groups['all'] | sort)[:3]",
    "REG is defined", "REG is failed", "REG is succeeded", "REG is changed", "REG is skipped", "REG is not skipped", "REG.rc | default(0) == 0",
    "VAR", "VAR == VAR", "not VAR", "VAR | bool", "item | default(1) | string != '2'", "VAR in ['yes', 1, true]", "ansible_check_mode",
    "group_names | length > 1", "VAR != 'x' and VAR is not none", "VAR is truthy", "role_name is defined", "each is defined",
    "ansible_play_hosts | length > 1", "not ansible_check_mode or VAR is defined", "hostvars['HOST'].VAR is defined",
)
LISTS = (
    [1, 2], [1, 2, 3], [], ["a"], ["{{ v0 }}", "{{ v1 }}"], "{{ [VAR, VAR] }}", "{{ range(2) | list }}", "{{ VAR }}", "{{ (groups['all'] | sort)[:2] }}",
    "{{ ansible_play_hosts }}", "{{ REG.results | default([]) | map(attribute='changed') | list }}", [{"a": 1}, {"a": "{{ v0 }}"}], "{{ nobody_knows }}",
    "{{ nobody_knows | default([]) }}", [[1], [2]], [True, None, 2.5],
)
TAGS = ("t1", "t1", "t2", "t2", "t3", "always", "never")
UNTIL = ("r0 is succeeded", "false", "true", "r0 is failed", "r0.attempts > 1", "VAR is defined", "r0 is changed")
