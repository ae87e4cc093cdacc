// What this browser keeps, in IndexedDB: wallets (sealed) and the outbox.

const DATABASE = "condocharge-wallet";
const VERSION = 2;

export const WALLETS = "wallets";
export const OUTBOX = "outbox";

/** All rows of a store. @param {string} name */
export function all(name) {
  return request(name, (store) => store.getAll(), "readonly");
}

/** All wallets kept here, oldest first: `{id, name, created, lock}`. */
export async function wallets() {
  const rows = await all(WALLETS);
  return rows.sort((a, b) => a.created - b.created);
}

/** Put a row in, over one with the same id. @param {string} name @param {{id: string}} row */
export function put(name, row) {
  return request(name, (store) => store.put(row), "readwrite");
}

/** @param {string} name @param {string} id */
export function remove(name, id) {
  return request(name, (store) => store.delete(id), "readwrite");
}

async function request(name, ask, mode) {
  const database = await open();
  try {
    const transaction = database.transaction(name, mode, { durability: "strict" });
    const answer = await settled(ask(transaction.objectStore(name)));
    if (mode === "readwrite") await done(transaction);
    return answer;
  } finally {
    database.close();
  }
}

function open() {
  const opening = indexedDB.open(DATABASE, VERSION);
  opening.onupgradeneeded = () => {
    for (const name of [WALLETS, OUTBOX]) {
      if (!opening.result.objectStoreNames.contains(name)) opening.result.createObjectStore(name, { keyPath: "id" });
    }
  };
  return settled(opening);
}

function settled(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** A transaction is on disk when it has completed, not when its requests have succeeded. */
function done(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
