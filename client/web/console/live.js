// What a stream of the gateway says, and how long ago it last said anything.

import { useEffect, useState } from "preact/hooks";

import { read } from "./state.js";

/** Milliseconds without a word after which the connection counts as lost: the gateway speaks every five seconds. */
const SILENT = 9000;
/** Milliseconds without a word after which another connection is made, and between two attempts. */
const GIVEN_UP = 20000;
const AGAIN = 3000;

/**
 * The newest event named `name` of the stream at `path`: `answer` (null before the first), `age` in milliseconds
 * since it came, and `lost`. Closed while the page is hidden, so that tabs do not use up the browser's connections.
 * @param {string} path @param {string} name
 */
export function useStream(path, name) {
  const [heard, setHeard] = useState({ answer: null, at: Date.now() });
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const stream = follow(path, name, (answer) => setHeard({ answer, at: Date.now() }));
    const clock = setInterval(() => setNow(Date.now()), 1000);
    return () => {
      stream.close();
      clearInterval(clock);
    };
  }, [path, name]);
  const age = Math.max(0, now - heard.at);
  return { answer: heard.answer, age, lost: age > SILENT };
}

/** @param {string} path @param {string} name @param {(answer: object) => void} onAnswer */
function follow(path, name, onAnswer) {
  let source = null;
  let last = Date.now();
  const open = () => {
    source?.close();
    last = Date.now();
    source = new EventSource(path);
    source.addEventListener(name, (event) => {
      last = Date.now();
      onAnswer(JSON.parse(event.data));
    });
    // A stream ends at once when its reader is locked out: asking says which of the two it was.
    source.addEventListener("error", () => read("/v1/account").catch(() => {}));
  };
  const look = () => {
    const isSilent = Date.now() - last > GIVEN_UP;
    if (!document.hidden && (source === null || isSilent || source.readyState === EventSource.CLOSED)) open();
  };
  const onVisibility = () => {
    if (!document.hidden) return look();
    source?.close();
    source = null;
    return undefined;
  };
  document.addEventListener("visibilitychange", onVisibility);
  const timer = setInterval(look, AGAIN);
  look();
  return {
    close() {
      document.removeEventListener("visibilitychange", onVisibility);
      clearInterval(timer);
      source?.close();
    },
  };
}
