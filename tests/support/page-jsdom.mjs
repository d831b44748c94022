// The rules of axe-core on pages, under jsdom: all but those that need a drawing (contrast, sizes), which Chromium has. And what axe-core does
// not ask: that header cells say what they head, and that nothing is loaded, run or styled in place. With plants, each page has a fault put in.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM } from "jsdom";

const { addresses = [], plants = [] } = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// Where a page leads is not loaded; what it names in these attributes is.
const LOADS = ["src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href"];

function faults(document) {
  const all = [...document.querySelectorAll("*")];
  const rules = {
    // axe-core is not sure of it.
    "page-has-heading-one": all.filter((element) => element.localName === "h1").length === 1 ? [] : [document.body],
    "header-cell-scope": all.filter((element) => element.localName === "th" && !["col", "row"].includes(element.getAttribute("scope"))),
    "nothing-runs": all.filter((element) => element.localName === "script" || [...element.attributes].some(({ name }) => name.startsWith("on"))),
    "nothing-is-loaded": all.filter((element) => {
      if (LOADS.some((name) => element.hasAttribute(name)) || ["iframe", "base"].includes(element.localName)) return true;
      if (element.localName === "style") return /url\(|@import/.test(element.textContent);
      const alternate = element.getAttribute("rel") === "alternate";
      return element.localName === "link" && !alternate && !element.getAttribute("href")?.startsWith("data:");
    }),
    // The policy lets the browser use the style sheet of the page alone.
    "no-style-in-place": all.filter((element) => element.hasAttribute("style")),
  };
  return Object.entries(rules).flatMap(([rule, found]) => found.map((element) => `${rule}: ${element.outerHTML.slice(0, 120)}`));
}

async function judge(address, html) {
  const dom = new JSDOM(html, { url: address, runScripts: "outside-only", pretendToBeVisual: true });
  const own = faults(dom.window.document);
  dom.window.eval(axe);
  const found = await dom.window.axe.run(dom.window.document, {
    runOnly: tags,
    rules: { "color-contrast": { enabled: false }, "target-size": { enabled: false } },
  });
  dom.window.close();
  return {
    address,
    passed: found.passes.map((rule) => rule.id),
    violations: [...found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(" ")}`), ...own],
  };
}

const read = async (address) => (await fetch(address)).text();
const pages = [];
for (const address of addresses) pages.push(await judge(address, await read(address)));
const planted = [];
for (const { name, address, from, to } of plants) {
  const html = await read(address);
  planted.push({ name, planted: html.includes(from), ...(await judge(address, html.replace(from, to))) });
}
console.log(JSON.stringify({ pages, planted }));
