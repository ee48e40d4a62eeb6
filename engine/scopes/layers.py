"""Ansible's precedence of variables as one ordered table, lowest first.

Source: https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_variables.html#understanding-variable-precedence
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Layer(IntEnum):
    """Where a variable comes from. A higher number wins."""

    CONNECTION = 1  # command-line values such as -u; not variables, but read like them
    ROLE_DEFAULTS = 2  # defaults/main.yml of roles
    INVENTORY_GROUP = 3  # group vars in the inventory file or script
    INVENTORY_GROUP_ALL = 4  # group_vars/all beside the inventory
    PLAYBOOK_GROUP_ALL = 5  # group_vars/all beside the playbook
    INVENTORY_GROUP_FILES = 6  # group_vars/* beside the inventory
    PLAYBOOK_GROUP_FILES = 7  # group_vars/* beside the playbook
    INVENTORY_HOST = 8  # host vars in the inventory file or script
    INVENTORY_HOST_FILES = 9  # host_vars/* beside the inventory
    PLAYBOOK_HOST_FILES = 10  # host_vars/* beside the playbook
    FACTS = 11  # host facts, cached set_facts
    PLAY = 12  # vars: of the play
    PROMPT = 13  # vars_prompt
    PLAY_FILES = 14  # vars_files
    ROLE = 15  # vars/main.yml of roles
    BLOCK = 16  # vars: of blocks
    TASK = 17  # vars: of the task
    INCLUDE_VARS = 18
    SET_FACT = 19  # set_fact and registered variables
    ROLE_PARAMS = 20  # {role: x, port: 80} and vars: of include_role
    INCLUDE_PARAMS = 21  # vars: of include_tasks
    EXTRA = 22  # -e
    LOOP = 23  # item, ansible_loop…: set by the engine for one item
    MAGIC = 24  # hostvars, groups, inventory_hostname…: cannot be overruled


WORDS: Mapping[Layer, str] = {
    Layer.CONNECTION: "command line",
    Layer.ROLE_DEFAULTS: "defaults of a role",
    Layer.INVENTORY_GROUP: "group in the inventory",
    Layer.INVENTORY_GROUP_ALL: "group_vars/all of the inventory",
    Layer.PLAYBOOK_GROUP_ALL: "group_vars/all of the playbook",
    Layer.INVENTORY_GROUP_FILES: "group_vars of the inventory",
    Layer.PLAYBOOK_GROUP_FILES: "group_vars of the playbook",
    Layer.INVENTORY_HOST: "host in the inventory",
    Layer.INVENTORY_HOST_FILES: "host_vars of the inventory",
    Layer.PLAYBOOK_HOST_FILES: "host_vars of the playbook",
    Layer.FACTS: "fact",
    Layer.PLAY: "vars of the play",
    Layer.PROMPT: "vars_prompt of the play",
    Layer.PLAY_FILES: "vars_files of the play",
    Layer.ROLE: "vars of a role",
    Layer.BLOCK: "vars of a block",
    Layer.TASK: "vars of the task",
    Layer.INCLUDE_VARS: "include_vars",
    Layer.SET_FACT: "set_fact or register",
    Layer.ROLE_PARAMS: "parameters of a role",
    Layer.INCLUDE_PARAMS: "vars of an include",
    Layer.EXTRA: "extra variables (-e)",
    Layer.LOOP: "loop",
    Layer.MAGIC: "magic variable",
}
"""Each layer as it is told to users."""
