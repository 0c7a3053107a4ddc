#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The comparer must itself be trusted: it agrees with a faithful copy of a trace, and finds
# every way in which a test spoils one.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

GOTOOLCHAIN=auto tests/scripts/go -C tests/oracle/compare vet ./...
GOTOOLCHAIN=auto tests/scripts/go -C tests/oracle/compare test -count=1 ./...
