#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# report.html in a browser, wide and narrow, light and dark: it draws, its script runs, no
# console message, no request to anywhere but the file, nothing wider than the window, and
# the tables sort.
set -u
golden=${IPM_SOURCE:?}/tests/golden
ipcmeter=${IPM_BIN:?}/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

for browser in chromium chromium-browser google-chrome; do
    command -v "$browser" >/dev/null && break
    browser=
done
if [[ -z $browser ]]; then
    echo "skipped: no Chromium is installed"
    exit 77
fi

# browse ARGUMENTS...: stdout and stderr of one headless visit.
browse() {
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --disable-default-apps --disable-extensions --disable-dev-shm-usage --hide-scrollbars \
        --host-resolver-rules='MAP * ~NOTFOUND' --user-data-dir="$work/profile" \
        --enable-logging=stderr "$@"
}

echo '<p>alive</p>' >"$work/alive.html"
if ! browse --dump-dom "file://$work/alive.html" 2>"$work/stderr" | grep -q alive; then
    echo "skipped: Chromium does not start here: $(tail -n 1 "$work/stderr")"
    exit 77
fi

cp -r "$golden/small-run" "$work/run"
"$ipcmeter" report "$work/run" >/dev/null || fail "report: exit status $?"
page=$work/run/report.html

# The page as it is: what it draws and says.
dark=--blink-settings=preferredColorScheme=0
light=--blink-settings=preferredColorScheme=1
for colours in "$light" "$dark"; do
    browse "$colours" --window-size=1280,1600 --screenshot="$work/page$colours.png" \
        "file://$page" >"$work/stdout" 2>"$work/stderr"
    [[ -s $work/page$colours.png ]] || fail "no picture of the page: $(tail -n 1 "$work/stderr")"
    if grep CONSOLE "$work/stderr"; then fail "the console has something to say"; fi
done
if cmp -s "$work/page$light.png" "$work/page$dark.png"; then
    fail "light and dark look the same"
fi

# A copy that reports about itself to a page that holds it in a frame of some width: a window
# of Chromium is never narrower than 500 pixels.  The policy would refuse the probe, so the
# copy has none: whatever the page wants is asked for, and counted.
cat >"$work/probe" <<'PROBE'
<script>
addEventListener('load', () => {
  for (const part of document.querySelectorAll('details')) part.open = true;
  const root = document.documentElement;
  const table = document.querySelector('#points ~ .box table');
  const button = Array.from(table.querySelectorAll('thead button'))
      .find(one => one.textContent === 'median time');
  const column = button.parentElement.cellIndex;
  const column_of = () => Array.from(table.tBodies[0].rows)
      .map(row => row.cells[column].dataset.v).filter(v => v !== '').map(Number);
  const ordered = list => list.every((v, i) => i === 0 || v >= list[i - 1]);
  const before = ordered(column_of());
  button.click();
  const up = ordered(column_of());
  button.click();
  const down = ordered(column_of().reverse());
  const input = document.querySelector('input.filter');
  input.value = 'PIPE block';
  input.dispatchEvent(new Event('input'));
  const shown = Array.from(table.tBodies[0].rows).filter(row => !row.hidden);
  const found = shown.length > 0 && shown.length < table.tBodies[0].rows.length &&
      shown.every(row => /pipe/.test(row.textContent) && /block/.test(row.textContent));
  const card = getComputedStyle(document.querySelector('.picture')).backgroundColor;
  parent.postMessage(`width ${innerWidth} overflow ${root.scrollWidth - innerWidth} ` +
      `rows ${column_of().length > 5} sorted ${before} ${up} ${down} filter ${found} ` +
      `requests ${performance.getEntriesByType('resource').length} ` +
      `card ${card.replace(/ /g, '')}`, '*');
});
</script>
PROBE
# probed: the page on stdin with the probe in it and without the policy.
probed() {
    grep -v 'Content-Security-Policy' | sed "/<\/body>/{
r $work/probe
d
}"
}
# visit WIDTH COLOURS: what the probe says of run/probe.html.
visit() {
    cat >"$work/run/frame.html" <<FRAME
<p id="said">nothing</p>
<script>addEventListener('message', e => { document.getElementById('said').textContent = e.data; });</script>
<iframe src="probe.html" style="border:0;width:$1px;height:900px"></iframe>
FRAME
    browse "$2" --virtual-time-budget=5000 --window-size=1400,1000 --dump-dom \
        "file://$work/run/frame.html" 2>"$work/stderr" | sed -n 's/.*<p id="said">\(.*\)<\/p>.*/\1/p'
}
# The probe itself must see a request and a thing that is too wide.
sed 's|<main>|<main><img src="http://absent.invalid/x.png"/><p style="width:2000px">wide</p>|' "$page" | probed \
    >"$work/run/probe.html"
said=$(visit 390 "$light")
[[ $said == "width 390 overflow "[1-9]*" requests 1 "* ]] || fail "the probe sees nothing: '$said'"

probed <"$page" >"$work/run/probe.html"
card=
command -v gnuplot >/dev/null && card='card rgb(255,255,255)'
for colours in "$light" "$dark"; do
    for width in 390 1280; do
        said=$(visit "$width" "$colours")
        wanted="width $width overflow 0 rows true sorted false true true filter true requests 0 $card"
        [[ $said == "$wanted"* ]] || fail "$width pixels, $colours: '$said' instead of '$wanted'"
        if grep CONSOLE "$work/stderr"; then fail "the console has something to say"; fi
    done
done

((failures == 0)) || exit 1
echo "drawn, and nothing was asked for"
