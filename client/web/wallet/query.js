// Queries that the wallet signs (docs/protocol.md, "REST").

import { hex, random, sha256, utf8 } from "../shared/bytes.js";
import { QUERY, sign } from "../shared/domain.js";

/**
 * Headers of a query that the wallet signs (docs/protocol.md, "REST").
 * @param {{wallet: string, key: CryptoKey, network: string}} signer
 * @param {string} method @param {string} path with its query @param {string} [body]
 */
export async function signedHeaders({ wallet, key, network }, method, path, body = "") {
  const time = Math.floor(Date.now() / 1000);
  const nonce = hex(random(16));
  const digest = hex(await sha256(utf8(body)));
  const text = `${method}\n${path}\n${network}\n${time}\n${nonce}\n${digest}`;
  const signature = await sign(key, QUERY, utf8(text));
  return {
    Authorization: `Condocharge wallet="${wallet}", time="${time}", nonce="${nonce}", signature="${hex(signature)}"`,
  };
}
