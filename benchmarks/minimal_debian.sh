#!/usr/bin/env bash
# Proves that the two commands work on a minimal Debian: debootstrap --variant=minbase with Python, git and apt, nothing else.
#
#   benchmarks/minimal_debian.sh ROOT            clones this checkout's HEAD into ROOT, then runs bin/demo twice and bin/test
#   benchmarks/minimal_debian.sh ROOT demo|test  only one of them
#
# The caller's apt sources and settings, CA bundle, name service and PIP_* settings are passed in at run time; none is written
# into the project. Needs root and debootstrap. Times are printed and appended to ROOT/times.txt.
set -euo pipefail
root=$(realpath -m "${1:?the folder of the new system}")
only=${2:-all}
here=$(cd "$(dirname "$0")/.." && pwd)
suite=${QE_DEBIAN_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}

if [ ! -x "$root/usr/bin/apt-get" ]; then
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null \
    | grep -v '^#' | grep -oE 'https?://[^ ]+' | grep -v security | head -n 1 || true)
  debootstrap --variant=minbase --include=python3,git,ca-certificates "$suite" "$root" ${mirror:+"$mirror"}
fi

# What the caller's machine uses to reach its registries, passed in as it is.
rm -f "$root/etc/apt/sources.list"
mkdir -p "$root/etc/apt/sources.list.d" "$root/etc/apt/apt.conf.d"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/*registry* /etc/apt/apt.conf.d/*proxy*; do
  [ -f "$file" ] && cp "$file" "$root$file"
done
bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ -f "$bundle" ] && install -D -m 644 "$bundle" "$root$bundle"
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do [ -f "$file" ] && cp -L "$file" "$root$file"; done
passed=()
while IFS= read -r name; do passed+=("$name=${!name}"); done < <(compgen -e | grep -E '^(PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY)' || true)

for kind in proc sys dev; do
  mountpoint -q "$root/$kind" || mount --rbind "/$kind" "$root/$kind"
done
unmount() { for kind in proc sys dev; do umount -l "$root/$kind" 2>/dev/null || true; done; }
trap unmount EXIT

rm -rf "$root/srv/qe" "$root/srv/qe.git"
git clone -q --bare "$here" "$root/srv/qe.git"
inside() { # NAME COMMAND: runs COMMAND in the clone as on a bare machine, and notes how long it took
  local start=$SECONDS
  chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${passed[@]}" sh -c "cd /srv/qe && $2"
  echo "$1: $((SECONDS - start)) s" | tee -a "$root/times.txt"
}
chroot "$root" git clone -q /srv/qe.git /srv/qe
case $only in all | demo)
  inside "bin/demo --setup-only" "bin/demo --setup-only"
  inside "bin/demo, first" "bin/demo"
  inside "bin/demo, again (new site folder)" "rm -rf .demo && bin/demo"
  ;;
esac
case $only in all | test) inside "bin/test" "bin/test" ;; esac
echo "held on $suite:" && cat "$root/times.txt"
