#!/bin/sh
# Runs both commands of the README in a bare Debian 12: a folder that debootstrap makes, entered by chroot.
# usage: bare_debian.sh [--dry-run] FOLDER      FOLDER must not exist; it stays, to be looked at and removed by hand
#                                               --dry-run: prints each step instead
# What is tested is a clone: commit first. Needs root, debootstrap, git, a network, 6 GB, and an hour on two cores.
# Environment:
#   MIRROR           where Debian comes from, if not from where debootstrap takes it
#   CA_FILE          certificates, PEM, which apt and pip shall trust instead of their own
#   HADAL_TEST_DATA  copied, with the tools beside it; without it the tests that need it are skipped
#   http_proxy, https_proxy, no_proxy, PIP_INDEX_URL      handed on
set -eu

usage() {
    sed -n '3,4s/^# //p' "$0" >&2
    exit 2
}

dry=
if [ "${1:-}" = --dry-run ]; then
    dry=1
    shift
fi
[ $# = 1 ] || usage
case $1 in
    -* | '') usage ;;
    /*) folder=$1 ;;
    *) folder=$PWD/$1 ;;
esac
tree=$(cd "$(dirname "$0")/../.." && pwd)
mirror=${MIRROR:-}
ca_file=${CA_FILE:-}
data=${HADAL_TEST_DATA:-}

fail() {
    echo "bare_debian.sh: $*" >&2
    exit 1
}
if [ -e "$folder" ] || [ -L "$folder" ]; then fail "$folder is there already"; fi
[ -z "$ca_file" ] || [ -f "$ca_file" ] || fail "CA_FILE: there is no file $ca_file"
[ -z "$data" ] || [ -d "$data" ] || fail "HADAL_TEST_DATA: there is no folder $data"
[ -z "$data" ] || [ -d "$data/../tools" ] || fail "HADAL_TEST_DATA: there are no tools beside $data"
if [ -z "$dry" ]; then
    [ "$(id -u)" = 0 ] || fail "only root can make such a folder"
    for program in debootstrap git chroot; do
        command -v $program > /dev/null || fail "there is no $program"
    done
fi

# step COMMAND...: runs it, or prints it.
step() {
    if [ -n "$dry" ]; then
        echo "$*"
    else
        "$@"
    fi
}

mounted=
clean_up() {
    for place in $mounted; do
        step umount "$folder/$place" || echo "bare_debian.sh: $folder/$place is still mounted" >&2
    done
    mounted=
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# inside COMMAND: a line of shell at the top of the clone, with nothing of this environment but $settings.
settings="HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
inside() {
    # shellcheck disable=SC2086  # a list of words
    step chroot "$folder" /usr/bin/env -i $settings sh -c "cd /src/hadal && $1"
}

for name in http_proxy https_proxy no_proxy PIP_INDEX_URL; do
    eval "value=\${$name:-}"
    [ -z "$value" ] || settings="$settings $name=$value"
done

step debootstrap --variant=minbase bookworm "$folder" ${mirror:+"$mirror"}
if [ -n "$ca_file" ]; then
    trusted=/etc/ssl/bare_debian.pem
    step install -D -m 644 "$ca_file" "$folder$trusted"
    settings="$settings PIP_CERT=$trusted"
    step sh -c "echo 'Acquire::https::CAInfo \"$trusted\";' > '$folder/etc/apt/apt.conf.d/90bare_debian'"
fi
step mkdir -p "$folder/src"
step git clone -q --no-hardlinks "$tree" "$folder/src/hadal"
if [ -n "$data" ]; then
    step mkdir "$folder/src/test"
    step cp -R "$data" "$folder/src/test/data"
    step cp -R "$data/../tools" "$folder/src/test/tools"
    settings="$settings HADAL_TEST_DATA=/src/test/data"
fi
for kind in proc sysfs; do
    place=${kind%fs}
    step mount -t $kind $kind "$folder/$place"
    mounted="$place $mounted"
done

inside "sh examples/quickstart.sh"
inside "sh tests/run.sh"
