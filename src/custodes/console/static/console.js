// What pages do beyond reading: photos, receipts checked in this browser, times in the reader's zone, focus on results.
// Without this file every page can still be read, and every form but those of photos be sent.

import { drawFindings, enhanceDrops } from "./pictures.js";
import { canVerify, verify } from "./receipts.js";

const logKey = document.querySelector("meta[name=log-key]")?.content ?? "";

function localTimes(root) {
  const shown = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of root.querySelectorAll("time:not([title])")) {
    time.title = time.textContent;
    time.textContent = shown.format(new Date(time.dateTime));
  }
}

async function receipts(root) {
  for (const mark of root.querySelectorAll("[data-receipt]:not([data-state])")) {
    mark.dataset.state = "checking";
    if (!canVerify()) { mark.dataset.state = "cannot"; mark.textContent = mark.dataset.cannot; continue; }
    try {
      await verify(mark.dataset.receipt, logKey);
      mark.dataset.state = "good";
      mark.textContent = mark.dataset.good;
    } catch (error) {
      const able = error.name !== "NotSupportedError";
      mark.dataset.state = able ? "bad" : "cannot";
      mark.textContent = able ? mark.dataset.bad : mark.dataset.cannot;
      mark.title = error.message;
    }
  }
}

function enhance(root) {
  localTimes(root);
  enhanceDrops(root);
  drawFindings(root);
  receipts(root);
}

const wide = matchMedia("(min-width: 60rem)");
const fold = () => { for (const menu of document.querySelectorAll("details[data-wide-open]")) menu.open = wide.matches; };
wide.addEventListener("change", fold);
fold();
enhance(document);
document.body.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.target ?? document;
  enhance(target.parentElement ?? document);
  target.querySelector?.("[data-focus], [role=alert]")?.focus({ preventScroll: false });
});
