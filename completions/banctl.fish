# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of banctl(1) for fish. Verbs and options are those of its help. What is banned, and by
# which jail, is asked only when it is wanted, and never starts the daemon.

# The words before the cursor that are no options: the verb and its arguments.
function __banctl_before
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or echo $word
    end
end

function __banctl_verbs
    banctl --help 2>/dev/null | awk '/^  [a-z]/ { print $1 "\t" substr($0, 33) }'
end

# Of all verbs, and of this one: "--force", and "--time=" if it takes a value.
function __banctl_options
    begin
        banctl --help 2>/dev/null
        test -z "$argv[1]"; or banctl $argv[1] --help 2>/dev/null
    end | string replace -rf '^  (?:-., )?(--[a-z-]+=?)\S* *(.*)' '$1\t$2'
end

function __banctl_jails
    banctl jails --no-legend 2>/dev/null | string replace -r ' .*' ''
end

function __banctl_banned
    banctl list --no-legend $argv 2>/dev/null | head -n 1000 | awk '{ print $2 "\t" $1 }'
end

function __banctl_past
    banctl history --no-legend --since=-7d 2>/dev/null | head -n 1000 | awk '{ print $4 "\t" $3 }'
end

# The values of an option, with the option in front.
function __banctl_values
    switch $argv[1]
        case --by
            printf '%s\n' hour day
        case --config-dir --state-dir
            __fish_complete_directories (string replace -r '^[^=]*=' '' -- (commandline -ct))
        case --file --journal --output
            __fish_complete_path (string replace -r '^[^=]*=' '' -- (commandline -ct))
        case --format
            printf '%s\n' auto json export short cat
        case --jail
            __banctl_jails
        case --json
            printf '%s\n' pretty short off
        case --lines
            echo all
        case --print
            printf '%s\n' fail once ignore context begin clear miss matched session all
        case --since --until
            printf '%s\n' today yesterday now
        case --time
            printf '%s\n' 10min 1h 1d 7d permanent
    end
end

function __banctl_complete
    set -l current (commandline -ct)
    set -l before (__banctl_before)

    if string match -qr -- '^--[a-z-]+=' $current
        set -l option (string replace -r '=.*' '' -- $current)
        for value in (__banctl_values $option)
            echo $option=$value
        end
        return
    end
    if string match -q -- '-*' $current
        __banctl_options $before[1]
        return
    end

    switch "$before[1]":(count $before)
        case ':0' help:1
            __banctl_verbs
        case list:1 monitor:1 ban:1 show:1 'pause:*' 'resume:*'
            __banctl_jails
        case why:1 history:1
            __banctl_banned
        case log:1 unban:1
            __banctl_jails
            __banctl_banned
        case 'unban:*'
            # The jail, unless it is an address already.
            __banctl_banned (string match -rv '[.:]' -- $before[2])
        case 'allow:*'
            if contains -- --remove (commandline -opc)
                banctl allow --no-legend 2>/dev/null | string replace -r ' .*' ''
            end
        case 'forget:*'
            __banctl_past
        case verify:1
            __fish_complete_directories
        case test:1
            __banctl_jails
            __fish_complete_path
        case test:2
            __fish_complete_path
    end
end

complete -c banctl -f -a '(__banctl_complete)'
