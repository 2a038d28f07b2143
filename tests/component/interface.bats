#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# org.banjo1(5) against what a running banjod says of itself, over a message bus and from peer to
# peer: every object, interface, method, signal and property, with types, names of arguments and
# flags, and every error. BANJOD names the binary.

# ENTER is words.
# shellcheck disable=SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_directory
        export PAGE=$BATS_TEST_DIRNAME/../../man/org.banjo1.5
        export POLICY=$BATS_TEST_DIRNAME/../../units/org.banjo1.policy
        export NAMES=$BATS_TEST_DIRNAME/../../src/model/bus-names.h
        export PEER=unix:path=$DIRECTORY/banjo.socket
        make_namespace -n

        # One jail of each source.
        printf '[%s]\nenabled = yes\nports = %s\nsource = %s\n' sshd 22 journal recidive any bans \
                >"$DIRECTORY/config/conf.d/jails.conf"

        start_bus
        background "$DIRECTORY/log" $ENTER systemd-socket-activate --listen="$DIRECTORY/banjo.socket" "$BANJOD" \
                --config-dir="$DIRECTORY/config" --state-dir="$DIRECTORY/state" \
                --journal="$DIRECTORY/journal" --firewall=none --bus="$ADDRESS"
        echo $! >"$DIRECTORY/banjod.pid"
        # It starts with the first client.
        wait_for test -S "$DIRECTORY/banjo.socket"
        wait_for objects "$PEER"
        wait_for on_bus
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

# objects ADDRESS: that banjod has, apart from what stands in for a message bus between peers
objects() {
        busctl --address="$1" --list tree org.banjo1 | grep -vxE '/org/freedesktop(/DBus)?'
}

# introspection ADDRESS: of all objects, one tag a line
introspection() {
        local path
        for path in $(objects "$1"); do
                busctl --address="$1" --xml-interface introspect org.banjo1 "$path"
        done
}

# What the daemon has, each member as an item of the page behind the heading that it belongs below.
served() {
        introspection "$1" | awk -F '"' '
                function put(heading, item) { print heading " of " interface ": " item }
                /<interface /  { interface = $2 ~ /^org\.banjo1\./ ? $2 : "" }
                !interface     { next }
                /<(method|signal|property) / { name = $2; type = $4; args = ""; result = ""; flags = " emits-change" }
                /<arg /        { if (/direction="out"/ && method) result = result (result ? ", " : "") $2 " " $4
                                 else args = args " \"" $2 " " $4 "\"" }
                /<method /     { method = 1 }
                /<signal /     { method = 0 }
                /<annotation / { value = $4
                                 if (/EmitsChangedSignal/)
                                         flags = value == "const" ? " const" : value == "false" ? "" : " emits-invalidation"
                                 else if (/Deprecated/) flags = flags " deprecated" }
                /<\/method>|<method .*\/>/ { put("Methods", ".It Fn " name args (result ? " No \"-> " result "\"" : "")) }
                /<\/signal>|<signal .*\/>/ { put("Signals", ".It Fn " name args) }
                /<\/property>|<property .*\/>/ { put("Properties", ".It Li " name " Pq " type flags) }
        ' | sort -u
}

# The same of the page: continued lines joined, and properties that share an item apart.
documented() {
        awk '
                /\\$/         { sub(/\\$/, ""); held = held $0; next }
                              { $0 = held $0; held = "" }
                /^\.S[hs] /   { heading = /^\.Ss (Methods|Signals|Properties) of / ? $2 " of " $4 : "" }
                !heading      { next }
                /^\.It Fn /   { print heading ": " $0 }
                /^\.It Li /   { type = $0; sub(/.* Pq /, "", type)
                                for (i = 3; $i != "Pq" && i <= NF; i++)
                                        if ($i != ",") print heading ": .It Li " $i " Pq " type }
        ' "$PAGE" | sort -u
}

# same LEFT RIGHT: says what only one of two lists has, if they are not the same
same() {
        local missing stale
        missing=$(comm -23 <(echo "$1") <(echo "$2"))
        stale=$(comm -13 <(echo "$1") <(echo "$2"))
        [ -z "$missing$stale" ] || cat <<END
banjod has this, and man/org.banjo1.5 does not. What stands before the colon is where it belongs: "Methods
of INTERFACE" is below ".Ss Methods of INTERFACE", which you may have to begin. Put the rest there as a
line, exactly as it is here, and explain it in the lines below that. A long line may go on in the next with
\ at its end. Properties with the same type and flags may share a line: ".It Li One , Two Pq t const".

${missing:-(nothing)}

man/org.banjo1.5 has this, and banjod does not:

${stale:-(nothing)}
END
        [ -z "$missing$stale" ]
}

@test "the page has every method, signal and property as it is, and no others" {
        [ -n "$(served "$ADDRESS")" ]
        same "$(served "$ADDRESS")" "$(documented)"
}

@test "from peer to peer there are the same" {
        diff <(objects "$ADDRESS") <(objects "$PEER")
        same "$(served "$PEER")" "$(documented)"
}

@test "every argument has a name" {
        [ -z "$(introspection "$ADDRESS" | grep '<arg ' | grep -vE ' name="[a-z_0-9]+"')" ]
}

@test "the page has every interface that objects have" {
        local wrong='' interface
        for interface in $(introspection "$ADDRESS" | grep '<interface ' | cut -d '"' -f 2 | sort -u); do
                grep -qE "^\.(Sy|Li) ${interface//./\\.}( |$)" "$PAGE" || wrong+=" $interface"
        done
        [ -z "$wrong" ] || echo "man/org.banjo1.5 has no \".Li\" or \".Sy\" of$wrong"
        [ -z "$wrong" ]
}

@test "the page has every error of model/bus-names.h, and no others" {
        same "$(grep -oE '"org\.banjo1\.Error\.[A-Za-z]+"' "$NAMES" | tr -d '"' | sed 's/^/Errors: .It Li /' | sort -u)" \
                "$(sed -nE 's/^(\.It Li org\.banjo1\.Error\.[A-Za-z]+)$/Errors: \1/p' "$PAGE" | sort -u)"
}

# ".Ss Authorization" says of every method, by ".Fn NAME", which action of polkit it takes.
@test "the page has every action, and for every method the one that it takes" {
        authorization() {
                sed -n '/^\.Ss Authorization/,/^\.Ss [^A]/p' "$PAGE"
        }
        same "$(sed -nE 's/.*<action id="(.*)">/Authorization: .It Li \1/p' "$POLICY" | sort)" \
                "$(authorization | sed -n 's/^\.It Li /Authorization: &/p' | sort)"
        same "$(served "$ADDRESS" | sed -nE 's/^Methods .*: \.It (Fn [A-Za-z]+).*/Authorization: .\1/p' | sort -u)" \
                "$(authorization | sed -nE 's/^(\.Fn [A-Za-z]+).*/Authorization: \1/p' | sort)"
}

@test "the page has every name and path of model/bus-names.h" {
        local wrong='' name
        for name in $(sed -nE 's/^#define BUS_(NAME|[A-Z_]*PATH|[A-Z_]*INTERFACE) "(.*)"$/\2/p' "$NAMES"); do
                grep -qE "^\.(Sy|Pa|Li) ${name//./\\.}( |$)" "$PAGE" || wrong+=" $name"
        done
        [ -z "$wrong" ] || echo "man/org.banjo1.5 has no \".Sy\", \".Pa\" or \".Li\" of$wrong"
        [ -z "$wrong" ]
}

# Where dictionaries are returned, their keys are ".Li Key" in the item of the method.
@test "the page has every key of dictionaries that methods return, and no others" {
        local method arguments
        for method in $(documented | sed -nE 's/^Methods of org\.banjo1\.Manager: \.It Fn ([A-Za-z]+).*a\{sv\}.*/\1/p'); do
                arguments=
                [ "$method" != Lookup ] || arguments='s 192.0.2.1'
                same "$(call --json=short "$method" $arguments |
                        jq -r '.data | .. | objects | select(all(.[]; type == "object")) | keys[]' |
                        sed "s/^/$method: .Li /" | sort -u)" \
                        "$(sed -n "/^\.It Fn $method/,/^\.\(It\|El\)/s/^\.Li \([A-Z][A-Za-z]*\).*/$method: .Li \1/p" "$PAGE" |
                                sort -u)"
        done
}
