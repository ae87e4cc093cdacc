// Now: who charges, who waits and why, each group's load against its limit, and what is wrong.

import { html } from "../../shared/html.js";
import { duration, energy, moment, money, power, t } from "../../shared/i18n.js";
import { outlookOf } from "../../shared/outlook.js";
import { Heading, Notice } from "../../shared/parts.js";
import { useStream } from "../live.js";
import { sentence } from "../reason.js";
import * as state from "../state.js";

const HOUR_AND_MINUTE = { timeStyle: "short" };

export function Now() {
  const { answer, age, lost } = useStream("/v1/overview/events", "overview");
  return html`
    <div class="row head"><${Heading}>${t("console.now")}<//><${Pulse} answer=${answer} age=${age} lost=${lost} /></div>
    ${answer && html`<div class=${lost ? "stale" : ""}><${Floor} floor=${answer} /></div>`}
  `;
}

/** Whether what is shown is how it is: a lost connection is said with the age of what is seen. */
function Pulse({ answer, age, lost }) {
  if (lost) {
    const seconds = Math.round(age / 1000);
    return html`<p class="pulse lost" role="status">${t("now.lost", { seconds })}</p>`;
  }
  return html`<p class="pulse" role="status">${answer ? t("now.live") : t("wait")}</p>`;
}

function Floor({ floor }) {
  const { groups, units, alarms, at } = floor;
  const queue = units
    .flatMap((unit) => unit.sessions.filter((each) => each.activity === "queued").map((session) => ({ unit, session })))
    .sort((a, b) => (a.session.position ?? 999) - (b.session.position ?? 999) || a.session.opened - b.session.opened);
  return html`
    ${alarms.length > 0 && html`<${Alarms} alarms=${alarms} />`}
    ${queue.length > 0 && html`<${Queue} queue=${queue} now=${at / 1000} />`}
    ${groups.map((group) => {
      const members = units.filter((unit) => unit.group === group.code);
      return html`<section class="group" aria-labelledby=${`group-${group.code}`}>
        <${Load} group=${group} />
        ${members.length === 0 && html`<p class="quiet">${t("now.empty-group")}</p>`}
        <ul class="sockets">${members.map((unit) => html`<${Socket} key=${unit.unit} unit=${unit} now=${at / 1000} />`)}</ul>
      </section>`;
    })}
    ${groups.length === 0 && html`<div class="empty"><p>${t("now.empty")}</p>
      ${state.account.value.role === "ADMIN" && html`<a class="button" href="#/units">${t("console.units")}</a>`}</div>`}
  `;
}

function Load({ group }) {
  const share = (watts) => `${Math.min(100, (100 * watts) / Math.max(1, group.limit))}%`;
  const words = t("now.load", { load: power(group.load), limit: power(group.limit) });
  const isFull = group.granted > group.limit * 0.95;
  return html`
    <div class="row"><h2 id=${`group-${group.code}`}>${group.name}</h2><span class="numbers">${words}</span></div>
    <div class=${isFull ? "load full" : "load"} role="meter" aria-label=${`${group.name}: ${words}`} aria-valuemin="0" aria-valuemax=${group.limit} aria-valuenow=${group.load} aria-valuetext=${words}>
      <span class="granted" style=${{ width: share(group.granted) }}></span><span class="drawn" style=${{ width: share(group.load) }}></span>
    </div>
    <p class="quiet small">${t("now.granted", { granted: power(group.granted) })}${isFull ? ` ${t("now.full")}` : ""}</p>
  `;
}

/** The cars that wait, in the order of their turn, each with what it waits for. */
function Queue({ queue, now }) {
  return html`<section class="card waiting" aria-labelledby="waiting"><h2 id="waiting">${t("now.waiting", { count: queue.length })}</h2>
    <ol>${queue.map(({ unit, session }) => html`<li>
      <a href=${`#/sessions/${session.session}`}>${t("home.unit", { unit: unit.unit })}</a> <span class="quiet">${unit.location}</span>
      <div class="why">${sentence(session) ?? t("state.queued")} ${outlookOf(session, now)}</div>
      <div class="quiet small">${t("now.since", { duration: duration(Math.max(0, Math.round(now - session.opened))) })}</div>
    </li>`)}</ol></section>`;
}

function Socket({ unit, now }) {
  const [session] = unit.sessions;
  const lamp = { charging: "badge live", offline: "badge off" }[unit.state] ?? "badge";
  const isDrawing = unit.state === "charging";
  return html`<li class=${`card socket ${unit.state}`}>
    <div class="row"><strong><span class="plate">${unit.unit}</span> ${unit.name}</strong><span class=${lamp}>${t(`state.${unit.state}`)}</span></div>
    <p class="quiet small">${unit.location}</p>
    ${isDrawing && html`<p class="figure numbers">${power(unit.power)}</p>`}
    ${unit.why && html`<p class="why">${sentence(unit)} ${session && outlookOf(session, now)}</p>`}
    ${!unit.why && !isDrawing && html`<p class="why quiet">${t(unit.state === "offline" ? "now.offline" : "now.free")}</p>`}
    ${session && html`<p class="small"><a href=${`#/sessions/${session.session}`}>${t("now.session")}</a>
      <span class="quiet numbers"> ${energy(session.energy)} · ${money(session.cost, state.condominium.value)} · ${t("now.until", { when: moment(session.deadline, HOUR_AND_MINUTE) })}</span></p>`}
    <p class="quiet small">${unit.heard === null ? t("now.unheard") : t("now.heard", { seconds: Math.max(0, Math.round(now - unit.heard)) })}</p>
  </li>`;
}

function Alarms({ alarms }) {
  return html`<${Notice} alarm><strong>${t("now.alarms")}</strong>
    <ul class="plain">${alarms.slice(0, 5).map((alarm) => html`<li>${moment(alarm.raised_at / 1000)}${alarm.unit !== null && html` · ${t("home.unit", { unit: alarm.unit })}`} · ${t(`alarm.${alarm.kind}`)} <span class="quiet">${alarm.text}</span></li>`)}</ul>
    ${alarms.length > 5 && html`<p>${t("now.more", { count: alarms.length - 5 })}</p>`}<//>`;
}
