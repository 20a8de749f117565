// What pages do beyond reading: photos, receipts checked in this browser, times in the reader's zone, focus on results.
// Without this file every page can still be read, and every form but those of photos be sent.

import { enhanceEnrolment } from "./enrol.js";
import { enhanceEvidence } from "./evidence.js";
import { drawFindings, enhanceDrops } from "./pictures.js";
import { enhanceSigning } from "./signing.js";
import { enhanceTimeline } from "./video.js";

const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";

function localTimes(root) {
  const shown = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  for (const time of root.querySelectorAll("time:not([title])")) {
    time.title = time.textContent;
    time.textContent = shown.format(new Date(time.dateTime));
  }
}

// The verifier that comes with the ledger: from its format's document, WebCrypto only, none of the server's code.
let verifier = null;
function verifyingReceipts() {
  verifier ??= Promise.all([import(`${meta("verifier")}receipt.mjs`), import(`${meta("verifier")}log.mjs`)]).then(
    async ([receipt, log]) => { const policy = await log.policyOf(meta("trust-policy")); return (token) => receipt.verdict(token, policy); },
  );
  return verifier;
}

async function receipts(root) {
  for (const mark of root.querySelectorAll("[data-receipt]:not([data-state])")) {
    mark.dataset.state = "checking";
    try {
      await (await verifyingReceipts())(mark.dataset.receipt);
      mark.dataset.state = "good";
      mark.textContent = mark.dataset.good;
    } catch (error) {
      const able = globalThis.crypto?.subtle !== undefined && error.name !== "NotSupportedError";
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
  enhanceEnrolment(root, enhance);
  enhanceEvidence(root, meta("verifier"), meta("trust-policy"));
  enhanceTimeline(root);
  enhanceSigning(root);
  receipts(root);
  // What only few pages need is loaded by these.
  if (root.querySelector("[data-liveness]")) import("./liveness.js").then(({ enhanceLiveness }) => enhanceLiveness(root));
  if (root.querySelector("[data-draw]")) import("./drawing.js").then(({ enhanceDrawing }) => enhanceDrawing(root));
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
