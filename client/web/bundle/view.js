// What every page draws with, in one file: a phone on a slow network pays for each file that it has to ask for.
export * from "preact";
export * from "preact/hooks";
export * from "@preact/signals";
export { default } from "htm";
