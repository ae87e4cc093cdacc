// Computes with the console's own modules: reads one JSON object a line, {"call", "arguments"}, and writes the answers.

import { createInterface } from "node:readline";

const modules = await Promise.all(process.argv.slice(2).map((module) => import(module)));
const calls = Object.assign({}, ...modules);
for await (const line of createInterface({ input: process.stdin })) {
  const { call, arguments: given } = JSON.parse(line);
  console.log(JSON.stringify(calls[call](...given)));
}
