#!/usr/bin/env bash
# fetch-with-progress.sh FOLDER COMMAND...   Runs COMMAND and, while it runs, says how much has arrived in FOLDER.
set -u
folder=$1; shift
"$@" & job=$!
while kill -0 "$job" 2>/dev/null; do
  sleep 2
  [ -d "$(dirname "$folder")" ] && echo "  $(du -sm "$(dirname "$folder")" 2>/dev/null | cut -f1) of about 566 MB unpacked"
done
wait "$job"
