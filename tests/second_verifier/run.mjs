// Runs the verifier in JavaScript under Node: {"module", "policy", "files": [base64..], "receipts": [..], "names": [..],
// "signatures": [[key, message, signature]..], "growth": {"checkpoint", "entries": [base64..], "files": [..]},
// "stamped": [{"statement", "file", "roots"}..], "tokens": [{"token", "data", "roots"}..]}
// on its input, verdicts on its output. All that is checked stands in the module, which a browser can load as well.

const parts = [];
for await (const part of process.stdin) parts.push(part);
const { module, policy, files = [], receipts = [], names = null, signatures = [], growth = null, stamped = [], tokens = [] } = JSON.parse(Buffer.concat(parts).toString("utf8"));
const { verify, verifyReceipt } = await import(`${module}/verify.mjs`);
const answers = [];
for (const file of files) answers.push(await verify(new Uint8Array(Buffer.from(file, "base64")), { policy }));
for (const receipt of receipts) answers.push(await verifyReceipt(receipt, { policy }));
if (names !== null) {
  const { nameKeys } = await import(`${module}/names.mjs`);
  for (const name of names) answers.push(nameKeys(name));
}
for (const parts of signatures) {
  const { ed25519, ed25519Here } = await import(`${module}/curve.mjs`);
  const bytes = parts.map((part) => new Uint8Array(Buffer.from(part, "base64")));
  answers.push([await ed25519(...bytes), await ed25519Here(...bytes)]);
}
if (growth !== null) {
  const { verifyGrowth } = await import(`${module}/verify.mjs`);
  const entries = growth.entries.map((one) => new Uint8Array(Buffer.from(one, "base64")));
  for (const file of growth.files) answers.push(await verifyGrowth(file, { policy, checkpoint: growth.checkpoint, entries }));
}
for (const { statement, file, roots } of stamped)
  answers.push(await verify(statement, { policy, stamps: { file, roots } }));
for (const { token, data, roots } of tokens) {
  const { certificatesIn, stampOf } = await import(`${module}/time_stamps.mjs`);
  const [given, bytes] = [token, data].map((one) => new Uint8Array(Buffer.from(one, "base64")));
  try { answers.push((await stampOf(given, bytes, certificatesIn(roots))).at); } catch { answers.push(null); }
}
console.log(JSON.stringify(answers));
