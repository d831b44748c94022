// The rules of axe-core on pages, under jsdom: all but those that need a drawing (contrast, sizes), which Chromium has.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM } from "jsdom";

const { addresses } = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const pages = [];
for (const address of addresses) {
  const html = await (await fetch(address)).text();
  const dom = new JSDOM(html, { url: address, runScripts: "outside-only", pretendToBeVisual: true });
  dom.window.eval(axe);
  const found = await dom.window.axe.run(dom.window.document, {
    runOnly: tags,
    rules: { "color-contrast": { enabled: false }, "target-size": { enabled: false } },
  });
  pages.push({
    address,
    passed: found.passes.map((rule) => rule.id),
    violations: found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(" ")}`),
  });
  dom.window.close();
}
console.log(JSON.stringify({ pages }));
