#!/usr/bin/env bash
# Prometheus and promtool for the tests: those on the path, else from the Debian package, unpacked without root.
# With REQUIRE_PROMETHEUS=1 (continuous integration) it fails when neither can be had, otherwise it says what is missing.
set -euo pipefail
folder=$1

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
  exit
fi
if [ -x "$folder/usr/bin/prometheus" ]; then
  exit
fi

unpack() {  # options of apt-get
  (cd "$work" && apt-get "$@" -qq download prometheus && dpkg -x prometheus_*.deb unpacked) >"$work/log" 2>&1
}

own_lists() {  # where the machine has no package lists, or old ones: some of our own
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  own=(-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User="$(id -un)")
  apt-get "${own[@]}" -qq update >"$work/log" 2>&1 && unpack "${own[@]}"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if command -v apt-get >/dev/null && command -v dpkg >/dev/null && { unpack -o APT::Sandbox::User="$(id -un)" || own_lists; }; then
  mkdir -p "$folder/usr/bin"
  cp "$work"/unpacked/usr/bin/prom* "$folder/usr/bin/"
  echo "prometheus: $folder/usr/bin, from the Debian package"
  exit
fi

echo "prometheus: not on the path, and the Debian package cannot be had here: the tests that ask a real Prometheus are" \
  "skipped. Install prometheus and promtool 2.42 or later, put them on the path, and run make install again." >&2
if [ -s "$work/log" ]; then tail -n 3 "$work/log" >&2; fi
if [ -n "${REQUIRE_PROMETHEUS:-}" ]; then exit 1; fi
