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
def browser(width=1280, height=1000, downloads=None):
    """A `selenium` driver whose windows are `width` pixels wide.

    It resolves no host but this machine, so that a page which asks the network
    for anything leaves an error in `complaints`.

    Args:
        width, height: Ints, pixels; 390 is a phone.
        downloads: Folder for what a page saves.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--disable-background-networking", "--disable-component-update"),
        *("--disable-sync", "--no-first-run", "--hide-scrollbars"),
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
    # Of the page and not the window, whose frame takes some; a window is no
    # narrower than 500 pixels.
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": False,
        },
    )
    try:
        yield driver
    finally:
        driver.quit()


def complaints(driver):
    """What the page's console said, errors and warnings."""
    return [entry["message"] for entry in driver.get_log("browser")]


def overflow(driver):
    """Pixels by which the page is wider than its window."""
    return driver.execute_script(
        "return document.documentElement.scrollWidth - window.innerWidth"
    )


def reload(driver):
    """Loads the page again, until its scripts have run: `refresh` may return
    before. And not at once: what a page keeps, the browser stores in its own
    time."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.execute_script("window.isOld = true")
    driver.execute_async_script("setTimeout(arguments[0], 1000)")
    driver.refresh()
    WebDriverWait(driver, 20).until(
        lambda _: driver.execute_script(
            "return !window.isOld && document.readyState === 'complete'"
        )
    )
