// The outbox: what was signed stays here until the gateway has answered, so that neither a lost network, nor a phone
// that is switched off, nor a second tab signs one wish twice. What is sent again is the same bytes; the ledger counts
// the same intent once.

import { Refused, post } from "../shared/api.js";
import { signIntent } from "./intent.js";
import * as store from "./store.js";

const CHANNEL = "condocharge-wallet";
/** Milliseconds between two tries. */
const AGAIN = 5000;

const channel = new BroadcastChannel(CHANNEL);

/** Hear what another tab did. @param {(news: {wallet: string, kind: string, id: string}) => void} listener */
export function onNews(listener) {
  channel.addEventListener("message", (event) => listener(event.data));
}

/** What an intent is about: while one is on its way, another about the same is not signed. */
function subjectOf(intent) {
  return `${intent.wallet}:${intent.kind}:${intent.unit ?? intent.session ?? intent.mandate ?? intent.nonce}`;
}

/**
 * Sign exactly `body` and hand it to the gateway. One tab at a time; `allowed` is asked when it is this one's turn
 * and may throw. Throws Refused, Unreachable: then it stays in the outbox and `resend` goes on.
 * @param {CryptoKey} key @param {string} body @param {() => Promise<void>} [allowed]
 */
export function submit(key, body, allowed = async () => {}) {
  const intent = JSON.parse(body);
  return exclusively(intent.wallet, async () => {
    const subject = subjectOf(intent);
    const waiting = (await pending(intent.wallet)).find((entry) => entry.subject === subject);
    if (waiting) return send(waiting);
    await allowed();
    const { id, request } = await signIntent(key, body);
    const entry = { id, subject, wallet: intent.wallet, kind: intent.kind, expires: intent.expires, request };
    await store.put(store.OUTBOX, entry);
    return send(entry);
  });
}

/** Hand over what an earlier page could not. Returns how many still wait. @param {string} wallet */
export function resend(wallet) {
  return exclusively(wallet, async () => {
    for (const entry of await pending(wallet)) {
      try {
        await send(entry);
      } catch (error) {
        if (!(error instanceof Refused)) break;
      }
    }
    return (await pending(wallet)).length;
  });
}

/** Try again and again while something waits. Returns what ends it. @param {() => string | undefined} wallet */
export function keepSending(wallet) {
  const timer = setInterval(() => { if (wallet()) resend(wallet()); }, AGAIN);
  return () => clearInterval(timer);
}

/** What was signed and not answered yet; what has expired meanwhile can do nothing any more and goes. */
async function pending(wallet) {
  const now = Date.now() / 1000;
  const entries = (await store.all(store.OUTBOX)).filter((entry) => entry.wallet === wallet);
  await Promise.all(entries.filter((entry) => entry.expires <= now).map((entry) => store.remove(store.OUTBOX, entry.id)));
  return entries.filter((entry) => entry.expires > now);
}

async function send(entry) {
  try {
    const answer = await post("/v1/intents", entry.request);
    await store.remove(store.OUTBOX, entry.id);
    channel.postMessage({ wallet: entry.wallet, kind: entry.kind, id: entry.id });
    return { ...answer, id: entry.id };
  } catch (error) {
    // A refusal is an answer; a gateway in trouble (5xx) has not answered yet.
    if (error instanceof Refused && error.status < 500) await store.remove(store.OUTBOX, entry.id);
    throw error;
  }
}

function exclusively(wallet, work) {
  return navigator.locks.request(`condocharge-sign-${wallet}`, work);
}
