#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of banctl in bash, fish and zsh, beside a banjod that runs. BANJOD and BANCTL name the
# binaries.

# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        export LC_ALL=C.UTF-8
        make_directory
        make_namespace -n
        cd "$DIRECTORY" || return
        inside ip link set lo up
        printf '[%s]\nenabled = yes\nports = 22\nfilter = sshd\nbantime = 1h\n' sshd mail >config/conf.d/jails.conf
        start_bus
        start_banjod --firewall=none

        # What the shells start, wherever banjod is.
        mkdir bin home
        printf '#!/bin/sh\nexec %s "%s" --address="%s" "$@"\n' "$ENTER" "$BANCTL" "$ADDRESS" >bin/banctl
        chmod +x bin/banctl
        export PATH=$DIRECTORY/bin:$PATH HOME=$DIRECTORY/home COMPLETIONS=$BATS_TEST_DIRNAME/../../completions
        banctl ban sshd 192.0.2.1 192.0.2.22 --quiet
        banctl ban mail 203.0.113.9 --quiet
        banctl ban sshd 198.51.100.1 --quiet
        banctl unban 198.51.100.1 --quiet
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
}

# in_bash LINE: what may stand at its end, in one line
in_bash() {
        bash -c '
                . "$COMPLETIONS/banctl"
                # As readline splits words.
                COMP_WORDBREAKS=" =:"
                read -ra COMP_WORDS <<<"$(sed -E "s/=|:+/ & /g" <<<"$1")"
                [[ $1 != *" " ]] || COMP_WORDS+=("")
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _banctl
                printf "%s\n" "${COMPREPLY[@]}" | sort | xargs
        ' bash "$1"
}

# in_fish LINE: the same
in_fish() {
        fish --no-config -c 'source $COMPLETIONS/banctl.fish; complete -C $argv[1]' "$1" | cut -f 1 | sort | xargs
}

# completes SHELL: what all have in common
completes() {
        [ "$($1 'banctl li')" = list ]
        [ "$($1 'banctl un')" = unban ]
        [[ " $($1 'banctl ') " == *' status '*' verify '* ]]
        [ "$($1 'banctl list ')" = 'mail sshd' ]
        [ "$($1 'banctl ban s')" = sshd ]
        [ "$($1 'banctl why 192')" = '192.0.2.1 192.0.2.22' ]
        [ "$($1 'banctl unban ')" = '192.0.2.1 192.0.2.22 203.0.113.9 mail sshd' ]
        [ "$($1 'banctl unban mail ')" = 203.0.113.9 ]
        [ "$($1 'banctl unban 192.0.2.1 2')" = 203.0.113.9 ]
        [ "$($1 'banctl pause ')" = 'mail sshd' ]
        [ "$($1 'banctl resume mail ss')" = sshd ]
        [ "$($1 'banctl forget ')" = '192.0.2.1 192.0.2.22 198.51.100.1 203.0.113.9' ]
        [ "$($1 'banctl --json=short unban 2')" = 203.0.113.9 ]
        # Options of all verbs, and those of this one.
        [ "$($1 'banctl list --no-l')" = --no-legend ]
        [ "$($1 'banctl ban --for')" = --force ]
        [ "$($1 'banctl ban --rea')" = --reason= ]
}

@test "bash" {
        completes in_bash
        [ "$(in_bash 'banctl list --for')" = '' ]
        [ "$(in_bash 'banctl history --jail=')" = 'mail sshd' ]
        [ "$(in_bash 'banctl history --jail=s')" = sshd ]
        [ "$(in_bash 'banctl stats --by=')" = 'day hour' ]
        [ "$(in_bash 'banctl list --json=')" = 'off pretty short' ]
        [ "$(in_bash 'banctl show --config-dir=config ')" = 'mail sshd' ]
        touch a-list
        [ "$(in_bash 'banctl ban sshd --file=a-')" = a-list ]
        [ "$(in_bash 'banctl verify conf')" = config ]
}

@test "bash, where banjod does not run" {
        mkdir elsewhere
        printf '#!/bin/sh\nexec "%s" --address=unix:path=/nowhere "$@"\n' "$BANCTL" >elsewhere/banctl
        chmod +x elsewhere/banctl
        PATH=$PWD/elsewhere:$PATH
        [ "$(in_bash 'banctl li')" = list ]
        [ "$(in_bash 'banctl unban ')" = '' ]
}

@test "bash, addresses with colons, at which it breaks words" {
        banctl ban mail 2001:db8:7::/64 2001:db8:8::1 --quiet
        [ "$(in_bash 'banctl why 2001:db8:7')" = 7::/64 ]
        [ "$(in_bash 'banctl why 2001:')" = 'db8:7::/64 db8:8::1' ]
        [ "$(in_bash 'banctl unban 2001:db8:8::1 203')" = 203.0.113.9 ]
        banctl unban 2001:db8:7::/64 2001:db8:8::1 --quiet
        banctl forget 2001:db8:7::/64 2001:db8:8::1 --quiet
}

@test "fish" {
        command -v fish >/dev/null || skip "fish is not installed"
        completes in_fish
        [ "$(in_fish 'banctl history --jail=s')" = --jail=sshd ]
        [ "$(in_fish 'banctl stats --by=')" = '--by=day --by=hour' ]
        fish --no-config -c 'source $COMPLETIONS/banctl.fish; complete -C "banctl li"' |
                grep -qx $'list\twho is banned, why and until when'
}

# in_zsh LINE: the line as zsh completes it. A key of its own writes down what is in the editor.
in_zsh() {
        rm -f line
        TRIES=2000 zsh -f -c '
                zmodload zsh/zpty
                zpty shell zsh -f -i
                zpty -w shell "fpath=(\$COMPLETIONS \$fpath); autoload -U compinit; compinit -u -D"
                zpty -w shell "take() { print -r -- \"\$BUFFER\" >line.new; mv line.new line; }"
                zpty -w shell "zle -N take; bindkey \"^T\" take; bindkey \"^I\" complete-word"
                zpty -w -n shell "$1"$'"'\t'"'$'"'\C-t'"'
                for ((i = 0; i < TRIES; i++)); do
                        [[ ! -e line ]] || break
                        sleep 0.05
                        zpty -r -t shell output
                done
                zpty -d shell
        ' zsh "$1"
        cat line
}

@test "zsh" {
        command -v zsh >/dev/null || skip "zsh is not installed"
        zsh -n "$COMPLETIONS/_banctl"
        [ "$(in_zsh 'banctl li')" = 'banctl list ' ]
        [ "$(in_zsh 'banctl list s')" = 'banctl list sshd ' ]
        [ "$(in_zsh 'banctl unban 20')" = 'banctl unban 203.0.113.9 ' ]
        [ "$(in_zsh 'banctl unban mail 2')" = 'banctl unban mail 203.0.113.9 ' ]
        [ "$(in_zsh 'banctl forget 198')" = 'banctl forget 198.51.100.1 ' ]
        [ "$(in_zsh 'banctl ban --for')" = 'banctl ban --force' ]
        [ "$(in_zsh 'banctl history --jail=s')" = 'banctl history --jail=sshd ' ]
        [ "$(in_zsh 'banctl stats --by=d')" = 'banctl stats --by=day ' ]
}
