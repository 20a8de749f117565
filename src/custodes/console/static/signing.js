// Officers sign here, in their own browser: a private key is read from a file, used once and never sent. Ed25519 by WebCrypto.

import { enhancing } from "./console.js";

const PKCS8_HEAD = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);
const SEED_BYTES = 32;
const encoder = new TextEncoder();
const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");
const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

// Both kinds of key files: of policy (a line with name, id and seed) and of screening (PEM).
async function keyOf(file) {
  const text = (await file.text()).trim();
  const note = text.match(/^PRIVATE\+KEY\+([^+]+)\+[0-9a-f]+\+(.+)$/);
  const pem = text.match(/^-----BEGIN PRIVATE KEY-----([\s\S]+)-----END PRIVATE KEY-----$/);
  const packed = note ? new Uint8Array([...PKCS8_HEAD, ...bytesOf(note[2]).slice(1)]) : bytesOf(pem[1].replace(/\s/g, ""));
  if (packed.length !== PKCS8_HEAD.length + SEED_BYTES) throw new Error("no Ed25519 key");
  const key = await crypto.subtle.importKey("pkcs8", packed, "Ed25519", false, ["sign"]);
  return { name: note?.[1] ?? "", sign: async (text) => hex(await crypto.subtle.sign("Ed25519", key, encoder.encode(text))) };
}

// What is signed is made from what the form shows; formats: docs/screening.md and docs/policy.md.
const MESSAGES = {
  async screening(form, key) {
    const field = form.elements;
    field.at_ms.value = String(Date.now());
    const [officer, reason] = [field.officer.value.trim(), field.why.value.trim()];
    const digest = hex(await crypto.subtle.digest("SHA-256", encoder.encode(reason)));
    const lines = ["custodes screening decision v1", field.finding.value, field.call.value, officer, field.at_ms.value, digest];
    field.signature.value = await key.sign(`${lines.join("\n")}\n`);
  },
  async policy(form, key) {
    const proposal = JSON.parse(form.elements.proposal.value);
    const { subject, previous, digest, not_before_ms: notBefore } = proposal.manifest;
    const what = subject === "set" ? "change" : "officers";
    const message = `custodes policy ${what} v1\n${previous}\n${digest}\n${notBefore}\n`;
    proposal.manifest.signatures[key.name] = await key.sign(message);
    form.elements.proposal.value = JSON.stringify(proposal);
  },
};

enhancing((root) => {
  for (const form of root.querySelectorAll("form[data-sign]:not([data-ready])")) {
    form.dataset.ready = "";
    form.addEventListener("submit", async (event) => {
      if (event.submitter?.hasAttribute("data-unsigned")) return; // handed on as it is
      event.preventDefault();
      const wrong = form.querySelector("[data-wrong]");
      try {
        await MESSAGES[form.dataset.sign](form, await keyOf(form.querySelector("[data-key]").files[0]));
        form.submit();
      } catch {
        wrong.hidden = false;
      }
    });
  }
});
