// verify checks a tlog-proof with npm's @sigstore/verify: signature of the checkpoint, and the leaf's inclusion.
// Usage: node verify.js NODE_MODULES PUBLIC_KEY_HEX KEY_ID_HEX ORIGIN < {"envelope","index","hashes","checkpoint"} (JSON)
"use strict";
const crypto = require("crypto");
const path = require("path");
const fs = require("fs");

const [modules, publicHex, keyId, origin] = process.argv.slice(2);
const tlog = path.join(modules, "@sigstore", "verify", "dist", "tlog");
const { verifyCheckpoint } = require(path.join(tlog, "checkpoint.js"));
const { verifyMerkleInclusion } = require(path.join(tlog, "merkle.js"));

const input = JSON.parse(fs.readFileSync(0, "utf-8"));
// SubjectPublicKeyInfo of an Ed25519 key is this prefix and the 32 bytes.
const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(publicHex, "hex")]);
const publicKey = crypto.createPublicKey({ key: der, format: "der", type: "spki" });
const entry = {
  canonicalizedBody: Buffer.from(input.envelope, "hex"),
  inclusionProof: {
    logIndex: String(input.index),
    hashes: input.hashes.map((hash) => Buffer.from(hash, "hex")),
    checkpoint: { envelope: input.checkpoint },
  },
};
try {
  const logs = [{ logID: Buffer.from(keyId, "hex"), publicKey, baseURL: `https://${origin}` }];
  verifyMerkleInclusion(entry, verifyCheckpoint(entry, logs));
  console.log("ACCEPTED");
} catch (error) {
  console.log(`REJECTED ${error.message}`);
  process.exitCode = 1;
}
