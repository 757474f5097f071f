#!/bin/sh
# A certificate authority of your own, for a trial or a department:
#
#   deploy/tls/make.sh FOLDER server NAME...    server.pem, server.key for these DNS names or addresses
#   deploy/tls/make.sh FOLDER client NAME       NAME.pem, NAME.key; NAME stands in the access file
#
# The first call makes the authority, FOLDER/ca.pem and ca.key; keep ca.key on no server. A second
# call for the same name makes a new certificate in its place, which chistreamd takes up within
# seconds: that is how certificates are rotated. DAYS (default 90) says how long it is good for.
set -eu
[ $# -ge 3 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1 kind=$2
shift 2
case $kind in server | client) ;; *) echo "make.sh: '$kind' is neither server nor client" >&2; exit 2 ;; esac
umask 077
mkdir -p "$folder"

if [ ! -e "$folder/ca.pem" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "/CN=chistream authority" -keyout "$folder/ca.key" -out "$folder/ca.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
  chmod 644 "$folder/ca.pem"
fi

file=$1
[ "$kind" = client ] || file=server
names=
for name in "$@"; do
  case $name in
    *[!0-9.]*) names="$names,DNS:$name" ;;
    *) names="$names,IP:$name" ;;
  esac
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
  -keyout "$work/key" -out "$work/request" 2>/dev/null
printf 'subjectAltName=%s\nextendedKeyUsage=%sAuth\nbasicConstraints=CA:FALSE\n' \
  "${names#,}" "$kind" >"$work/extensions"
openssl x509 -req -in "$work/request" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" \
  -set_serial "0x$(openssl rand -hex 16)" -days "${DAYS:-90}" -extfile "$work/extensions" \
  -out "$work/certificate" 2>/dev/null
# By rename: whoever reads meanwhile finds the old or the new one, whole.
mv "$work/key" "$folder/$file.key"
mv "$work/certificate" "$folder/$file.pem"
echo "$folder/$file.pem: good until $(openssl x509 -in "$folder/$file.pem" -noout -enddate | cut -d= -f2)"
