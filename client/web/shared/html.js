// Preact with tagged templates: no build step, no JSX.

import { h, render } from "preact";
import htm from "htm";

export const html = htm.bind(h);
export { render };
