// The car's figures and the resident's habits: kept in this browser, or seen in the wallet's own sessions.

/** Of what the socket gives, what reaches the battery; chargers lose about a tenth. */
export const EFFICIENCY = 0.9;

/** Wh: less is a try, not a habit. */
const LEAST = 100;

const key = (wallet) => `condocharge-car-${wallet}`;

/** `{capacity}` in Wh, null where it was not said. @param {string} wallet */
export function carOf(wallet) {
  return JSON.parse(localStorage.getItem(key(wallet)) ?? '{"capacity":null}');
}

/** @param {string} wallet @param {{capacity: number | null}} car */
export function keepCar(wallet, car) {
  localStorage.setItem(key(wallet), JSON.stringify(car));
}

/**
 * Wh from the socket that bring a battery from one state of charge to another, in percent.
 * @param {number} capacity Wh @param {number} now @param {number} target
 */
export function energyFor(capacity, now, target) {
  return Math.round((capacity * Math.max(0, target - now)) / 100 / EFFICIENCY);
}

/**
 * What this resident usually does, from sessions that delivered some energy: medians of amount, energy (Wh) and power (W),
 * and the usual length of stay in hours. Null where there is no history.
 * @param {object[]} sessions as the gateway answers them
 */
export function habitsOf(sessions) {
  const charged = sessions.filter((each) => each.energy >= LEAST && each.started && each.ended > each.started);
  if (!charged.length) return null;
  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  return {
    count: charged.length,
    amount: median(charged.map((each) => each.escrow)),
    energy: median(charged.map((each) => each.energy)),
    stay: median(charged.map((each) => each.deadline - each.opened)),
    lasts: median(charged.map((each) => each.ended - each.started)),
    begins: median(charged.map((each) => new Date(each.started * 1000).getHours())),
    power: median(charged.map((each) => Math.round((each.energy * 3600) / (each.ended - each.started)))),
  };
}
