#!/bin/sh
# What the tests need from Debian, beside Python packages: the tools that make real hosts, and the login shells that
# targets have. Without root or apt nothing is installed: the tests that need it say so.
set -eu
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
packages="apt-utils debootstrap openssh-server openssh-client iproute2 systemd-container procps sudo sshpass tcsh fish busybox zsh postgresql"
missing=""
for package in $packages; do
  dpkg-query -Wf '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends $missing >/dev/null
