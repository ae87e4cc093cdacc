// What operations of the audit log are called, in the reader's language.

import { t } from "../shared/i18n.js";

/** The gateway's names of what accounts do that changes something (docs/rest.md). */
export const OPERATIONS = [
  "log_in", "log_out", "accept_invitation", "change_password", "end_own_session",
  "create_account", "change_account", "invite_account", "invite_from_console",
  "create_group", "change_group", "remove_group",
  "enrol_unit", "change_unit_settings", "rotate_unit_key", "retire_unit",
  "publish_tariff", "rehearse_tariff", "change_condominium",
  "sell_tokens", "confirm_payment", "stop_session",
];

/** @param {string} operation one that this page does not know yet is shown as it is */
export function nameOf(operation) {
  return OPERATIONS.includes(operation) ? t(`operation.${operation.replaceAll("_", "-")}`) : operation;
}
