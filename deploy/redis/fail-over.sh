#!/bin/sh
# Replace the primary under Sentinels, and lose nothing that was answered:  fail-over.sh 10.0.0.13 26379 octopush
#
# The arguments are the address of one Sentinel, its port, and its name of the primary. REDIS_CLI and SENTINEL_CLI say how
# servers and Sentinels are asked, such as REDIS_CLI='redis-cli --user admin'; REDISCLI_AUTH is the password at servers alone.
# docs/redis.md#which-redis has the whole line for the shipped users.
# If it is killed, the primary may refuse writes: run it again. Each success replaces the primary, so do not repeat that.
set -eu
usage='usage: fail-over.sh SENTINEL_HOST PORT SERVICE'
sentinel_host=${1:?$usage} sentinel_port=${2:?$usage} service=${3:?$usage}
# Replicas that a primary wants before it takes a write, beyond those that it wants anyway: so many it never has.
closed=1000

sentinel() (
    unset REDISCLI_AUTH
    ${SENTINEL_CLI:-redis-cli} -e -h "$sentinel_host" -p "$sentinel_port" SENTINEL "$@"
)

primary() {
    sentinel GET-MASTER-ADDR-BY-NAME "$service" | tr '\n' ' '
}

old() {
    ${REDIS_CLI:-redis-cli} -e -h "$host" -p "$port" "$@"
}

wants() {
    old CONFIG SET min-replicas-to-write "$1" >/dev/null
}

# Wait for something, for so many tenths of a second.
within() {
    left=$1
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

# Say whether there are replicas, and each has what the primary has.
replicas_have_all() {
    old INFO replication | tr -d '\r' | awk -F: '
        $1 == "master_repl_offset" { all = $2 }
        /^slave[0-9]+:/ { sub(/.*,offset=/, ""); sub(/,.*/, ""); has[++replicas] = $0 }
        END { for (each in has) if (has[each] != all) exit 1; exit !replicas }'
}

# Ask for the failover, unless Sentinels have begun one. They refuse while they have not heard of a good replica lately.
has_begun() {
    now=$(primary)
    [ "$now" ] || return 1
    [ "$now" = "$was" ] || return 0
    problem=$(sentinel FAILOVER "$service" 2>&1) || case $problem in *INPROG*) ;; *) return 1 ;; esac
}

another_is_told() {
    now=$(primary)
    [ "$now" ] && [ "$now" != "$was" ]
}

was=$(primary)
[ "$was" ] || { echo "no primary is known as $service" >&2; exit 1; }
host=${was%% *} port=${was#* } port=${port% }
wanted=$(($(old CONFIG GET min-replicas-to-write | tail -n 1) % closed))
# What is written in the next two seconds waits, and need not be repeated if all is done by then. No longer: what Sentinels
# publish waits, too, and they would take the primary for dead. Then writes are refused, for as long as this takes.
old CLIENT PAUSE 2000 WRITE >/dev/null
wants $((closed + wanted))
if ! { within 100 replicas_have_all && within 100 has_begun; }; then
    wants "$wanted"
    echo "nothing was changed: replicas lack something, or Sentinels refuse: ${problem:-}" >&2
    exit 1
fi
if ! within 300 another_is_told; then
    echo "no other primary for 30 s. $host $port refuses writes: run this again, or CONFIG SET min-replicas-to-write $wanted" >&2
    exit 1
fi
# What still waits must find a replica, which refuses it. Sentinels would do this ten seconds later.
old REPLICAOF "${now%% *}" "$(echo "${now#* }" | tr -d ' ')" >/dev/null
wants "$wanted"
old CONFIG REWRITE >/dev/null 2>&1 || echo "$host $port has no file of settings: its start must make it a replica" >&2
echo "the primary was $host $port, and is ${now% }"
