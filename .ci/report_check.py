"""Checks report.html in a headless Chromium through its debugging pipe, with the standard library only.

report_check.py CHROMIUM FOLDER NAME=FILE...: opens each page in light and dark, on a wide screen, on a phone and printed, and
writes screenshots to FOLDER. Fails if a page writes to its console, throws, requests anything but itself, runs a name in the
data as markup, is wider than the screen, or has a chart without a label or without content.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-extensions --disable-default-apps --disable-dev-shm-usage
--hide-scrollbars --force-color-profile=srgb --remote-debugging-pipe""".split()

SIZES = {"wide": (1280, 900, 1, False), "phone": (360, 740, 2, True)}

TITLES = ("KV cache calibration", "KV cache evaluation", "KV cache drift")

# The state of the page, read after everything is drawn.
STATE = """JSON.stringify({
  ready: document.documentElement.dataset.ready || "",
  owned: String(window.owned), title: document.title,
  images: document.images.length, scripts: document.scripts.length, frames: document.querySelectorAll("iframe, object").length,
  width: document.documentElement.scrollWidth, screen: document.documentElement.clientWidth,
  mute: [...document.querySelectorAll(".chart")].filter(c => !c.getAttribute("aria-label") || c.getAttribute("role") !== "img")
    .map(c => c.id),
  blank: [...document.querySelectorAll(".chart")].filter(c => c.querySelectorAll("svg path").length < 5).map(c => c.id),
  loads: [...document.querySelectorAll("[src], link[href], [srcset], [data]")]
    .map(e => e.getAttribute("src") || e.getAttribute("href") || e.getAttribute("data")).filter(a => a !== "data:,"),
  unnamed: [...document.querySelectorAll("button, select")].filter(b => !(b.textContent.trim() || b.getAttribute("aria-label"))).length,
  background: getComputedStyle(document.body).backgroundColor
})"""

# Uses every control, opens all tables and shows a tooltip of every chart.
USE = """(() => {
  for (const id of ["role-value", "next", "previous", "role-key"]) byId(id)?.click();
  const layer = byId("layer");
  if (layer) {
    layer.selectedIndex = layer.options.length - 1;
    layer.dispatchEvent(new Event("change"));
  }
  document.querySelectorAll("details").forEach(d => d.open = true);
  document.querySelectorAll("button.link").forEach(b => b.click());
  window.scrollTo(0, 0);
  for (const entry of charts) {
    const series = entry.drawn.getOption().series.findIndex(s => s.data && s.data.length);
    entry.drawn.dispatchAction({type: "showTip", seriesIndex: series, dataIndex: 0});
  }
  return "used";
})()"""


class Browser:
    def __init__(self, chromium, profile):
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()

        def fds():
            # The pipes themselves may already use descriptors 3 and 4.
            a, b = os.dup(to_browser), os.dup(from_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [chromium, *FLAGS, "--user-data-dir=" + profile, "about:blank"],
            preexec_fn=fds, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.last = 0
        self.session = None
        self.events = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(domain + ".enable")

    def receive(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.into, 1 << 20)
            if not chunk:
                raise SystemExit("Chromium exited")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def ask(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{expression[:60]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key, code):
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
            if kind == "rawKeyDown" and key == "Enter":
                self.send("Input.dispatchKeyEvent", type="char", key=key, code=key, text="\r", windowsVirtualKeyCode=code)

    def by_keyboard(self):
        """Whether Tab reaches the button for V and Enter presses it, and then the same for the button for K."""
        for button in ("role-value", "role-key"):
            self.ask("document.activeElement.blur()")
            for _ in range(80):
                self.key("Tab", 9)
                if self.ask("document.activeElement.id") == button:
                    break
            self.key("Enter", 13)
            if self.ask(f"byId('{button}').getAttribute('aria-pressed')") != "true":
                return False
        return True

    def settle(self):
        self.ask("new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 150))")

    def close(self):
        self.process.terminate()
        self.process.wait(20)


def complaints(events, url):
    found = []
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            found.append("exception: " + details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled":
            found.append("console: " + str([argument.get("value") for argument in params["args"]]))
        elif method == "Log.entryAdded":
            found.append("log: " + params["entry"]["text"])
        elif method == "Network.requestWillBeSent" and params["request"]["url"] not in (url, "data:,"):
            found.append("request: " + params["request"]["url"])
    return found


def check(browser, name, file, folder):
    url = pathlib.Path(file).resolve().as_uri()
    bad = []
    for scheme in ("light", "dark"):
        for size, (width, height, ratio, mobile) in SIZES.items():
            at = f"{name}-{size}-{scheme}"
            browser.send("Emulation.setDeviceMetricsOverride",
                         width=width, height=height, deviceScaleFactor=ratio, mobile=mobile)
            browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            browser.events.clear()
            browser.send("Page.navigate", url=url)
            browser.wait("Page.loadEventFired")
            browser.settle()
            looks(browser, at, bad)
            if not browser.by_keyboard():
                bad.append(f"{at} cannot be used by keyboard: Tab does not reach the button for V, or Enter does not press it")
            shot = browser.send("Page.captureScreenshot", captureBeyondViewport=True)
            (folder / (at + ".png")).write_bytes(base64.b64decode(shot["data"]))
            whole = browser.send("Page.captureScreenshot", captureBeyondViewport=True, clip=dict(
                x=0, y=0, width=width, height=browser.ask("document.documentElement.scrollHeight"), scale=1))
            (folder / (at + "-whole.png")).write_bytes(base64.b64decode(whole["data"]))
            browser.ask(USE)
            browser.settle()
            looks(browser, at + ", after use", bad)
            bad += [f"{at}: {complaint}" for complaint in complaints(browser.events, url)]
    browser.events.clear()
    pdf = base64.b64decode(browser.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
    (folder / (name + ".pdf")).write_bytes(pdf)
    bad += [f"{name}, printed: {complaint}" for complaint in complaints(browser.events, url)]
    if len(pdf) < 20_000:
        bad.append(f"{name}: the printed page is almost empty")
    return bad


def looks(browser, at, bad):
    state = json.loads(browser.ask(STATE))
    dark = sum(int(part) for part in state["background"].strip("rgb()").split(",")[:3]) < 380
    wrong = {
        "did not finish loading": state["ready"] != "yes",
        "ran a name as a script": state["owned"] != "undefined" or state["title"] not in TITLES,
        "has elements that come from a name": state["images"] or state["frames"] or state["scripts"] != 3,
        f"is {state['width']} pixels wide on a screen of {state['screen']}": state["width"] > state["screen"],
        f"has charts without a label: {state['mute']}": state["mute"],
        f"has empty charts: {state['blank']}": state["blank"],
        f"has elements that load something: {state['loads']}": state["loads"],
        "has controls without a label": state["unnamed"],
        "has the colours of the other colour scheme": dark != ("dark" in at),
    }
    bad += [f"{at} {what}" for what, wrong_here in wrong.items() if wrong_here]


def main(chromium, folder, *pages):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    bad = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(chromium, profile)
        try:
            for page in pages:
                name, file = page.split("=", 1)
                bad += check(browser, name, file, folder)
        finally:
            browser.close()
    for complaint in bad:
        print(complaint)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
