#!/bin/sh
# Installs the Debian/Ubuntu packages of deploy/packages.txt that are missing, and of the further
# lists given. Says what it will install, says nothing when everything is there, and starts no
# system service.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

missing=$(cat "$here/packages.txt" "$@" | grep -v '^#' | while read -r package; do
  [ -z "$package" ] && continue
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
    printf '%s ' "$package"
done)
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install: neither root nor sudo here" >&2; exit 1; }
  as_root=sudo
fi
echo "install: apt-get install $missing"

# invoke-rc.d asks policy-rc.d before it starts a service; 101 forbids it (Orthanc is for the tests).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '$as_root rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
fi

apt_install() {
  # shellcheck disable=SC2086  # a list of names
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 $missing
}
log=$(mktemp)
if ! apt_install >"$log" 2>&1; then  # package lists may be absent or stale: fetch them once
  $as_root apt-get update -q
  apt_install >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
fi
rm -f "$log"
