// Pages in headless Chromium: axe-core's rules, sizes, what is loaded, the keyboard, in each theme, on paper; with pictures. With plants, each page
// has a fault put in, in one theme and at one width.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const { base, paths, plants = [], chromium, pictures } = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
mkdirSync(pictures, { recursive: true });

// Chromium has no sandbox for root. It shows only what this test serves. With the pipe it ends when this script does.
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, pipe: true, args: ["--no-sandbox", "--disable-gpu"] });

async function judge(page) {
  // In a world of its own: the page's policy forbids scripts.
  await page.evaluate(axe);
  return page.evaluate(async (tags) => {
    const found = await axe.run(document, { runOnly: tags });
    const told = (rules) => rules.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html.slice(0, 120)).join(" ")}`);
    return {
      passed: found.passes.map((rule) => rule.id),
      violations: told(found.violations),
      undecided: told(found.incomplete),
    };
  }, tags);
}

// Puts a fault into the page as the server gives it. A changed style stays the one that the policy names: it is what somebody would have written.
async function plant(page, fault) {
  await page.setRequestInterception(true);
  page.on("request", async (request) => {
    if (request.resourceType() !== "document") return request.continue();
    const answer = await fetch(request.url());
    const html = await answer.text();
    fault.planted = html.includes(fault.from);
    const body = html.replace(fault.from, fault.to);
    const hash = createHash("sha256").update(body.match(/<style>([^]*?)<\/style>/)?.[1] ?? "").digest("base64");
    const policy = answer.headers.get("content-security-policy").replace(/sha256-[^']*/, `sha256-${hash}`);
    await request.respond({ status: answer.status, contentType: "text/html; charset=utf-8", headers: { "content-security-policy": policy }, body });
  });
}

async function view(path, media, scheme, width, fault) {
  const page = await browser.newPage();
  if (fault) await plant(page, fault);
  const loaded = [];
  const complaints = [];
  page.on("request", (request) => request.url().startsWith("data:") || loaded.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaType(media);
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await page.goto(`${base}/${path}`, { waitUntil: "load" });
  const name = `${pictures}/${path}-${media}-${scheme}-${width}`;
  if (!fault) await page.screenshot({ path: `${name}.png`, fullPage: true });
  const seen = await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    scrolling: getComputedStyle(document.documentElement).scrollBehavior,
    paper: getComputedStyle(document.body).backgroundColor,
    scripts: document.scripts.length,
  }));
  if (media === "print") {
    await page.pdf({ path: `${name}.pdf`, format: "A4", printBackground: false, margin: { top: "15mm", bottom: "15mm", left: "15mm", right: "15mm" } });
  }
  const judged = await judge(page);
  await page.close();
  return { path, media, scheme, width, loaded, complaints, ...seen, ...judged };
}

// What the tabulator key reaches, in order, and whether it shows.
async function keyboard(path, fault) {
  const page = await browser.newPage();
  if (fault) await plant(page, fault);
  await page.setViewport({ width: 320, height: 700 });
  // Otherwise what has the focus is still on its way into view.
  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
  await page.goto(`${base}/${path}`, { waitUntil: "load" });
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], [tabindex='0']")];
    all.forEach((element, index) => element.setAttribute("data-order", index));
    return all.length;
  });
  const reached = [];
  for (let step = 0; step < wanted; step++) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      return {
        order: Number(element.getAttribute("data-order") ?? -1),
        text: (element.getAttribute("role") === "region" ? element.querySelector("caption") : element).textContent.trim(),
        outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        visible: box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight,
      };
    }));
  }
  // The skip link leads into the content.
  await page.goto(`${base}/${path}`, { waitUntil: "load" });
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const skipped = await page.evaluate(() => document.activeElement.id);
  await page.close();
  return { path, reached, skipped };
}

const views = [];
const keys = [];
for (const path of paths) {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 320]) views.push(await view(path, "screen", scheme, width));
  }
  views.push(await view(path, "print", "light", 794));
  keys.push(await keyboard(path));
}
const planted = [];
for (const fault of plants) {
  planted.push({ view: await view(fault.path, "screen", "light", 1280, fault), keys: await keyboard(fault.path, fault), ...fault });
}
await browser.close();
console.log(JSON.stringify({ views, keys, planted }));
