// Checks the receipt of a request in the browser: WebCrypto only, none of the server's code, from the format's document.
// In: the text of a receipt, the log's public key as in signed notes. Out: {index, size, entry}; throws where it does
// not hold. Layout: docs and FORMAT.md, "Receipts"; hashing is RFC 6962, the checkpoint a C2SP signed note.

const subtle = globalThis.crypto?.subtle;
const ascii = (text) => new TextEncoder().encode(text);
const need = (condition, why) => { if (!condition) throw new Error(why); };

export const canVerify = () => subtle !== undefined;

function fromBase64(text) {
  const raw = atob(text);
  need(btoa(raw) === text, "base64 in another spelling");
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}
function fromBase64Url(text) {
  need(/^[A-Za-z0-9_-]*$/.test(text), "no base64url");
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4));
}
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}
const sha256 = async (...parts) => new Uint8Array(await subtle.digest("SHA-256", join(...parts)));

class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(count) {
    need(this.at + count <= this.bytes.length, "the receipt is too short");
    this.at += count;
    return this.bytes.slice(this.at - count, this.at);
  }
  number(width) {
    let value = 0;
    for (const byte of this.take(width)) value = value * 256 + byte;
    need(Number.isSafeInteger(value), "a number is too large");
    return value;
  }
  many(read) { return Array.from({ length: this.number(1) }, read); }
}

export function parse(token) {
  need(token.startsWith("v1.") && token.length <= 8192, "no receipt of version 1");
  const reader = new Reader(fromBase64Url(token.slice(3)));
  const origin = new TextDecoder("utf-8", { fatal: true }).decode(reader.take(reader.number(1)));
  const [index, size] = [reader.number(8), reader.number(8)];
  const signatures = reader.many(() => ({ id: reader.take(4), value: reader.take(reader.number(2)) }));
  const path = reader.many(() => reader.take(32));
  const salt = reader.take(reader.number(1));
  const envelope = reader.take(reader.number(2));
  need(reader.at === reader.bytes.length && [0, 16].includes(salt.length), "the receipt has another length");
  return { origin, index, size, signatures, path, envelope };
}

async function rootOf({ index, size, path, envelope }) {
  need(index < size, "no place in the tree");
  let hash = await sha256(Uint8Array.of(0), envelope);
  let [node, last, next] = [index, size - 1, 0];
  for (; last > 0; node = Math.floor(node / 2), last = Math.floor(last / 2)) {
    if (node % 2 === 1) hash = await sha256(Uint8Array.of(1), path[next++] ?? need(false, "too few hashes"), hash);
    else if (node < last) hash = await sha256(Uint8Array.of(1), hash, path[next++] ?? need(false, "too few hashes"));
  }
  need(next === path.length, "too many hashes");
  return hash;
}

async function keyOf(text) {
  const [name, id, ...rest] = text.split("+");
  const packed = fromBase64(rest.join("+"));
  need(packed.length === 33 && packed[0] === 1, "no Ed25519 key");
  const expected = (await sha256(ascii(`${name}\n`), packed)).slice(0, 4);
  need(id === [...expected].map((byte) => byte.toString(16).padStart(2, "0")).join(""), "the key's id");
  return { name, id: expected, raw: packed.slice(1) };
}

export async function verify(token, logKey) {
  const receipt = parse(token);
  const key = await keyOf(logKey);
  need(key.name === receipt.origin, "another log");
  const signed = receipt.signatures.filter((one) => same(one.id, key.id));
  need(signed.length === 1, "not signed by this log");
  const text = `${receipt.origin}\n${receipt.size}\n${toBase64(await rootOf(receipt))}\n`;
  const imported = await subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
  need(await subtle.verify({ name: "Ed25519" }, imported, signed[0].value, ascii(text)), "the signature does not hold");
  return { index: receipt.index, size: receipt.size, entry: JSON.parse(new TextDecoder().decode(receipt.envelope)) };
}
