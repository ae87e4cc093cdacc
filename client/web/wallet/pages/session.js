// One session: while it charges, and what it came to.

import { useEffect, useState } from "preact/hooks";

import { ask } from "../../shared/api.js";
import { html } from "../../shared/html.js";
import { duration, energy, moment, money, power, t } from "../../shared/i18n.js";
import { outlookOf } from "../../shared/outlook.js";
import { Failure, Form, Heading, Notice, Pairs } from "../../shared/parts.js";
import { reasonOf } from "../../shared/reason.js";
import * as state from "../state.js";
import { draft, submit } from "../wish.js";
import { isLate } from "./home.js";
import { Receipt } from "./receipt.js";
import { Readings } from "./readings.js";
import { UnlockForm } from "./unlock.js";

const POLL = 5000;
const seen = (session) => `condocharge-seen-${session}`;

export function Page({ argument }) {
  const { session, at, error, live } = useSession(argument);
  if (!session) return html`<${Heading}>${t("session.title")}<//>${error ? html`<${Failure} error=${error} />` : html`<p>${t("wait")}</p>`}`;
  const token = state.condominium.value;
  const ended = session.activity === "ended";
  const own = session.wallet === state.current.value.id;
  return html`
    <${Heading}>${t("home.at-unit", { unit: session.unit })}<//>
    ${error && html`<${Failure} error=${error} />`}
    ${!live && !ended && html`<${Notice}>${t("session.not-live", { moment: moment(at, { timeStyle: "medium" }) })}<//>`}
    <section class=${session.activity === "charging" ? "now charging" : "now"} aria-live="polite">
      <div class="row"><span class=${session.activity === "charging" ? "badge live" : "badge"}>${t(`activity.${session.activity}`)}</span>
        ${session.attested && html`<span class="badge off">${t("session.attested")}</span>`}</div>
      <div class="figure numbers">${ended ? money(session.cost ?? 0, token) : power(session.power ?? 0)}</div>
      ${session.why && html`<p>${reasonOf(session)} ${outlookOf(session)}</p>`}
      ${!ended && html`<${Progress} session=${session} token=${token} />`}
    </section>
    ${own && isLate(session) && html`<${Reclaim} session=${session} />`}
    <section class="card"><${Pairs} rows=${[
      [t("session.energy"), energy(session.energy ?? 0, 3)],
      [t("session.cost"), money(session.cost ?? 0, token)],
      [t("session.queue"), session.position],
      [t("session.escrow"), money(session.escrow, token)],
      [t("session.left"), ended ? null : money(session.escrow - (session.cost ?? 0), token)],
      [t("session.refund"), session.refund === null ? null : money(session.refund, token)],
      [t("session.opened"), moment(session.opened)],
      [t("session.ended"), session.ended ? moment(session.ended) : null],
      [t("session.lasted"), session.started && session.ended ? duration(session.ended - session.started) : null],
      [t("session.leave"), session.leave && !ended ? moment(session.leave) : null],
      [t("session.deadline"), ended ? null : moment(session.deadline)],
      [t("session.why"), whyEnded(session)],
    ]} /></section>
    ${own && !ended && html`<${Stop} session=${session} />`}
    ${ended && html`<${Receipt} session=${session} />`}
    ${own && session.started && html`<${Readings} session=${session} />`}
  `;
}

function whyEnded({ state: how, stopped_reason: reason }) {
  if (how === "reclaimed") return t("session.reclaimed");
  return reason ? t(`stopped.${reason}`) : null;
}

/** A session as it goes on; what was last seen of it is kept, so that a reload without a network still tells. */
function useSession(id) {
  const kept = JSON.parse(localStorage.getItem(seen(id)) ?? "null");
  const [known, setKnown] = useState({ session: kept?.session ?? null, at: kept?.at ?? 0, error: null, live: !kept });
  useEffect(() => {
    const path = `/v1/sessions/${id}`;
    const take = (session) => {
      const at = Date.now() / 1000;
      setKnown({ session, at, error: null, live: true });
      keep(id, session, at);
    };
    const lost = (error) => setKnown((before) => ({ ...before, live: false, error: before.session && !state.online.value ? null : error }));
    const refresh = () => state.reached(ask(path)).then(take, lost);
    refresh();
    const source = new EventSource(`${path}/events`);
    source.addEventListener("session", (event) => {
      const news = JSON.parse(event.data);
      take(news);
      if (news.activity === "ended") source.close();
    });
    // The stream may be cut by a phone's sleep; asking again keeps the page true.
    const timer = setInterval(refresh, POLL);
    return () => { source.close(); clearInterval(timer); };
  }, [id]);
  return known;
}

/** Keep what goes on; of what has ended the gateway and the receipt tell. */
function keep(id, session, at) {
  if (session.activity === "ended") localStorage.removeItem(seen(id));
  else localStorage.setItem(seen(id), JSON.stringify({ session, at }));
}

/** How much of what was asked for, or of what was locked, is used. */
function Progress({ session, token }) {
  const [value, most] = session.energy_limit ? [session.energy, session.energy_limit] : [session.cost ?? 0, session.escrow];
  const write = (amount) => (session.energy_limit ? energy(amount, 1) : money(amount, token));
  return html`<label class="progress">${t("session.progress", { value: write(value), most: write(most) })}
    <progress max=${most} value=${Math.min(value, most)}></progress></label>`;
}

function Stop({ session }) {
  const [unlocking, setUnlocking] = useState(false);
  if (session.activity === "stopping") return html`<p>${t("session.stopping")}</p>`;
  if (!state.key.value && unlocking) return html`<section class="card"><${UnlockForm} /></section>`;
  if (!state.key.value) return html`<p><button class="wide" onClick=${() => setUnlocking(true)}>${t("session.unlock-to-stop")}</button></p>`;
  const action = () => submit(draft("stop", { session: session.session }));
  return html`<${Form} action=${action} submit=${t("session.stop")} />`;
}

/** Offered by itself when the condominium did not settle in time. */
function Reclaim({ session }) {
  const action = () => submit(draft("reclaim", { session: session.session }));
  return html`<${Notice} alarm>${t("session.reclaim-text")}<//>
    ${state.key.value && html`<${Form} action=${action} submit=${t("session.reclaim")} />`}`;
}
