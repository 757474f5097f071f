#!/bin/sh
# Saves a spool, or brings one back:
#
#   deploy/backup.sh save SPOOL FOLDER       while the server runs, or not
#   deploy/backup.sh restore FOLDER SPOOL    into a spool that is not there yet
#
# The journal is saved first, as one consistent state (SQLite's own backup), then the files it names;
# what is newer than the journal's copy is left out when a server starts on the restored spool. Files
# never change once they are there, so a second save into the same folder copies only what is new.
# Needs python3.
set -eu
usage() { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -eq 3 ] || usage
umask 077

save() {
  [ -e "$1/journal.db" ] || { echo "backup.sh: $1 is no spool" >&2; exit 1; }
  mkdir -p "$2"
  # A file that was removed while we copied is one that our copy of the journal still names: then
  # both are copied again.
  for attempt in 1 2 3 4 5; do
    /usr/bin/python3 - "$1/journal.db" "$2/journal.db.next" <<'END'
import sqlite3, sys
source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
target = sqlite3.connect(sys.argv[2])
with target:
    source.backup(target)
target.close()
END
    for part in uploads results; do
      mkdir -p "$2/$part"
      cp -a --update --no-target-directory "$1/$part" "$2/$part" || true
    done
    if /usr/bin/python3 - "$2" <<'END'
import pathlib, sqlite3, sys
folder = pathlib.Path(sys.argv[1])
journal = sqlite3.connect(folder / "journal.db.next")
uploads = [row[0] for row in journal.execute("SELECT id FROM uploads WHERE state = 2")]
results = [row[0] for row in journal.execute("SELECT DISTINCT job_id FROM artifacts")]
missing = [name for kind, names in (("uploads", uploads), ("results", results)) for name in names
           if not (folder / kind / name).exists()]
print(f"{len(uploads)} exams and {len(results)} results", file=sys.stderr)
sys.exit(1 if missing else 0)
END
    then
      mv "$2/journal.db.next" "$2/journal.db"
      cp -a "$1/audit.jsonl" "$2/" 2>/dev/null || true
      sync "$2/journal.db"
      echo "saved to $2"
      return
    fi
  done
  echo "backup.sh: files that the journal names went away five times over" >&2
  exit 1
}

restore() {
  [ -e "$1/journal.db" ] || { echo "backup.sh: $1 is no backup" >&2; exit 1; }
  [ ! -e "$2" ] || { echo "backup.sh: $2 is there already" >&2; exit 1; }
  cp -a "$1" "$2.next"
  sync
  mv "$2.next" "$2"
  chmod 700 "$2"
  echo "restored to $2; start chistreamd with --spool $2"
}

case $1 in
  save) save "$2" "$3" ;;
  restore) restore "$2" "$3" ;;
  *) usage ;;
esac
