#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Loads Chrome trace JSON into a real viewer, in a real browser, and asks it what it sees.

    viewer.py --viewer DIR [--png OUT] [--min WHAT=N]... [--json OUT] FILE

The viewer is the one of `go tool trace` (DIR is GOROOT/src/internal/trace/traceviewer/static),
served on loopback; the browser is Debian's headless chromium, driven through chromedriver.
The file must load without an import warning, and the viewer must hold as many threads, slices,
bound flows and counter samples as stand in the file. Exit 1 where it does not.
"""
import argparse
import base64
import contextlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import chrome_validate  # noqa: E402

# What the Go toolchain's own page does, in short; the outcome is left where we can ask for it.
PAGE = """<html><head>
<script src="/static/webcomponents.min.js"></script>
<link rel="import" href="/static/trace_viewer_full.html" onerror="gt.error = 'no viewer'">
<style>html, body, #trace-viewer { box-sizing: border-box; overflow: hidden; margin: 0px;
  padding: 0; width: 100%; height: 100%; }</style>
<script>
'use strict';
window.gt = { error: null, model: null };
window.onerror = function(message) { gt.error = gt.error || String(message); };
document.addEventListener('WebComponentsReady', function() {
  const container = document.createElement('track-view-container');
  container.id = 'track_view_container';
  const viewer = document.createElement('tr-ui-timeline-view');
  viewer.track_view_container = container;
  Polymer.dom(viewer).appendChild(container);
  viewer.id = 'trace-viewer';
  viewer.globalMode = true;
  Polymer.dom(document.body).appendChild(viewer);
  fetch('/trace.json').then(r => r.text()).then(text => {
    const model = new tr.Model();
    const options = new tr.importer.ImportOptions();
    options.shiftWorldToZero = false;
    return new tr.importer.Import(model, options).importTracesWithProgressDialog([text])
      .then(() => {
        viewer.model = model;
        viewer.viewTitle = 'gtrace';
        gt.model = model;
      });
  }).catch(e => { gt.error = String(e && e.message || e); });
});
</script></head><body></body></html>
"""

READY = "return { error: gt.error, done: gt.model !== null };"

# What the viewer holds after the import.
ASK = """
const m = gt.model, out = { threads: [], processes: [], slices: 0, flows: 0, loose_flows: 0,
  counters: [], samples: 0, instants: m.instantEvents.length, warnings: [] };
for (const p of Object.values(m.processes)) {
  out.processes.push({ pid: p.pid, name: p.name, sort: p.sortIndex });
  out.instants += p.instantEvents.length;
  for (const t of Object.values(p.threads)) {
    out.threads.push({ pid: p.pid, tid: t.tid, name: t.name, slices: t.sliceGroup.slices.length });
    out.slices += t.sliceGroup.slices.length;
  }
  for (const c of Object.values(p.counters)) {
    out.counters.push({ name: c.name, series: c.series.map(s => s.name), samples: c.numSamples });
    out.samples += c.numSamples;
  }
}
for (const f of m.flowEvents) {
  if (f.startSlice && f.endSlice) out.flows++; else out.loose_flows++;
}
for (const w of m.importWarnings) out.warnings.push(w.type + ': ' + w.message);
out.span_ms = m.bounds.max - m.bounds.min;
return out;
"""


def serve(trace, viewer):
    """A server on loopback for the page, the viewer and the trace; nothing else."""
    files = {"/trace.json": (trace, "application/json")}
    for name, kind in (("trace_viewer_full.html", "text/html"),
                       ("webcomponents.min.js", "text/javascript")):
        files["/static/" + name] = (os.path.join(viewer, name), kind)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802, the base class's name
            if self.path == "/":
                body, kind = PAGE.encode(), "text/html"
            elif self.path in files:
                with open(files[self.path][0], "rb") as f:
                    body, kind = f.read(), files[self.path][1]
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind + "; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Browser:
    """A headless chromium behind chromedriver, by the WebDriver protocol."""

    def __init__(self, profile, size):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
        self.session = None
        for line in self.driver.stdout:
            m = re.search(r"started successfully on port (\d+)", line)
            if m:
                self.url = f"http://127.0.0.1:{m.group(1)}"
                break
        else:
            raise RuntimeError("chromedriver did not start")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--disable-dev-shm-usage", f"--user-data-dir={profile}", f"--window-size={size}"]
        options = {"args": flags, "binary": shutil.which("chromium")}
        reply = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options}}})
        self.session = reply["sessionId"]

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        r = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"},
                                   method=method)
        # Loopback must not go through a proxy that the environment may name.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(r, timeout=600) as f:
                return json.load(f)["value"]
        except urllib.error.HTTPError as e:
            raise RuntimeError(f"chromedriver: {e.read().decode()[:500]}") from None

    def call(self, method, path, body=None):
        return self.ask(method, f"/session/{self.session}{path}", body)

    def run(self, script):
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def close(self):
        with contextlib.suppress(Exception):
            if self.session:
                self.ask("DELETE", f"/session/{self.session}")
        self.driver.terminate()
        self.driver.wait(10)


def look(o, server):
    """What the viewer says of the file; a picture of it on the way."""
    profile = tempfile.mkdtemp(prefix="gt-viewer.")
    browser = None
    try:
        browser = Browser(profile, o.size)
        browser.call("POST", "/url", {"url": f"http://127.0.0.1:{server.server_address[1]}/"})
        end = time.monotonic() + o.timeout
        while True:
            state = browser.run(READY)
            if state["error"]:
                raise RuntimeError(f"the viewer says: {state['error']}")
            if state["done"]:
                break
            if time.monotonic() > end:
                raise RuntimeError(f"the viewer has not loaded the file after {o.timeout} s")
            time.sleep(0.2)
        seen = browser.run(ASK)
        if o.png:
            browser.call("POST", "/execute/async", {"args": [], "script": (
                "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame("
                "() => setTimeout(done, 300)));")})
            with open(o.png, "wb") as f:
                f.write(base64.b64decode(browser.call("GET", "/screenshot")))
        return seen
    finally:
        if browser:
            browser.close()
        shutil.rmtree(profile, ignore_errors=True)


def judge(seen, o):
    """Every way in which the viewer's view is not the file. It keeps a row's instants as slices."""
    with open(o.file, "rb") as f:
        v = chrome_validate.judge(f)
    bad = [f"import warning: {w}" for w in seen["warnings"]]
    rows = len(v.slices.keys() | v.marked.keys())
    held = {"threads": sum(1 for t in seen["threads"] if t["slices"]), "slices": seen["slices"],
            "flows": seen["flows"], "counters": seen["samples"]}
    wanted = {"threads": rows, "slices": v.count["slices"] + v.marked.total(), "flows": v.count["flows"],
              "counters": v.count["counters"]}
    for what, n in wanted.items():
        if held[what] != n:
            bad.append(f"{what}: {n} in the file, {held[what]} in the viewer")
    if seen["loose_flows"]:
        bad.append(f"{seen['loose_flows']} flows are bound to no slice")
    for m in o.min:
        what, n = m.split("=")
        if held[what] < int(n):
            bad.append(f"only {held[what]} {what}, expected {n}")
    return held, bad


def main():
    p = argparse.ArgumentParser(description="load Chrome trace JSON in a browser and look at it")
    p.add_argument("--viewer", required=True, help="directory of trace_viewer_full.html")
    p.add_argument("--png", help="keep a picture here")
    p.add_argument("--json", help="keep what the viewer says here")
    p.add_argument("--size", default="1600,1000", help="of the picture")
    p.add_argument("--min", action="append", default=[], metavar="WHAT=N",
                   help="threads, slices, flows or counters: at least N")
    p.add_argument("--timeout", type=int, default=120, help="seconds to load")
    p.add_argument("file")
    o = p.parse_args()
    server = serve(o.file, o.viewer)
    try:
        seen = look(o, server)
    except RuntimeError as e:
        print(e)
        return 1
    finally:
        server.shutdown()
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(seen, f, indent=1)
    held, bad = judge(seen, o)
    print(", ".join(f"{n} {what}" for what, n in held.items()) + f", {seen['instants']} instants, "
          f"{seen['span_ms']:.3f} ms in the viewer")
    for b in bad:
        print("wrong:", b)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
