#!/bin/sh
# Copies the programs and whatever they need at run time:  deploy/stage.sh BUILD_FOLDER DESTINATION
#
#   DESTINATION/bin      chistreamd, chistream, chistream-gateway and the workers
#   DESTINATION/lib      the shared libraries ldd names, but not the C library, which belongs to the
#                        system the programs were built on
#   DESTINATION/share    the data dictionary without which DCMTK writes no names
#
# So the packages of deploy/packages.txt are the only list there is: an image for use needs none.
set -eu
build=$1
to=$2
mkdir -p "$to/bin" "$to/lib" "$to/share"

for program in chistreamd chistream chistream-gateway chistream-worker-cpu chistream-worker-cuda; do
  [ ! -x "$build/bin/$program" ] || cp "$build/bin/$program" "$to/bin/"
done
if ldd "$to"/bin/* | grep 'not found'; then
  echo "stage: a library is missing" >&2
  exit 1
fi
ldd "$to"/bin/* | awk '$2 == "=>" {print $3}' | sort -u |
  grep -vE '/(libc|libm|libpthread|libdl|librt|libresolv|ld-linux[^/]*)\.so' |
  while read -r library; do
    cp -L "$library" "$to/lib/"
  done
find /usr/share -path '*dcmtk*' -name dicom.dic -exec cp {} "$to/share/" \;
