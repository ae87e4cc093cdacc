// Verifies each receipt of a list as the wallet does: one line of JSON for each, what it proves or which link fails.
// Arguments: the module to verify with, the root certificate's file, the file that lists the receipts' files.

import { readFileSync } from "node:fs";

const [module, root, list] = process.argv.slice(2);
const { verifyReceipt } = await import(module);
const certificate = readFileSync(root, "utf8");
for (const name of JSON.parse(readFileSync(list, "utf8"))) {
  let line;
  try {
    const { session } = await verifyReceipt(new Uint8Array(readFileSync(name)), certificate);
    line = { state: session.state, settlement: session.settlement };
  } catch (error) {
    line = { failed: error.link ?? String(error.stack) };
  }
  console.log(JSON.stringify(line));
}
