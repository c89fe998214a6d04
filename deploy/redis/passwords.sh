#!/bin/sh
# Give every user of users.acl a password of its own:  REDIS_URL=redis://10.0.0.11:6379/0 passwords.sh DIRECTORY
#
# Writes DIRECTORY/users.acl for Redis, with the hashes of the passwords, and for each user DIRECTORY/<user>.password and
# DIRECTORY/<user>.env, which has the REDIS_URL of the processes that work as this user. Safe to repeat: a password that
# is there stays. One in DIRECTORY/<user>.password.old is valid, too, until that file is gone. SMS_NAMESPACE is put in the
# place of the default one.
set -eu
umask 077
rules=$(dirname "$0")/users.acl
directory=${1:?usage: REDIS_URL=redis://host:port/0 passwords.sh DIRECTORY}
url=${REDIS_URL:-redis://127.0.0.1:6379/0}
namespace=${SMS_NAMESPACE:-sms}
mkdir -p "$directory"

while read -r word user state rest; do
    if [ "$user" != default ]; then
        file=$directory/$user.password
        [ -s "$file" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file"
        for valid in "$file" "$file.old"; do
            [ ! -s "$valid" ] || state="$state #$(sha256sum <"$valid" | cut -d' ' -f1)"
        done
        printf 'REDIS_URL=%s://%s:%s@%s\n' "${url%%://*}" "$user" "$(cat "$file")" "${url#*://}" >"$directory/$user.env"
    fi
    printf '%s %s %s %s\n' "$word" "$user" "$state" "$rest"
done <"$rules" | sed "s/{sms}/{$namespace}/g" >"$directory/users.acl.new"
mv "$directory/users.acl.new" "$directory/users.acl"
