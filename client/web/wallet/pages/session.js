// One session: while it charges, and what it came to.

import { useEffect, useState } from "preact/hooks";

import { ask, fetchBytes } from "../../shared/api.js";
import { html } from "../../shared/html.js";
import { duration, energy, moment, money, power, t } from "../../shared/i18n.js";
import { Failure, Form, Heading, Notice, Pairs } from "../../shared/parts.js";
import * as state from "../state.js";

const POLL = 5000;

export function Session({ argument }) {
  const [session, setSession] = useState(null);
  const [error, setError] = useState(null);
  const [live, setLive] = useState(true);
  useEffect(() => {
    const path = `/v1/sessions/${argument}`;
    const refresh = () => state.reached(ask(path)).then((answer) => { setSession(answer); setError(null); }, setError);
    refresh();
    const source = new EventSource(`${path}/events`);
    source.addEventListener("session", (event) => {
      const news = JSON.parse(event.data);
      setSession(news);
      setLive(true);
      if (news.activity === "ended") source.close();
    });
    source.onerror = () => setLive(source.readyState === EventSource.OPEN);
    // The stream may be cut by a phone's sleep; asking again keeps the page true.
    const timer = setInterval(refresh, POLL);
    return () => { source.close(); clearInterval(timer); };
  }, [argument]);
  if (!session) return html`<${Heading}>${t("session.title")}<//>${error ? html`<${Failure} error=${error} />` : html`<p>${t("wait")}</p>`}`;
  const token = state.condominium.value;
  const ended = session.activity === "ended";
  return html`
    <${Heading}>${t("home.at-unit", { unit: session.unit })}<//>
    ${error && html`<${Failure} error=${error} />`}
    ${!live && !ended && html`<${Notice}>${t("session.not-live")}<//>`}
    <section class="card" aria-live="polite">
      <div class="row"><span class=${session.activity === "charging" ? "badge live" : "badge"}>${t(`activity.${session.activity}`)}</span>
        ${session.attested && html`<span class="badge off">${t("session.attested")}</span>`}</div>
      <div class="figure numbers">${ended ? money(session.cost ?? 0, token) : power(session.power ?? 0)}</div>
      ${session.reason && html`<p>${session.reason}</p>`}
    </section>
    <section class="card"><${Pairs} rows=${[
      [t("session.energy"), energy(session.energy ?? 0, 3)],
      [t("session.cost"), money(session.cost ?? 0, token)],
      [t("session.escrow"), money(session.escrow, token)],
      [t("session.left"), ended ? null : money(session.escrow - (session.cost ?? 0), token)],
      [t("session.refund"), session.refund === null ? null : money(session.refund, token)],
      [t("session.opened"), moment(session.opened)],
      [t("session.ended"), session.ended ? moment(session.ended) : null],
      [t("session.lasted"), session.started && session.ended ? duration(session.ended - session.started) : null],
      [t("session.deadline"), ended ? null : moment(session.deadline)],
      [t("session.why"), session.stopped_reason ? t(`stopped.${session.stopped_reason}`) : null],
    ]} /></section>
    ${!ended && html`<${Stop} session=${session} />`}
    ${ended && ["settled", "reclaimed", "cancelled"].includes(session.state) && html`<${Receipt} session=${session} />`}
    ${canReclaim(session) && html`<${Reclaim} session=${session} />`}
  `;
}

function Stop({ session }) {
  if (session.activity === "stopping") return html`<p>${t("session.stopping")}</p>`;
  const action = () => state.submit(state.draft("stop", { session: session.session }));
  return html`<${Form} action=${action} submit=${t("session.stop")} />`;
}

/** Offered by itself when the condominium did not settle in time. */
function Reclaim({ session }) {
  const action = () => state.submit(state.draft("reclaim", { session: session.session }));
  return html`<${Notice} alarm>${t("session.reclaim-text")}<//><${Form} action=${action} submit=${t("session.reclaim")} />`;
}

/** The receipt, fetched and verified on this phone as soon as the session has ended. */
function Receipt({ session }) {
  const [receipt, setReceipt] = useState({ file: null, error: null });
  const look = async () => {
    try {
      const file = await fetchBytes(`/v1/sessions/${session.session}/receipt`);
      const { verifyReceipt } = await import("../receipt/verify.js");
      const { session: proven } = await verifyReceipt(file, state.trustedRoot());
      if (proven.id !== session.session) throw new Error("another session");
      setReceipt({ file, error: null });
    } catch (error) {
      setReceipt({ file: null, error });
    }
  };
  useEffect(() => { look(); }, [session.session]);
  if (receipt.error?.link) return html`<${Notice} alarm>${t("receipt.false", { why: t(`receipt.${receipt.error.link}`) })}<//>`;
  if (receipt.error) return html`<${Failure} error=${receipt.error} /><p><button class="plain wide" onClick=${look}>${t("again")}</button></p>`;
  if (!receipt.file) return html`<p class="quiet">${t("receipt.verifying")}</p>`;
  return html`<${Notice}><strong>${t("receipt.true")}</strong><br />${t("receipt.means")}<//>
    <p><button class="wide" onClick=${() => save(receipt.file, session)}>${t("session.receipt")}</button></p>`;
}

function save(file, session) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([file], { type: "application/json" }));
  link.download = `receipt-${session.session.slice(0, 12)}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function canReclaim(session) {
  const late = session.deadline + state.condominium.value.grace;
  return session.activity !== "ended" && Date.now() / 1000 > late;
}
