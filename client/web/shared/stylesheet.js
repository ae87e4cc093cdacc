// Style sheets that only some pages need, brought when the first of these is shown.

const brought = new Map();

/** Bring a style sheet of this origin, once. Resolves when it holds. @param {string} href */
export function stylesheet(href) {
  if (!brought.has(href)) {
    brought.set(
      href,
      new Promise((resolve, reject) => {
        const link = document.createElement("link");
        link.rel = "stylesheet";
        link.href = href;
        link.onload = () => resolve();
        link.onerror = () => reject(new Error(`${href} could not be had`));
        document.head.append(link);
      }),
    );
  }
  return brought.get(href);
}
