// Opens files in a browser and tells, as JSON, what a reader and a network would see. The task stands on standard input: see test_html_report.py.
'use strict';
const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

async function look(page, url, picture, axe) {
  const requests = [];
  const messages = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => messages.push(message.text()));
  page.on('pageerror', (error) => messages.push(String(error)));
  const began = Date.now();
  await page.goto(url, { waitUntil: 'load' });
  // Laid out and painted, not only parsed.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  const milliseconds = Date.now() - began;
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const screen = await page.screenshot({ path: picture });
  const told = { url, milliseconds, overflow, shown: screen.length, requests: [...requests], messages: [...messages], violations: [] };
  if (axe) {
    await page.evaluate(() => document.querySelectorAll('details').forEach((block) => { block.open = true; }));
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    told.violations = found.violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => node.html).slice(0, 3) }));
  }
  return told;
}

async function main() {
  const task = JSON.parse(fs.readFileSync(0, 'utf8'));
  const { chromium } = require(task.playwright);
  const axe = task.axe ? fs.readFileSync(task.axe, 'utf8') : null;
  const browser = await chromium.launch({ executablePath: task.browser, args: ['--no-sandbox'] });
  const told = [];
  try {
    for (const file of task.files) {
      const url = pathToFileURL(file).href;
      const name = path.basename(file, '.html');
      for (const colorScheme of ['light', 'dark']) {
        for (const width of task.widths) {
          // The page's own policy allows no script, and so none of the checker's.
          const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: Boolean(axe) });
          const page = await context.newPage();
          told.push(await look(page, url, path.join(task.pictures, `${name}-${colorScheme}-${width}.png`), axe));
          await context.close();
        }
      }
      if (!axe && name !== 'many') {
        const page = await browser.newPage();
        await page.goto(url);
        await page.pdf({ path: path.join(task.pictures, `${name}.pdf`), format: 'A4' });
        await page.close();
      }
    }
  } finally {
    await browser.close();
  }
  process.stdout.write(JSON.stringify(told));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
