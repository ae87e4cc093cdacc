// The ledger: who keeps it, how far it is, its last blocks, and checking all of it.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { moment, number, t } from "../../shared/i18n.js";
import { Failure, Heading, Notice } from "../../shared/parts.js";
import { read } from "../state.js";
import { Table } from "../table.js";
import { useReading } from "./reading.js";

const EVERY = 5000;
const BLOCKS = 10;
const PRECISE = { dateStyle: "short", timeStyle: "medium" };

export function Ledger() {
  const { answer, error } = useReading("/v1/ledger/members", EVERY);
  return html`
    <div class="head"><${Heading}>${t("console.ledger")}<//></div>
    <${Failure} error=${error} />
    ${answer && html`<dl class="facts">
      <div><dt>${t("about.network")}</dt><dd>${answer.network}</dd></div>
      <div><dt>${t("ledger.height")}</dt><dd>${number(answer.height)}</dd></div>
      <div><dt>${t("ledger.behind")}</dt><dd>${answer.behind === 0 ? t("ledger.up-to-date") : t("ledger.blocks", { count: answer.behind })}</dd></div></dl>
    <${Verify} />
    <h2>${t("ledger.members")}</h2>
    ${answer.members.length === 1 && html`<p class="quiet">${t("ledger.alone")}</p>`}
    <${Table} label=${t("ledger.members")} rows=${answer.members} empty="" columns=${[
      [t("units.code"), (member) => html`<strong>${member.code}</strong>${member.own && html` <span class="badge">${t("ledger.own")}</span>`}`],
      ["MSP", (member) => html`<code>${member.msp_id}</code>`],
      [t("ledger.height"), (member) => (member.height === null ? t("ledger.not-known") : number(member.height)), "number"],
    ]} />
    <${Blocks} height=${answer.height} />`}
    <section class="card"><h2>${t("ledger.elsewhere")}</h2><p>${t("ledger.how")}</p>
    <pre>condocharge audit export ledger.ndjson --gateway ${location.origin}${"\n"}condocharge audit verify ledger.ndjson --root root.pem</pre>
    <div class="actions"><a class="button plain" href="/v1/ledger/export?from=0" download="ledger.ndjson">${t("ledger.export")}</a></div></section>
  `;
}

/** The newest blocks; each is read once. */
function Blocks({ height }) {
  const [blocks, setBlocks] = useState([]);
  const [error, setError] = useState(null);
  useEffect(() => {
    let wanted = true;
    const numbers = Array.from({ length: Math.min(BLOCKS, height) }, (_, index) => height - 1 - index);
    const known = new Map(blocks.map((block) => [block.number, block]));
    Promise.all(numbers.map((each) => known.get(each) ?? read(`/v1/ledger/blocks/${each}`))).then(
      (found) => { if (wanted) { setBlocks(found); setError(null); } },
      (failure) => wanted && setError(failure),
    );
    return () => { wanted = false; };
  }, [height]);
  return html`<h2>${t("ledger.last")}</h2><${Failure} error=${error} />
    <${Table} label=${t("ledger.last")} rows=${blocks} empty=${t("ledger.no-blocks")} columns=${[
      [t("ledger.block"), (block) => number(block.number), "number"],
      [t("history.time"), (block) => (block.transactions.length ? moment(block.transactions[0].timestamp / 1000, PRECISE) : "–")],
      [t("ledger.transactions"), (block) => block.transactions.map((each) => html`<span class="transaction"><code>${each.function}</code>${each.validation !== "VALID" && html` <span class="badge live">${each.validation}</span>`}</span>`)],
      [t("ledger.hash"), (block) => html`<code title=${block.hash}>${block.hash.slice(0, 16)}…</code>`],
    ]} />`;
}

/** Checks the whole ledger at the gateway, telling how far it is. */
function Verify() {
  const [state, setState] = useState({ source: null, progress: null, outcome: null, error: null });
  useEffect(() => () => state.source?.close(), [state.source]);
  const begin = () => {
    const source = new EventSource("/v1/ledger/verification");
    const end = (found) => { source.close(); setState({ source: null, progress: null, outcome: null, error: null, ...found }); };
    source.addEventListener("progress", (event) => setState((before) => ({ ...before, progress: JSON.parse(event.data) })));
    source.addEventListener("outcome", (event) => end({ outcome: JSON.parse(event.data) }));
    source.addEventListener("failed", (event) => end({ error: t("error.unexpected", { why: JSON.parse(event.data).text }) }));
    source.addEventListener("error", () => end({ error: t("ledger.cut") }));
    setState({ source, progress: null, outcome: null, error: null });
  };
  const { source, progress, outcome, error } = state;
  return html`<section class="card"><h2>${t("ledger.check")}</h2><p>${t("ledger.check-how")}</p>
    ${progress && html`<p>${t("ledger.progress", { read: number(progress.read), of: number(progress.of) })}</p><progress max=${progress.of} value=${progress.read} aria-label=${t("ledger.check")}></progress>`}
    ${outcome && outcome.altered === null && html`<${Notice}><strong>${t("ledger.whole")}</strong> ${t(outcome.whole ? "ledger.whole-text" : "ledger.chain-text", { height: number(outcome.height), transactions: number(outcome.transactions) })}<pre>${outcome.hash}</pre><//>`}
    ${outcome && outcome.altered !== null && html`<${Notice} alarm><strong>${t("ledger.altered")}</strong> ${outcome.altered}<//>`}
    ${error && html`<${Notice} alarm>${error}<//>`}
    <button disabled=${source !== null} onClick=${begin}>${source ? t("wait") : t("ledger.verify")}</button></section>`;
}
