// What a page reads: once, or again and again.

import { useCallback, useEffect, useState } from "preact/hooks";

import { read } from "../state.js";

/**
 * The answer of `path`, what failed last, when it was read, and a way to read it again.
 * @param {string} path @param {number} [every] milliseconds between readings; never again where it is 0
 */
export function useReading(path, every = 0) {
  const [state, setState] = useState({ answer: null, error: null, at: 0 });
  const again = useCallback(async () => {
    try {
      setState({ answer: await read(path), error: null, at: Date.now() });
    } catch (error) {
      setState((before) => ({ ...before, error }));
    }
  }, [path]);
  useEffect(() => {
    again();
    if (!every) return undefined;
    const timer = setInterval(again, every);
    return () => clearInterval(timer);
  }, [again, every]);
  return { ...state, again };
}

/** The list in an answer, whatever it is called. @param {object | null} answer */
export function listOf(answer) {
  if (!answer) return [];
  if (Array.isArray(answer)) return answer;
  return Object.values(answer).find(Array.isArray) ?? [];
}
