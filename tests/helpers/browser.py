"""Headless Chromium, for tests of the pages that people look at."""

import contextlib
import shutil

import pytest

needs_browser = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="no chromium and chromedriver here (Debian: apt-get install "
    "chromium chromium-driver)",
)


@contextlib.contextmanager
def browser(width=1280, height=1000, downloads=None, scheme="light"):
    """Opens a `selenium` driver whose windows are `width` pixels wide.

    It resolves no host but this machine, so that a page that loads anything
    from the network leaves an error in `complaints`.

    Args:
        width, height: Ints, pixels; 390 is a phone.
        downloads: Folder for files that a page saves.
        scheme: `"light"` or `"dark"`, which the user prefers.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if downloads:
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(downloads)}
        )
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    # This sets the size of the page: a window has a frame, and is at least 500
    # pixels wide.
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": False,
        },
    )
    prefers = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [prefers]}
    )
    try:
        yield driver
    finally:
        driver.quit()


def complaints(driver):
    """Returns the errors and warnings in the page's console."""
    return [entry["message"] for entry in driver.get_log("browser")]


def overflow(driver):
    """Returns the pixels by which the page is wider than its window."""
    return driver.execute_script(
        "return document.documentElement.scrollWidth - window.innerWidth"
    )


FAINT = """
const rgba = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92
  : ((v + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) =>
  0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const behind = (element) => {
  for (; element; element = element.parentElement) {
    const colour = rgba(getComputedStyle(element).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const faint = [];
for (const element of document.body.querySelectorAll("*")) {
  const own = [...element.childNodes].some(
    (node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.getClientRects().length) continue;
  const [low, high] = [rgba(getComputedStyle(element).color), behind(element)]
    .map(luminance).sort((a, b) => a - b);
  if ((high + 0.05) / (low + 0.05) < 4.5) faint.push(element.outerHTML);
}
return faint;
"""


def faint(driver):
    """Returns the HTML of visible elements whose text has less contrast with
    its background than WCAG's level AA asks of small text, 4.5."""
    return driver.execute_script(FAINT)


def reload(driver):
    """Loads the page again and waits until its scripts have run, for which
    `refresh` does not wait. It pauses first, since the browser takes its time
    to store what a page keeps."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.execute_script("window.isOld = true")
    driver.execute_async_script("setTimeout(arguments[0], 1000)")
    driver.refresh()
    WebDriverWait(driver, 20).until(
        lambda _: driver.execute_script(
            "return !window.isOld && document.readyState === 'complete'"
        )
    )
