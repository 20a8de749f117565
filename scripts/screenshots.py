"""Takes the pictures of the console in docs/images, by a browser over a real server with the real networks.

In: Chromium, Playwright, fetched models; photos in the public domain that scikit-image ships. Out: five PNG files.
People and firms in them are a NASA portrait or made up.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import PIL.Image
import skimage.data
from playwright.sync_api import sync_playwright

from custodes.cli.server.listener import Listener
from custodes.deployment.server import Deployment, open_deployment
from custodes.settings import Settings

OUT = Path(__file__).parents[1] / "docs/images"
SIZE = {"width": 1280, "height": 860}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def photos(folder: Path) -> dict[str, Path]:
    """A portrait, another picture of it, and one with nobody."""
    portrait = PIL.Image.fromarray(skimage.data.astronaut())
    other = portrait.crop((140, 0, 330, 200)).rotate(8).resize((380, 400)).convert("L")
    made = {"ann": portrait, "unknown": other, "coffee": PIL.Image.fromarray(skimage.data.coffee())}
    paths = {name: folder / f"{name}.jpg" for name in made}
    for name, picture in made.items():
        picture.save(paths[name], quality=92)
    return paths


def main() -> None:
    """Take them."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listener = Listener("127.0.0.1", 0)
        settings = Settings(data=folder / "data", port=0, shutdown_s=2)
        with closing(listener), open_deployment(settings, endpoint_url=listener.url) as deployment:
            ready = Event()
            thread = Thread(target=listener.serve, args=(deployment.app(), 2, ready.set), daemon=True)
            thread.start()
            ready.wait(20)
            with sync_playwright() as playwright:
                program = sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium"
                browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
                _take(browser.new_page(viewport=SIZE), listener.url, deployment, photos(folder))
                browser.close()
            listener.stop()
            thread.join(10)


def _take(page: Any, url: str, deployment: Deployment, files: dict[str, Path]) -> None:
    page.set_default_timeout(60_000)
    page.emulate_media(reduced_motion="reduce", color_scheme="light")
    secret, _ = deployment.sign_in_links.give_out()
    page.goto(f"{url}/console/enter?link={secret}")
    page.get_by_role("button").click()
    page.get_by_role("link", name="Compare two photos").click()
    page.set_input_files("input[name=source]", files["ann"])
    page.set_input_files("input[name=target]", files["unknown"])
    page.get_by_role("button", name="Compare").click()
    _shoot(page, "console-compare", full=True)
    page.goto(f"{url}/console/collections")
    page.fill("input[name=name]", "people")
    page.get_by_role("button", name="Create").click()
    page.set_input_files("input[name=photo]", [files["ann"], files["coffee"], files["unknown"]])
    page.get_by_role("button", name="Add to the collection").click()
    page.get_by_text("All photos are done.").wait_for()
    _shoot(page, "console-enrol", full=True)
    page.goto(f"{url}/console/try/labels")
    page.set_input_files("input[name=picture]", files["coffee"])
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.get_by_role("button", name="Name what is there").click()
    _shoot(page, "console-labels", full=True)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(f"{url}/console/statement")
    page.fill("input[name=account]", "999999999999")
    page.get_by_role("button", name="Make and check it here").click()
    page.wait_for_selector("[data-verdict]")
    _shoot(page, "console-statement", full=False)
    page.goto(f"{url}/console/")
    page.get_by_text("Requests a second").wait_for()
    page.locator("meter").first.wait_for()
    _shoot(page, "console-home", full=False)


def _shoot(page: Any, name: str, *, full: bool) -> None:
    page.wait_for_function("() => !document.querySelector('[data-receipt]:not([data-state]), [data-state=checking]')")
    page.wait_for_selector("[data-receipt][data-state=good]")
    page.wait_for_timeout(300)
    path = OUT / f"{name}.png"
    if full:
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": SIZE["width"], "height": min(height, 2000)})
    page.screenshot(path=path)
    page.set_viewport_size(SIZE)
    PIL.Image.open(path).quantize(128).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
