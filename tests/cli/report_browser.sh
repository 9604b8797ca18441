#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# report.html in a browser, wide and narrow, light and dark, with scripts and without: it
# draws, its script runs, no console message, no request to anywhere but the file, nothing
# leaves the window, nothing lies on anything else (tests/support/page_measure.js), and the
# tables sort.  The same of a run whose every word is too long, and of the page that is made
# of several files behind a server with a strict content policy.
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
        --no-proxy-server --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' --user-data-dir="$work/profile" \
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
{
    echo '<script>'
    cat "$IPM_SOURCE/tests/support/page_measure.js"
    cat <<'PROBE'
addEventListener('load', () => {
  for (const part of document.querySelectorAll('details')) part.open = true;
  const wrong = measurePage(document);
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
      `card ${card.replace(/ /g, '')} ` +
      `wrong ${wrong.length} ${wrong.slice(0, 8).join('; ')} `, '*');
});
</script>
PROBE
} >"$work/probe"
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
# The probe itself must see a request, a thing that is too wide, and one upon another.
sed 's|<main>|<main><img src="http://absent.invalid/x.png"/><p style="width:2000px">wide</p>\
<div><p style="margin-bottom:-30px">one</p><p>upon it</p></div>|' "$page" | probed >"$work/run/probe.html"
said=$(visit 390 "$light")
[[ $said == "width 390 overflow "[1-9]*" requests 1 "* ]] || fail "the probe sees nothing: '$said'"
[[ $said == *'leaves the window: p "wide"'*'overlap: p "one", p "upon it"'* ]] ||
    fail "the probe does not see how things lie: '$said'"

card=
command -v gnuplot >/dev/null && card='card rgb(255,255,255)'
# lies_well WHAT COLOURS...: run/probe.html in both windows.
lies_well() {
    local what=$1 colours width said wanted
    shift
    for colours in "$@"; do
        for width in 390 1280; do
            said=$(visit "$width" "$colours")
            wanted="width $width overflow 0 rows true sorted false true true filter true requests 0 $card"
            [[ $said == "$wanted"*" wrong 0 "* ]] || fail "$what, $width pixels, $colours: '$said'"
            if grep CONSOLE "$work/stderr"; then fail "$what: the console has something to say"; fi
        done
    done
}
probed <"$page" >"$work/run/probe.html"
lies_well "the page" "$light" "$dark"

# Scripts off: a frame that may run none, measured from outside.  Every point is there.
# measured PAGE WIDTH COLOURS: what is wrong with it.
measured() {
    {
        echo '<p id="said">nothing</p><script>'
        cat "$IPM_SOURCE/tests/support/page_measure.js"
        echo "</script><iframe sandbox=\"allow-same-origin\" src=\"$1\" style=\"border:0;width:$2px;height:900px\""
        cat <<'FRAME'
onload="const page = document.querySelector('iframe').contentDocument;
const wrong = measurePage(page);
document.getElementById('said').textContent = `buttons ${page.querySelectorAll('th button').length} ` +
`points ${page.querySelectorAll('#points ~ .box tbody tr').length} ` +
`wrong ${wrong.length} ${wrong.slice(0, 8).join('; ')} `"></iframe>
FRAME
    } >"$work/run/outside.html"
    browse "$3" --allow-file-access-from-files --virtual-time-budget=5000 --window-size=1400,1000 \
        --dump-dom "file://$work/run/outside.html" 2>"$work/stderr" |
        sed -n 's/.*<p id="said">\(.*\)<\/p>.*/\1/p'
}
points=$(jq '.points | length' "$work/run/report.json")
for colours in "$light" "$dark"; do
    for width in 390 1280; do
        said=$(measured report.html "$width" "$colours")
        [[ $said == "buttons 0 points $points wrong 0 "* ]] || fail "scripts off, $width pixels, $colours: '$said'"
    done
done

# Words that are too long for anything.  One has room to break, one has none, one turns around.
long=$(printf 'x%.0s' {1..10000})
words=$(printf 'many words %.0s' {1..900})
sed -i "s/\"small run\"/\"$long\"/; s/Example CPU/$words/; s/no powercap zone/$long/" "$work/run/manifest.json"
sed -i "s/\"unix_stream\"/\"$long\"/g; s/Too many open files/$words \\\\u202e$long/; s/\"posix_mq\"/\"$words\"/g" \
    "$work/run/records.jsonl" "$work/run/manifest.json"
grep -q "$long" "$work/run/records.jsonl" || fail "no long name is in the records"
"$ipcmeter" report "$work/run" --layout=dir >/dev/null || fail "report of long words: exit status $?"
[[ $(grep -c "$long" "$page") -gt 3 ]] || fail "the long words are not in the page"
probed <"$page" >"$work/run/probe.html"
lies_well "long words" "$dark"

# The folder, behind a server that allows nothing to be in a page.
if ! command -v python3 >/dev/null; then
    echo "skipped: the folder behind a server: python3 is not installed"
else
    python3 - "$work/run/html" "$work/port" >"$work/asked" 2>&1 <<'SERVER' &
import functools
import http.server
import sys


class Strict(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Content-Security-Policy",
                         "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'")
        super().end_headers()


server = http.server.HTTPServer(("127.0.0.1", 0), functools.partial(Strict, directory=sys.argv[1]))
with open(sys.argv[2], "w") as port:
    print(server.server_port, file=port, flush=True)
server.serve_forever()
SERVER
    server=$!
    trap 'kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
    for _ in {1..100}; do
        [[ -s $work/port ]] && break
        sleep 0.1
    done
    address=http://127.0.0.1:$(<"$work/port")/index.html
    browse --virtual-time-budget=5000 --dump-dom "$address" >"$work/dom" 2>"$work/stderr"
    grep -v favicon "$work/stderr" | grep CONSOLE && fail "the folder: the console has something to say"
    grep -q '<button type="button">median time</button>' "$work/dom" || fail "the folder's script does not run"
    for file in "$work"/run/html/*; do
        grep -q "GET /$(basename "$file") HTTP/[0-9.]*\" 200" "$work/asked" || fail "$(basename "$file") was not asked for"
    done
    grep -o 'GET [^ ]*' "$work/asked" | sort -u | while read -r _ asked; do
        [[ $asked == /favicon.ico || -e $work/run/html$asked ]] || echo "$asked"
    done | grep . && fail "the folder asks for what it does not have"
    if grep -nE '<style|style=|<script>| on[a-z]+=' "$work/run/html/index.html"; then
        fail "the folder's page holds style or script"
    fi
fi

((failures == 0)) || exit 1
echo "drawn, nothing was asked for, nothing lies on anything"
