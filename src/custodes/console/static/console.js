// What all pages do beyond reading: receipts checked in this browser, times in the reader's zone, focus on results. What only
// some pages do is in modules of their own, which these pages name. Without this file every page can still be read, and every
// form but those of photos be sent.

export const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";

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

const works = [localTimes, receipts];

// Do what is to be done with new content: an element that came into the page.
export function enhance(root) {
  for (const work of works) work(root);
}

// Have a module's work done with the page as it is, and with all content that comes later.
export function enhancing(work) {
  works.push(work);
  work(document);
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
