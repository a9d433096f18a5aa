#!/bin/bash
# Adds up what the stages of one run reported: the folder $1 holds `stages`, with a line
# `NAME STATUS SECONDS` for each, and NAME.log. Prints a line a stage, then
# `N passed, N failed`, which it also writes to `total`. Fails if anything failed.
set -uo pipefail
logs=$1

# Prints `PASSED FAILED SUMMARY` of log $1, of whichever test runners wrote it:
# nextest, the standard test harness, vitest, node's test runner.
count() {
  sed -E 's/\x1b\[[0-9;]*[A-Za-z]//g' "$1" | awk '
    function number_before(word,   text) {
      if (!match($0, "[0-9]+ " word)) return 0
      text = substr($0, RSTART, RLENGTH)
      return text + 0
    }
    /^ *Summary \[/ {
      passed += number_before("passed")
      failed += number_before("failed") + number_before("timed out") + number_before("exec failed")
      summary = $0
    }
    /^test result: / {
      passed += number_before("passed"); failed += number_before("failed")
      summary = sprintf("test result: %d passed; %d failed", passed, failed)
    }
    /^ *Tests  / {
      passed += number_before("passed"); failed += number_before("failed"); summary = $0
    }
    /^(ℹ|#) pass [0-9]+$/ { passed += $NF; summary = summary " " $0 }
    /^(ℹ|#) fail [0-9]+$/ { failed += $NF; summary = summary " " $0 }
    /^(ℹ|#) cancelled [0-9]+$/ { failed += $NF }
    END { sub(/^ +/, "", summary); print passed + 0, failed + 0, summary }'
}

all_passed=0 all_failed=0
while read -r stage status seconds; do
  read -r passed failed summary < <(count "$logs/$stage.log")
  # A runner that dies reports no failed test, yet something failed; so does one that
  # finds no tests at all (of tests in doc comments there may be none).
  if ((status != 0 && failed == 0)); then failed=1; fi
  if [[ " rust ui browser window " == *" $stage "* ]] && ((passed + failed == 0)); then failed=1; fi
  verdict=ok
  if ((status != 0 || failed != 0)); then verdict=FAILED; fi
  printf '%-6s %-17s %5d s  %s\n' "$verdict" "$stage" "$seconds" "$summary"
  ((all_passed += passed, all_failed += failed))
done < "$logs/stages"

printf '%d passed, %d failed\n' "$all_passed" "$all_failed" | tee "$logs/total"
((all_failed == 0))
