// Opens pages of the site in a browser and tells, as JSON, what was asked for and what a reader sees. The task stands on standard input: see test_site.py.
'use strict';
const fs = require('fs');
const path = require('path');

async function visit(page, task, address) {
  await page.goto(task.base + address, { waitUntil: 'networkidle' });
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

async function search(page, words) {
  await page.keyboard.press('s');
  await page.locator('input.md-search__input').pressSequentially(words);
  const first = page.locator('.md-search-result__item a').first();
  await first.waitFor({ timeout: 10000 });
  return { title: (await first.innerText()).trim().split('\n')[0], address: await first.getAttribute('href') };
}

async function main() {
  const task = JSON.parse(fs.readFileSync(0, 'utf8'));
  const { chromium } = require(task.playwright);
  const browser = await chromium.launch({ executablePath: task.browser, args: ['--no-sandbox'] });
  const told = { requests: [], messages: [], pages: [], found: null };
  try {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of task.widths) {
        const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
        const page = await context.newPage();
        page.on('request', (request) => told.requests.push(request.url()));
        page.on('console', (message) => told.messages.push(message.text()));
        page.on('pageerror', (error) => told.messages.push(String(error)));
        for (const address of task.addresses) {
          const overflow = await visit(page, task, address);
          told.pages.push({ address, width, colorScheme, overflow });
          const name = `${address.replace(/\//g, '-') || 'home'}${colorScheme}-${width}.png`;
          if (task.pictures) await page.screenshot({ path: path.join(task.pictures, name) });
        }
        if (width >= 1000) told.found = await search(page, task.words);
        await context.close();
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
