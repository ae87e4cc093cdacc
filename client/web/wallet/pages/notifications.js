// Notifications: which kinds, whether also by push, and what was told so far.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { moment, t } from "../../shared/i18n.js";
import { Failure, Form, Heading, Notice, Told } from "../../shared/parts.js";
import * as notices from "../notices.js";
import { More, usePages } from "../paging.js";

export function Page() {
  const [choice, setChoice] = useState(null);
  const [own, setOwn] = useState(null);
  const [error, setError] = useState(null);
  const [kept, setKept] = useState(false);
  const pages = usePages(notices.told);
  const look = () => Promise.all([notices.read(), notices.ownBrowser()]).then(([known, browser]) => { setChoice(known); setOwn(browser); });
  useEffect(() => { look().catch(setError); }, []);
  const save = async (form) => {
    setChoice(await notices.choose(form.getAll("kinds")));
    setKept(true);
  };
  return html`
    <${Heading}>${t("notices.title")}<//>
    <${Failure} error=${error} />
    ${choice && html`<section class="card"><${Form} action=${save} submit=${t("settings.save")}>
      <fieldset><legend>${t("notices.kinds")}</legend>${notices.KINDS.map((kind) => html`<label class="check"><input type="checkbox" name="kinds" value=${kind} defaultChecked=${choice.kinds.includes(kind)} onChange=${() => setKept(false)} />${t(`notices.kind-${kind}`)}</label>`)}</fieldset>
      ${kept && html`<p role="status">${t("notices.saved")}</p>`}
    <//></section>
    <${Push} choice=${choice} isOn=${own !== null && choice.browsers.includes(own)} onChange=${look} />`}
    <h2>${t("notices.told")}</h2>
    <${Failure} error=${pages.error} />
    ${pages.rows?.length === 0 && html`<p class="quiet">${t("notices.none")}</p>`}
    <ul class="plain">${(pages.rows ?? []).map((notice) => html`<li><a class="card unit" href=${`#/session/${notice.session}`}>
      <span class="number" aria-hidden="true">${notice.unit}</span><span class="grow">${notices.sentenceOf(notice)}<br /><span class="quiet">${moment(notice.time)}</span></span></a></li>`)}</ul>
    <${More} pages=${pages} />
  `;
}

/** Messages that come while the wallet is closed. */
function Push({ choice, isOn, onChange }) {
  if (!notices.canPush()) return html`<${Notice}>${t("notices.no-push")}<//>`;
  const turn = async () => {
    try {
      await (isOn ? notices.endPush() : notices.startPush(choice.key));
    } catch (error) {
      if (error.name === "NotAllowedError") throw new Told(t("notices.denied"));
      if (error.name === "AbortError") throw new Told(t("notices.no-service"));
      throw error;
    }
    await onChange();
  };
  return html`<section class="card"><p>${t(isOn ? "notices.push-on" : "notices.push-off")}</p>
    <${Form} key=${String(isOn)} action=${turn} submit=${t(isOn ? "notices.end-push" : "notices.start-push")} /></section>`;
}
