// The audit log: who did what, by person, operation, outcome and period; and whether it is whole.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { moment, t } from "../../shared/i18n.js";
import { Failure, Heading, Notice } from "../../shared/parts.js";
import { OPERATIONS, nameOf } from "../operation.js";
import { usePeriod } from "../period.js";
import { read } from "../state.js";
import * as state from "../state.js";
import { Table } from "../table.js";
import { listOf, useReading } from "./reading.js";

const OUTCOMES = ["done", "refused", "failed", "begun"];
const PRECISE = { dateStyle: "short", timeStyle: "medium" };

/** @param {{argument: string}} props the number of the account whose entries are wanted at first */
export function Log({ argument }) {
  const [span, fields] = usePeriod(7);
  const [account, setAccount] = useState(argument);
  const [outcome, setOutcome] = useState("");
  const [operation, setOperation] = useState("");
  const accounts = useReading(state.account.value.role === "ADMIN" ? "/v1/accounts?limit=500" : null);
  const filter = new URLSearchParams({ since: String(span.since * 1000), until: String(span.until * 1000), ...(account && { account }), ...(outcome && { outcome }), ...(operation && { operation }) }).toString();
  const { entries, error, more } = useEntries(`/v1/audit-log?${filter}`);
  return html`
    <div class="row head"><${Heading}>${t("console.log")}<//>
      <div class="inline exports"><a class="button plain" href=${`/v1/audit-log.csv?${filter}`} download="audit-log.csv">${t("table.csv")}</a>
        <a class="button plain" href=${`/v1/audit-log/export?${filter}`} download="audit-log.ndjson">${t("log.export")}</a></div></div>
    <div class="inline">${fields}
      ${accounts.answer && html`<label>${t("log.who")}<select onChange=${(event) => setAccount(event.target.value)}><option value="">${t("filter.all")}</option>
        ${listOf(accounts.answer).map((each) => html`<option value=${each.id} selected=${String(each.id) === account}>${each.username}</option>`)}</select></label>`}
      <label>${t("log.outcome")}<select onChange=${(event) => setOutcome(event.target.value)}><option value="">${t("filter.all")}</option>${OUTCOMES.map((each) => html`<option value=${each}>${t(`outcome.${each}`)}</option>`)}</select></label>
      <label>${t("history.kind")}<select onChange=${(event) => setOperation(event.target.value)}><option value="">${t("filter.all")}</option>${OPERATIONS.map((each) => html`<option value=${each}>${nameOf(each)}</option>`)}</select></label></div>
    <${Failure} error=${error ?? accounts.error} />
    <${Table} label=${t("console.log")} rows=${entries} empty=${t("log.none")} more=${more} columns=${[
      [t("history.time"), (entry) => moment(entry.time / 1000, PRECISE)],
      [t("log.who"), (entry) => html`${entry.name} <span class="quiet small">${entry.address}</span>`],
      [t("history.kind"), (entry) => nameOf(entry.operation)],
      [t("log.target"), (entry) => html`<code>${entry.target}</code>${Object.keys(entry.detail).length > 0 && html`<br /><span class="quiet small">${Object.entries(entry.detail).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ")}</span>`}`],
      [t("log.outcome"), (entry) => html`<span class=${entry.outcome === "done" ? "badge" : entry.outcome === "begun" ? "badge off" : "badge live"}>${t(`outcome.${entry.outcome}`)}${entry.status && entry.outcome !== "done" ? ` ${entry.status}` : ""}</span>`],
    ]} />
    <${Whole} />
  `;
}

/** Entries, newest first, and the way to those before. @param {string} path */
function useEntries(path) {
  const [found, setFound] = useState({ path, entries: null, next: null, error: null });
  const bring = async (before) => {
    try {
      const page = await read(before ? `${path}&before=${before}` : path);
      setFound((held) => ({ path, entries: [...(before && held.path === path ? held.entries : []), ...page.entries], next: page.next, error: null }));
    } catch (error) {
      setFound({ path, entries: [], next: null, error });
    }
  };
  useEffect(() => { bring(null); }, [path]);
  if (found.path !== path) return { entries: null, error: null, more: null };
  return { ...found, more: found.next ? () => bring(found.next) : null };
}

/** Each entry's hash covers the one before: checking them shows whether any was altered. */
function Whole() {
  const [head, setHead] = useState(null);
  const [error, setError] = useState(null);
  const verify = async () => {
    try {
      setHead(await read("/v1/audit-log/head"));
      setError(null);
    } catch (failure) {
      setHead(null);
      setError(failure);
    }
  };
  return html`<section class="card"><h2>${t("log.whole")}</h2><p>${t("log.whole-how")}</p>
    ${head && html`<${Notice}>${t("log.is-whole", { number: head.number })}<pre>${head.hash}</pre><//>`}<${Failure} error=${error} />
    <button class="plain" onClick=${verify}>${t("ledger.verify")}</button></section>`;
}
