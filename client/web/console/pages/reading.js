// What a page reads: once, again and again, or page by page.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { read } from "../state.js";

/**
 * The answer of `path`, what failed last, when it was read, and a way to read it again.
 * @param {string | null} path nothing is read where it is null
 * @param {number} [every] milliseconds between readings; never again where it is 0
 */
export function useReading(path, every = 0) {
  const [state, setState] = useState({ answer: null, error: null, at: 0 });
  const wanted = useRef(path);
  wanted.current = path;
  const again = useCallback(async () => {
    if (path === null) return;
    try {
      const answer = await read(path);
      // The reader may have gone on to another period meanwhile.
      if (wanted.current === path) setState({ answer, error: null, at: Date.now() });
    } catch (error) {
      if (wanted.current === path) setState((before) => ({ ...before, error }));
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

/**
 * The rows of a list that comes page by page, and `more`, which brings the next page; null after the last.
 * @param {string} path with a query; what follows a # is not sent, and makes it another list to be read
 */
export function useRows(path) {
  const empty = { path, rows: null, bookmark: "", error: null };
  const [state, setState] = useState(empty);
  const current = state.path === path ? state : empty;
  const bring = useCallback(async (before) => {
    try {
      const [asked] = path.split("#");
      const page = await read(before.bookmark ? `${asked}&bookmark=${before.bookmark}` : asked);
      setState({ path, rows: [...(before.rows ?? []), ...page.rows], bookmark: page.bookmark, error: null });
    } catch (error) {
      setState({ ...before, error });
    }
  }, [path]);
  useEffect(() => { bring({ path, rows: null, bookmark: "", error: null }); }, [bring, path]);
  return { rows: current.rows, error: current.error, more: current.bookmark ? () => bring(current) : null };
}

/** The list in an answer, whatever it is called. @param {object | null} answer */
export function listOf(answer) {
  if (!answer) return [];
  if (Array.isArray(answer)) return answer;
  return Object.values(answer).find(Array.isArray) ?? [];
}
