// Receipts of answers: this entry is in a tree that the log signed.
// In: the text of a receipt and a trust policy, of which only the log's keys matter. Out: PRESENT or INVALID;
// UNDETERMINED for a promise, which a log of several servers gives first.

import * as enc from "./encoding.mjs";
import * as log from "./log.mjs";
const { need } = enc;

class Cursor {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(length) {
    need(this.at + length <= this.bytes.length, "the receipt is too short");
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }
  number(width) { return this.take(width).reduce((sum, byte) => sum * 256 + byte, 0); }
}

export async function verdict(token, policy) {
  if (typeof token === "string" && token.startsWith("q1."))
    throw new enc.Undetermined("the entry is sequenced and not shown to be included: this is a promise; the log's proof makes it a receipt");
  need(typeof token === "string" && token.startsWith("v1.") && token.length <= 8192, "this is not a receipt of version 1");
  const cursor = new Cursor(enc.b64url(token.slice(3)));
  const origin = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(cursor.take(cursor.number(1)));
  const [index, size] = [cursor.number(8), cursor.number(8)];
  const signatures = Array.from({ length: cursor.number(1) }, () => [cursor.take(4), cursor.take(cursor.number(2))]);
  const path = Array.from({ length: cursor.number(1) }, () => cursor.take(32));
  const salt = cursor.take(cursor.number(1));
  const envelope = cursor.take(cursor.number(2));
  const whole = cursor.at === cursor.bytes.length && (salt.length === 0 || salt.length === 16);
  need(whole, "the receipt has another length than it says");
  need(index < size && size <= Number.MAX_SAFE_INTEGER, "the entry cannot stand in a tree of this size");
  const root = await rootFrom(await log.leafHash(envelope), index, size, path);
  const entry = log.entry(enc.parseCanonical(envelope));
  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const lines = signatures.map(([id, value]) => `— ${origin} ${base64(enc.join(id, value))}\n`).join("");
  const note = `${origin}\n${size}\n${base64(root)}\n\n${lines}`;
  const state = await log.openCheckpoint(note, { ...policy, witnesses: new Map(), quorum: "none" });
  const { bytes: _, ...told } = entry;
  return {
    verdict: "PRESENT",
    reasons: [
      `entry ${index} of the log '${enc.clean(state.origin)}', of kind '${enc.clean(entry.k)}', ${enc.moment(entry.t)}`,
      `the log signed a tree of ${size} entries that holds it, fingerprint ${enc.hex(root)}`,
    ],
    index,
    entry: told,
  };
}
/** RFC 9162, 2.1.3.2. */
async function rootFrom(leaf, index, size, path) {
  let at = index, last = size - 1, hash = leaf;
  for (const other of path) {
    need(last > 0, "the proof has too many hashes");
    if (at % 2 === 1 || at === last) {
      hash = await log.nodeHash(other, hash);
      while (at % 2 === 0 && at > 0) { at = Math.floor(at / 2); last = Math.floor(last / 2); }
    } else hash = await log.nodeHash(hash, other);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  need(last === 0, "the proof has too few hashes");
  return hash;
}
