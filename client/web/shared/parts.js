// Small parts that the wallet's and the console's pages share.

import { useState } from "preact/hooks";

import { Refused, Unreachable } from "./api.js";
import { html } from "./html.js";
import { t } from "./i18n.js";

/** A page's heading, which takes the focus when the page is shown. */
export function Heading({ children }) {
  return html`<h1 tabindex="-1">${children}</h1>`;
}

/** Something that the reader should know now. */
export function Notice({ children, alarm = false }) {
  return html`<div class=${alarm ? "notice alarm" : "notice"} role=${alarm ? "alert" : "status"}>${children}</div>`;
}

/** What went wrong, in the reader's words, and what to do. */
export function Failure({ error }) {
  if (!error) return null;
  return html`<${Notice} alarm>${explain(error)}<//>`;
}

/** A labelled input. Its value may still change while newer data arrive, until somebody types: then theirs stays. */
export function Field({ label, hint, value, ...input }) {
  const held = input.onInput ? { value } : { defaultValue: value };
  return html`<label>${label}${hint && html` <small>${hint}</small>`}<input ...${held} ...${input} /></label>`;
}

/** A form whose submission is awaited: disabled while it runs, showing what failed. */
export function Form({ action, submit, children, disabled = false }) {
  const [state, setState] = useState({ busy: false, error: null });
  const onSubmit = async (event) => {
    event.preventDefault();
    if (state.busy) return;
    setState({ busy: true, error: null });
    try {
      await action(new FormData(event.target));
      setState({ busy: false, error: null });
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return html`<form onSubmit=${onSubmit} novalidate>
    ${children}
    <${Failure} error=${state.error} />
    <button class="wide" disabled=${state.busy || disabled}>${state.busy ? t("wait") : submit}</button>
  </form>`;
}

/** Pairs of name and value. */
export function Pairs({ rows }) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined);
  return html`<dl class="pairs">${shown.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** A sentence for an error that a page may show. @param {Error & {sentence?: string}} error */
export function explain(error) {
  if (error.sentence) return error.sentence;
  if (error instanceof Unreachable) return t("error.unreachable");
  if (error instanceof Refused) return t("error.refused", { why: error.message });
  return t("error.unexpected", { why: error.message });
}

/** An error that is told to the reader in these words. */
export class Told extends Error {
  /** @param {string} sentence */
  constructor(sentence) {
    super(sentence);
    this.sentence = sentence;
  }
}
