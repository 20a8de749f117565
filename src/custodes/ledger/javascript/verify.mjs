// A verifier of all files about a ledger that follows FORMAT.md and shares no code with the one in Python.
// It needs no package, only WebCrypto with Ed25519, and runs in a browser (as an ES module) and in Node alike.
//
// verify(fileText, {policy, nowMs, stamps}) -> {verdict, reasons}: PRESENT, ABSENT, UNDETERMINED or INVALID, and why; `stamps`
// is {file, roots} for a statement: the text of a file of time stamps, and of pinned certificates (PEM) or null.
// verifyGrowth(fileText, {policy, checkpoint, entries}) -> {verdict, reasons}: PRESENT or INVALID; all public entries are at hand.
// verifyReceipt(receipt, {policy}) -> {verdict, reasons, index, entry}: PRESENT or INVALID; UNDETERMINED for a promise.

import { canonicalBytes, Invalid, members, parseCanonical, same, sha256, b64url, need, Undetermined } from "./encoding.mjs";
import { policyOf } from "./log.mjs";

// Each kind of file has its own modules, which are loaded with the first file of that kind.
const KINDS = {
  erasure: () => import("./erasure.mjs"),
  invoice: () => import("./invoice.mjs"),
  moratorium: () => import("./moratorium.mjs"),
  party: () => import("./party.mjs"),
  regulation: () => import("./regulation.mjs"),
  vrf: () => import("./key_change.mjs"),
  statement: async () => {
    const { judge, parse } = await import("./statement.mjs");
    const verdict = async (value, policy, nowMs, stamps) => {
      const stamped = stamps === null ? null : { ...stamps, ...(await loaded(() => import("./time_stamps.mjs"))) };
      return judge(parse(value), policy, nowMs, stamped);
    };
    return { verdict };
  },
};

// A module that cannot be had says nothing about the file.
async function loaded(load) {
  try {
    return await load();
  } catch (error) {
    throw new Undetermined(`a part of the verifier could not be loaded: ${error.message}`);
  }
}

/** The verdict on a file (text or bytes) under a trust policy (text); `nowMs` is the reader's clock, if to be compared. */
export async function verify(file, { policy, nowMs = null, stamps = null }) {
  return judged(async () => {
    const trust = await policyOf(policy);
    const outer = parseCanonical(file);
    const kind = Object.keys(members(outer, ["digest"], Object.keys(outer ?? {}))).find((name) => Object.hasOwn(KINDS, name));
    need(kind !== undefined, "this is no file about a ledger");
    members(outer, ["digest", kind]);
    const digest = await sha256(canonicalBytes(outer[kind]));
    need(same(b64url(outer.digest), digest), "the file is damaged: its checksum does not fit");
    if (stamps !== null && kind !== "statement") throw new Undetermined("time stamps go with statements about one name only");
    return (await loaded(KINDS[kind])).verdict(outer[kind], trust, nowMs, stamps);
  });
}

/** The verdict on a file of growth, with the log's checkpoint (text) and all of its entries (bytes) in order. */
export async function verifyGrowth(file, { policy, checkpoint, entries }) {
  return judged(async () => {
    const { growthVerdict } = await loaded(() => import("./public_log.mjs"));
    return growthVerdict(file, await policyOf(policy), checkpoint, entries);
  });
}

/** The verdict on a receipt, as it stands in the header `x-custodes-receipt`. */
export async function verifyReceipt(token, { policy }) {
  return judged(async () => {
    const { verdict } = await loaded(() => import("./receipt.mjs"));
    return verdict(token, await policyOf(policy));
  });
}

async function judged(answer) {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof Undetermined) return { verdict: "UNDETERMINED", reasons: [error.message] };
    // Keys and signatures that WebCrypto refuses, and values of a type that no rule of ours foresaw.
    if (error instanceof Invalid || error instanceof DOMException || error instanceof TypeError)
      return { verdict: "INVALID", reasons: [error.message] };
    throw error;
  }
}
