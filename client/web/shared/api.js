// The gateway's public interface (docs/rest.md) as the pages use it.

/** The gateway refused: an RFC 9457 problem body. */
export class Refused extends Error {
  /** @param {number} status @param {{title?: string, detail?: string, field?: string, rule?: string, code?: string}} problem */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.status = status;
    this.field = problem.field;
    this.rule = problem.rule;
    this.code = problem.code;
  }
}

/** The gateway could not be reached. */
export class Unreachable extends Error {}

/**
 * Ask, and read the JSON answer. Throws Refused or Unreachable.
 * @param {string} path @param {RequestInit} [options]
 */
export async function ask(path, options = {}) {
  const answer = await reach(path, options);
  return answer.status === 204 ? null : answer.json();
}

/** As `ask`, for a file's bytes. @param {string} path @param {RequestInit} [options] */
export async function fetchBytes(path, options = {}) {
  return new Uint8Array(await (await reach(path, options)).arrayBuffer());
}

/** POST a JSON body. @param {string} path @param {unknown} body @param {Record<string, string>} [headers] */
export function post(path, body, headers = {}) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function reach(path, options) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (answer.ok) return answer;
  const isProblem = answer.headers.get("Content-Type")?.startsWith("application/problem+json");
  throw new Refused(answer.status, isProblem ? await answer.json() : {});
}
