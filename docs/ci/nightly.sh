#!/bin/sh
# A night of the matrix from cron, on a machine of one's own:
#
#   17 2 * * *  /srv/meshproof/docs/ci/nightly.sh
#
# It prints only when somebody has to look, which cron sends by mail: the exit code was not 0, or a requirement is in
# another state than the night before. MESHPROOF_BUDGET is the night's time in minutes (240 unless told otherwise).
set -eu

cd "$(dirname "$0")/../.."
logs=reports/matrix/log
mkdir -p "$logs"
log="$logs/$(date -u +%Y%m%d-%H%M%S).log"

# Two nights would share the cores: one that still runs in the morning is left alone.
exec 9> reports/matrix/.night
flock --nonblock 9 || { echo "the night before still runs; nothing was started"; exit 0; }

status=0
{
  python3 requirements/setup.py run &&
  .venv/bin/meshproof bundle build &&
  .venv/bin/meshproof matrix run --budget "${MESHPROOF_BUDGET:-240}"
} > "$log" 2>&1 || status=$?

grep '^cell .*, changed' "$log" || true
if [ "$status" -ne 0 ]; then
  echo "exit code $status: 1 a requirement failed, 2 interrupted, 4 bad input, 6 something could not be judged"
  grep '^cell ' "$log" || tail -n 20 "$log"
  echo "log: $PWD/$log; what changed and why: $PWD/reports/matrix/compatibility.html"
fi
exit "$status"
