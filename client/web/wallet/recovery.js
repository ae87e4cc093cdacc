// The recovery sheet: a seed as 24 words (BIP-39, English list), and back.

import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";

/** @param {Uint8Array} seed */
export function wordsOf(seed) {
  return entropyToMnemonic(seed, wordlist).split(" ");
}

/** The seed of 24 words, or null where they are mistyped: the last word checks the others. @param {string} text */
export function seedOf(text) {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words.length !== 24) return null;
  try {
    return mnemonicToEntropy(words.join(" "), wordlist);
  } catch {
    return null;
  }
}
