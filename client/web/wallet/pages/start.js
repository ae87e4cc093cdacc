// Start charging at a socket: how much, until when, what it will cost, and exactly what gets signed.

import { useEffect, useState } from "preact/hooks";

import { ask } from "../../shared/api.js";
import { html } from "../../shared/html.js";
import { duration, energy, moment, money, parseMoney, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Told } from "../../shared/parts.js";
import { reasonOf } from "../../shared/reason.js";
import { route } from "../../shared/router.js";
import { carOf, energyFor, habitsOf } from "../car.js";
import { Prices, bought, courseOf, mostFor } from "../prices.js";
import * as state from "../state.js";
import { draft, readTariff } from "../wish.js";
import { Sign } from "./sign.js";
import { powerOf } from "./socket.js";

const HOURS = [2, 4, 9, 12];
const MODES = ["amount", "energy", "battery"];
const LONGEST = 7 * 86_400;
const FULL = 100;

export function Page({ argument }) {
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const elsewhere = route.value.query.get("at");
  useEffect(() => {
    Promise.all([ask(`/v1/units/${argument}`), state.refreshCondominium(), state.refreshAccount(), state.sessions()])
      .then(async ([unit, , , sessions]) => {
        const { tariff } = state.condominium.value;
        const running = sessions.rows.find((each) => each.unit === unit.unit && state.RUNNING.has(each.state));
        setFound({ unit, running, habits: habitsOf(sessions.rows), tariff: tariff && (await readTariff(tariff.number)) });
      })
      .catch(setError);
  }, [argument]);
  const title = html`<${Heading}>${t("start.title", { unit: argument })}<//>`;
  if (elsewhere && elsewhere !== state.condominium.value.code) return html`${title}<${Notice} alarm>${t("start.elsewhere", { code: elsewhere, here: state.condominium.value.name })}<//>`;
  if (error) return html`${title}<${Failure} error=${error} />`;
  if (!found) return html`${title}<p>${t("wait")}</p>`;
  if (!found.tariff) return html`${title}<${Notice}>${t("start.no-tariff")}<//>`;
  if (found.running) return html`${title}<${Notice}>${t("sign.already")} <a href=${`#/session/${found.running.session}`}>${t("session.title")}</a><//>`;
  return html`<${Wish} title=${title} ...${found} />`;
}

/** What the resident wants, in one of three ways, and what comes of it. */
function Wish({ title, unit, tariff, habits }) {
  const token = state.condominium.value;
  const car = carOf(state.current.value.id);
  const [mode, setMode] = useState("amount");
  const [amount, setAmount] = useState("");
  const [kilowattHours, setKilowattHours] = useState("");
  const [charge, setCharge] = useState({ now: 40, target: 80 });
  const [stay, setStay] = useState({ hours: 9, leave: "" });
  const [body, setBody] = useState(null);
  const now = Math.floor(Date.now() / 1000);
  const until = stay.leave ? leaveAt(stay.leave, now) : now + stay.hours * 3600;
  const plan = planOf({ mode, amount, kilowattHours, charge, car, tariff, token, now, until, power: habits?.power ?? powerOf(unit) });
  const prepare = async () => {
    if (plan.error) throw new Told(plan.error);
    const balance = state.account.value?.balance ?? 0;
    if (plan.lock > balance) throw new Told(t("start.too-much", { balance: money(balance, token) }));
    setBody(draft("open", {
      amount: plan.lock,
      condominium: token.code,
      duration: Math.min(LONGEST, Math.max(60, until - now)),
      energy: plan.energy,
      issuer: token.code,
      leave: stay.leave ? until : undefined,
      tariff: tariff.number,
      tariff_hash: tariff.hash,
      unit: unit.unit,
    }));
  };
  if (body) return html`<${Sign} body=${body} unit=${unit} tariff=${tariff} plan=${plan} onBack=${() => setBody(null)} />`;
  const asUsual = () => {
    setMode("energy");
    setKilowattHours(String(Math.max(0.1, habits.energy / 1000).toFixed(1)));
    setStay({ hours: Math.max(1, Math.round(habits.stay / 3600)), leave: "" });
  };
  return html`
    ${title}
    <p class="row quiet"><span>${unit.location}</span><a href=${`#/socket/${unit.unit}`}>${t("start.details")}</a></p>
    ${unit.state !== "free" && html`<${Notice}>${reasonOf(unit) ?? t(`state.${unit.state}`)}<//>`}
    ${state.account.value?.balance === 0 && html`<${Notice}>${t("start.no-tokens")} <a href="#/buy">${t("buy.title")}</a><//>`}
    ${habits && html`<p><button type="button" class="plain wide" onClick=${asUsual}>${t("start.usual", { energy: energy(habits.energy, 1), stay: duration(habits.stay) })}</button></p>`}
    <${Form} action=${prepare} submit=${t("start.review")}>
      <div class="sections" role="group" aria-label=${t("start.how")}>${MODES.map((each) => html`<button type="button" aria-pressed=${String(each === mode)} onClick=${() => setMode(each)}>${t(`start.mode-${each}`)}</button>`)}</div>
      ${mode === "amount" && html`<${Amount} value=${amount} onValue=${setAmount} token=${token} />`}
      ${mode === "energy" && html`<${Field} name="energy" inputmode="decimal" label=${t("start.energy")} hint=${t("start.energy-hint")}
        value=${kilowattHours} onInput=${(event) => setKilowattHours(event.target.value)} autocomplete="off" />`}
      ${mode === "battery" && html`<${Battery} car=${car} charge=${charge} onCharge=${setCharge} />`}
      <${Stay} stay=${stay} onStay=${setStay} until=${until} />
      <${Outlook} plan=${plan} tariff=${tariff} token=${token} until=${until} now=${now} />
    <//>
    <details class="card"><summary>${t("start.tariff")}</summary><${Prices} tariff=${tariff} token=${token} /></details>
  `;
}

function Amount({ value, onValue, token }) {
  return html`
    <${Field} name="amount" inputmode="decimal" label=${t("start.amount")} hint=${t("start.amount-hint", { balance: money(state.account.value?.balance ?? 0, token) })}
      value=${value} onInput=${(event) => onValue(event.target.value)} autocomplete="off" />
    <div class="choices" role="group" aria-label=${t("start.amounts")}>
      ${[5, 10, 20].map((whole) => html`<button type="button" class="plain" aria-pressed=${String(value === String(whole))} onClick=${() => onValue(String(whole))}>${money(whole * 10 ** token.decimals, token)}</button>`)}
    </div>`;
}

function Battery({ car, charge, onCharge }) {
  if (!car.capacity) return html`<${Notice}>${t("start.no-capacity")} <a href="#/settings">${t("tab.settings")}</a><//>`;
  const range = (name) => html`<label>${t(`start.charge-${name}`)} <output>${charge[name]} %</output>
    <input type="range" name=${name} min="0" max=${FULL} step="5" value=${charge[name]} onInput=${(event) => onCharge({ ...charge, [name]: Number(event.target.value) })} /></label>`;
  return html`${range("now")}${range("target")}`;
}

function Stay({ stay, onStay, until }) {
  return html`<fieldset>
    <legend>${t("start.hours")}</legend>
    <div class="choices">
      ${HOURS.map((each) => html`<button type="button" class="plain" aria-pressed=${String(!stay.leave && each === stay.hours)} onClick=${() => onStay({ hours: each, leave: "" })}>${t("start.n-hours", { hours: each })}</button>`)}
    </div>
    <label class="inline">${t("start.leave")} <input type="time" name="leave" value=${stay.leave} onInput=${(event) => onStay({ ...stay, leave: event.target.value })} /></label>
    <small class="quiet">${t("start.until", { moment: moment(until, { weekday: "short", hour: "2-digit", minute: "2-digit" }) })}</small>
  </fieldset>`;
}

/** What the wish comes to: at what cost, and whether there is time for it. */
function Outlook({ plan, tariff, token, until, now }) {
  if (plan.error) return null;
  if (plan.energy === undefined) {
    const [least, most] = bought(tariff, plan.lock, now, until, token.decimals);
    const sentence = least === most ? t("start.buys", { energy: energy(least, 1) }) : t("start.buys-between", { least: energy(least, 1), most: energy(most, 1) });
    return html`<p class="outlook" role="status">${Number.isFinite(most) ? sentence : t("start.free")}</p>`;
  }
  return html`<p class="outlook" role="status"><strong class="amount">${money(plan.course.cost, token)}</strong> ${t("start.course", { energy: energy(plan.energy, 1), moment: moment(plan.course.until, { weekday: "short", hour: "2-digit", minute: "2-digit" }), most: money(plan.lock, token) })}</p>
    ${plan.course.until > until && html`<${Notice}>${t("start.too-slow")}<//>`}`;
}

/** The lock and the energy of a wish, or the sentence that says what is missing. */
function planOf({ mode, amount, kilowattHours, charge, car, tariff, token, now, until, power }) {
  if (mode === "amount") {
    const lock = parseMoney(amount, token.decimals);
    return lock === null ? { error: t("start.bad-amount") } : { lock, energy: undefined };
  }
  const wanted = mode === "energy" ? parseMoney(kilowattHours, 3) : car.capacity && energyFor(car.capacity, charge.now, charge.target);
  if (!wanted) return { error: t(mode === "energy" ? "start.bad-energy" : car.capacity ? "start.bad-charge" : "start.no-capacity") };
  const course = courseOf(tariff, wanted, now, power, token.decimals);
  return { lock: mostFor(tariff, wanted, now, until, token.decimals), energy: wanted, course };
}

/** The next time at which a clock shows `text` (HH:MM), Unix seconds. */
function leaveAt(text, now) {
  const [hours, minutes] = text.split(":").map(Number);
  const day = new Date(now * 1000);
  day.setHours(hours, minutes, 0, 0);
  if (day.getTime() / 1000 <= now + 60) day.setDate(day.getDate() + 1);
  return Math.floor(day.getTime() / 1000);
}
